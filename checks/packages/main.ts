/**
 * `npm run checks -- packages`: builds and packs every package, installs it alone in an empty project, and runs the example of its
 * README there (the root README shows the same examples), under every supported Node. Under each the code verifier runs programs too, also
 * on a cache that was spoilt; under a Node that is too old it says so in one line.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Nodes from "../shared/Nodes.ts"
import * as Report from "../shared/Report.ts"

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

interface Packed {
  readonly folder: string
  readonly manifest: Manifest
  readonly tarball: string
}

Arguments.read("npm run checks -- packages", {})
const report = Report.make("packages")
const root = mkdtempSync(join(tmpdir(), "lpo-packages-"))

/** Runs a program in a folder; what it printed, or an `Error` with what it said on stderr. */
const run = (cwd: string, command: string, ...args: ReadonlyArray<string>): string => {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
  } catch (cause) {
    const { message, stderr } = cause as Error & { readonly stderr: string }
    throw new Error(stderr === "" ? message : stderr, { cause })
  }
}

const pack = (name: string): Packed => {
  const folder = join("packages", name)
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest
  const [{ filename }] = JSON.parse(run(folder, "npm", "pack", "--json", "--pack-destination", root)) as ReadonlyArray<{
    readonly filename: string
  }>
  return { folder, manifest, tarball: join(root, filename) }
}

/** A package and the sibling packages it depends on, all from tarballs: nothing of this project is on a registry. */
const closure = (
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

const nodes = new Map([Nodes.refused, ...Nodes.supported].map((major) => [major, Nodes.install(major, root)]))
const nodeOf = (major: number): string => nodes.get(major) ?? process.execPath

/** Throws why the code verifier does not work in a project under this Node, with a cache of its own, then with that cache spoilt. */
const judge = (project: string, major: number): void => {
  const cache = join(root, `cache-${major}`)
  const ask = (): string => {
    const env = { ...process.env, XDG_CACHE_HOME: cache }
    const args = ["--disable-warning=ExperimentalWarning", "code.mjs"]
    const { status, stderr, stdout } = spawnSync(nodeOf(major), args, { cwd: project, env, encoding: "utf8" })
    return `${stdout}${stderr}${status === 0 ? "" : `exit code ${status}`}`.trim()
  }
  const right = "ok 1 the test passes\nok 1 the test passes"
  const said = ask()
  if (major === Nodes.refused) {
    const needs = /^error 0 .*it needs Node 22\.19 or later, and this is Node 20\.\S+; start it with another Node$/
    if (!said.split("\n").every((line) => needs.test(line))) throw new Error(`Node ${major}: ${said}`)
    return
  }
  if (said !== right) throw new Error(`Node ${major}: ${said}`)
  const folder = join(cache, "lpo-verifiers")
  const files = readdirSync(folder).map((name) => join(folder, name))
  for (const file of files) writeFileSync(file, "spoilt")
  const again = ask()
  if (again !== right) throw new Error(`Node ${major}, with a cache that is spoilt: ${again}`)
  if (files.every((file) => existsSync(file) && readFileSync(file, "utf8") === "spoilt"))
    throw new Error(`Node ${major}: the cache stays spoilt`)
}

/** Throws why the package cannot be used as its README says. */
const use = ({ folder, manifest }: Packed, packages: ReadonlyMap<string, Packed>): void => {
  const project = mkdtempSync(join(root, "project-"))
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
  const tarballs = [...closure(packages, manifest.name)].map(({ tarball }) => tarball)
  const peers = Object.entries(manifest.peerDependencies ?? {})
    .filter(([peer]) => manifest.peerDependenciesMeta?.[peer]?.optional !== true)
    .map(([peer, range]) => `${peer}@${range}`)
  run(project, "npm", "install", "--no-audit", "--no-fund", "--prefer-offline", ...tarballs, ...peers)
  const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(folder, "README.md"), "utf8"))
  if (example === null) throw new Error("its README has no example")
  if (!readFileSync("README.md", "utf8").includes(example[0]))
    throw new Error("README.md shows another example than its README")
  writeFileSync(join(project, "example.ts"), example[1])
  for (const major of Nodes.supported)
    run(project, nodeOf(major), "--disable-warning=ExperimentalWarning", "example.ts")
  if (manifest.name !== "@lpo/verifiers") return
  copyFileSync("checks/packages/code.mjs", join(project, "code.mjs"))
  for (const major of nodes.keys()) judge(project, major)
}

try {
  run(".", "npx", "turbo", "run", "build", "--output-logs=errors-only")
  const packages = new Map(
    readdirSync("packages")
      .map((name) => pack(name))
      .map((one) => [one.manifest.name, one]),
  )
  const checks = [...packages].map(([name, packed]) => ({
    name: `${name} installs alone, its README example runs`,
    run: () => use(packed, packages),
  }))
  await report.run(checks)
} finally {
  rmSync(root, { recursive: true })
}
report.end()
