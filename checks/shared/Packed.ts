/** The packages as a user gets them: built, packed, and installed from their tarballs. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { published } from "../../scripts/published.ts"

export interface Manifest {
  readonly name: string
  readonly version: string
  /** A program has none. */
  readonly exports?: Readonly<Record<string, unknown>>
  readonly bin?: Readonly<Record<string, string>>
  readonly engines: { readonly node: string }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

export interface Packed {
  readonly folder: string
  readonly manifest: Manifest
  readonly tarball: string
}

/** Runs a program in a folder; returns what it printed, or an `Error` with its message. */
export const run = (cwd: string, command: string, ...args: ReadonlyArray<string>): string => {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
  } catch (cause) {
    const { message, stderr, stdout } = cause as Error & { readonly stderr: string; readonly stdout: string }
    throw new Error([stdout, stderr].filter(Boolean).join("\n") || message, { cause })
  }
}

const packOne = (folder: string, into: string): Packed => {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest
  const [{ filename }] = JSON.parse(run(folder, "npm", "pack", "--json", "--pack-destination", into)) as ReadonlyArray<{
    readonly filename: string
  }>
  return { folder, manifest, tarball: join(into, filename) }
}

/** Builds every package and the program, and packs them into a folder; by name. */
export const pack = (into: string): ReadonlyMap<string, Packed> => {
  run(".", "npx", "turbo", "run", "build", "--output-logs=errors-only")
  return new Map(
    published(".")
      .map((folder) => packOne(folder, into))
      .map((one) => [one.manifest.name, one]),
  )
}

/** Those that you import in your own program. */
export const libraries = (packages: ReadonlyMap<string, Packed>): ReadonlyMap<string, Packed> =>
  new Map([...packages].filter(([, { manifest }]) => manifest.exports !== undefined))

/** A package and the sibling packages it depends on, all from tarballs: nothing of this project is on a registry. */
export const closure = (
  packages: ReadonlyMap<string, Packed>,
  name: string,
  seen: Set<Packed> = new Set(),
): ReadonlySet<Packed> => {
  const found = packages.get(name)
  if (found === undefined || seen.has(found)) return seen
  seen.add(found)
  for (const dependency of Object.keys(found.manifest.dependencies ?? {})) closure(packages, dependency, seen)
  return seen
}

/** What `npm install` is given for these packages: their tarballs and the peers that they cannot do without. */
export const requests = (packages: Iterable<Packed>): ReadonlyArray<string> => {
  const wanted = new Set<string>()
  for (const { manifest, tarball } of packages) {
    wanted.add(tarball)
    for (const [peer, range] of Object.entries(manifest.peerDependencies ?? {}))
      if (manifest.peerDependenciesMeta?.[peer]?.optional !== true) wanted.add(`${peer}@${range}`)
  }
  return [...wanted]
}

/** Installs into a project, from the cache where it can. */
export const install = (project: string, wanted: ReadonlyArray<string>): void => {
  run(project, "npm", "install", "--no-audit", "--no-fund", "--prefer-offline", ...wanted)
}

/** The example of a package's README, which is the root README's too. */
export const example = ({ folder }: Packed): string => {
  const found = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(folder, "README.md"), "utf8"))
  if (found === null) throw new Error(`${folder}/README.md has no example`)
  if (!readFileSync("README.md", "utf8").includes(found[0]))
    throw new Error(`README.md shows a different example from ${folder}/README.md`)
  return found[1]
}
