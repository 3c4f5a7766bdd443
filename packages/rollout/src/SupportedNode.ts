/**
 * The versions of Node that the packages run on. Every entry point imports this module, which throws `UnsupportedNode` under an
 * older one: a raw error of whatever is missing there would not say what to do.
 *
 * @module
 */

/** The oldest version that is supported. @category models */
export const oldest = "22.19"

/** Why the packages do not run under a version of Node, such as `20.20.2`; null when they do. @category refusals */
export const refusal = (version: string): string | null => {
  const [major, minor] = version.split(".").map(Number)
  const [least, leastMinor] = oldest.split(".").map(Number)
  return major > least || (major === least && minor >= leastMinor)
    ? null
    : `LPO needs Node ${oldest} or newer, and this is Node ${version}; install another Node, then run it again`
}

/** The packages are imported under a Node that is too old. @category errors */
export class UnsupportedNode extends Error {
  override readonly name = "UnsupportedNode"
  readonly version: string

  constructor(version: string, message: string) {
    super(message)
    this.version = version
    // The frames lie in the packages and in Node's loader: none of them is the reader's to change.
    this.stack = `${this.name}: ${message}`
  }
}

// A browser has no `process`, and some bundlers put an empty one there.
const { process } = globalThis as { readonly process?: { readonly versions?: { readonly node?: string } } }
const version = process?.versions?.node
const why = version ? refusal(version) : null
if (version && why !== null) throw new UnsupportedNode(version, why)
