/**
 * `npm run checks -- packages`: builds and packs every package, installs it alone in an empty project, and runs the example of its
 * README there (the root README shows the same examples), under every supported Node. Under each, its entry points are imported
 * too, its programs started, and the code verifier runs programs, even with a damaged cache. Under a Node that is too old, each
 * entry point and each program says so in one line.
 */
import { spawnSync } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Nodes from "../shared/Nodes.ts"
import * as Packed from "../shared/Packed.ts"
import * as Report from "../shared/Report.ts"

Arguments.read("npm run checks -- packages", {})
const report = Report.make("packages")
const root = mkdtempSync(join(tmpdir(), "lpo-packages-"))

/** The disk space of each install. */
const sizes: Array<{ readonly name: string; readonly seconds: number; readonly effect: number; readonly own: number }> =
  []

const nodes = new Map([Nodes.refused, ...Nodes.supported].map((major) => [major, Nodes.install(major, root)]))
const nodeOf = (major: number): string => nodes.get(major) ?? process.execPath

/** Throws why the code verifier does not work in a project under this Node, with its own cache, then with that cache damaged. */
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
  if (said !== right) throw new Error(`Node ${major}: ${said}`)
  const folder = join(cache, "lpo-verifiers")
  const files = readdirSync(folder).map((name) => join(folder, name))
  for (const file of files) writeFileSync(file, "spoilt")
  const again = ask()
  if (again !== right) throw new Error(`Node ${major}, with a damaged cache: ${again}`)
  if (files.every((file) => existsSync(file) && readFileSync(file, "utf8") === "spoilt"))
    throw new Error(`Node ${major}: the cache stays damaged`)
}

/** Megabytes (10^6 bytes) of the files in a folder. */
const megabytes = (folder: string): number => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0) / 1e6
}

/** What a package and each of its programs say, to the letter, under a Node that is too old. */
const tooOld =
  /^LPO needs Node 22\.19 or newer, and this is Node 20\.\d+\.\d+; install another Node, then run it again$/

/** Whether a manifest's range takes the Node that is too old for the others. */
const takesOld = ({ engines }: Packed.Manifest): boolean => engines.node.startsWith(`>=${Nodes.refused}.`)

interface Entry {
  readonly entry: string
  readonly name: string
  readonly message: string
}

/** Throws which entry point cannot be imported in a project under a Node, or is imported where it should not be. */
const enter = (project: string, manifest: Packed.Manifest, major: number): void => {
  const modules = Object.entries(manifest.exports ?? {}).filter(([, file]) => typeof file === "object")
  const entries = modules.map(([path]) => manifest.name + path.slice(1))
  const args = ["--disable-warning=ExperimentalWarning", "entries.mjs", ...entries]
  const failed = JSON.parse(Packed.run(project, nodeOf(major), ...args)) as ReadonlyArray<Entry>
  const isRefused = major === Nodes.refused && !takesOld(manifest)
  const isRight = (one: Entry): boolean => isRefused && one.name === "UnsupportedNode" && tooOld.test(one.message)
  const wrong = failed.filter((one) => !isRight(one)).map(({ entry, message, name }) => `${entry}: ${name}: ${message}`)
  if (wrong.length > 0) throw new Error(`Node ${major}: ${wrong.join("; ")}`)
  if (isRefused && failed.length < entries.length)
    throw new Error(
      `Node ${major}: ${entries.length - failed.length} of ${entries.length} entry points do not refuse it`,
    )
}

/** Throws which program of a package does not start in a project under a Node, or does not say which Node it needs. */
const start = (project: string, manifest: Packed.Manifest, major: number): void => {
  for (const name of Object.keys(manifest.bin ?? {})) {
    const args = [join("node_modules", ".bin", name), "--version"]
    const { status, stderr, stdout } = spawnSync(nodeOf(major), args, { cwd: project, encoding: "utf8" })
    const [said, told] = [stdout.trim(), stderr.trim()]
    const isRight =
      major === Nodes.refused
        ? status === 1 && said === "" && told.startsWith(`${name}: `) && tooOld.test(told.slice(name.length + 2))
        : status === 0 && told === "" && said === `${name} v${manifest.version}`
    if (!isRight) throw new Error(`Node ${major}: ${name} --version ended with ${status}: ${said}${told}`)
  }
}

/** Throws why the package cannot be used as its README says. */
const use = (packed: Packed.Packed, packages: ReadonlyMap<string, Packed.Packed>): void => {
  const { manifest } = packed
  const project = mkdtempSync(join(root, "project-"))
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
  const from = performance.now()
  Packed.install(project, Packed.requests(Packed.closure(packages, manifest.name)))
  const seconds = (performance.now() - from) / 1000
  const modules = join(project, "node_modules")
  const effect = existsSync(join(modules, "effect")) ? megabytes(join(modules, "effect")) : 0
  sizes.push({ name: manifest.name, seconds, effect, own: megabytes(modules) - effect })
  copyFileSync("checks/packages/entries.mjs", join(project, "entries.mjs"))
  for (const major of nodes.keys()) {
    enter(project, manifest, major)
    start(project, manifest, major)
  }
  if (manifest.exports === undefined) return
  writeFileSync(join(project, "example.ts"), Packed.example(packed))
  for (const major of Nodes.supported)
    Packed.run(project, nodeOf(major), "--disable-warning=ExperimentalWarning", "example.ts")
  if (manifest.name !== "@lpo/verifiers") return
  copyFileSync("checks/packages/code.mjs", join(project, "code.mjs"))
  for (const major of Nodes.supported) judge(project, major)
}

try {
  const packages = Packed.pack(root)
  const checks = [...packages].map(([name, packed]) => ({
    name: `${name} installs alone, ${packed.manifest.exports === undefined ? "it starts" : "its README example runs"}`,
    run: () => use(packed, packages),
  }))
  await report.run(checks)
  console.log("\npackage            install   effect   the rest (MB on disk)")
  for (const { name, seconds, effect, own } of sizes)
    console.log(
      `${name.padEnd(18)} ${seconds.toFixed(1).padStart(5)} s ${effect.toFixed(1).padStart(8)} ${own.toFixed(1).padStart(8)}`,
    )
} finally {
  rmSync(root, { recursive: true })
}
report.end()
