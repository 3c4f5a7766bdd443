/**
 * @tensorflow/tfjs-node in a folder of its own, without the download of its install script: TensorFlow's C library comes from the
 * wheel `tensorflow-cpu` of the Python package index, and the addon is compiled here. docs/guides/tfjs-node.md has the same steps
 * by hand.
 */
import { spawnSync, type SpawnSyncOptions } from "node:child_process"
import { createHash } from "node:crypto"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** The folder that an application would be, with the packages in its node_modules. */
export const folder = fileURLToPath(new URL(".", import.meta.url))
export const modules = join(folder, "node_modules")
const packageOf = (name: string) => join(modules, "@tensorflow", name)
const stamp = join(modules, "installed.sha256")

/** Headers that the addon includes, directly or not. */
const headers = ["tensorflow/c/", "tensorflow/core/platform/", "tensorflow/tsl/", "tsl/"]

/** Runs a program; its output appears only when it fails, in the error. */
const run = (command: string, args: ReadonlyArray<string>, options: SpawnSyncOptions = {}): string => {
  const settings = { maxBuffer: 1 << 26, cwd: folder, ...options, encoding: "utf8" } as const
  const { error, status, stderr, stdout } = spawnSync(command, args, settings)
  if (error === undefined && status === 0) return stdout
  const said = error?.message ?? `${stdout}\n${stderr}`.trim().slice(-2000)
  throw new Error(`${command} ${args.join(" ")} failed: ${said}`)
}

const has = (command: string, ...args: ReadonlyArray<string>): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0

/** What is missing here, in words. */
const missing = (): ReadonlyArray<string> => {
  if (process.platform !== "linux" || process.arch !== "x64")
    return [`Linux on x64 (this is ${process.platform} on ${process.arch}, for which the wheel has no library)`]
  return [
    has("python3", "-m", "pip", "--version") ? null : "Python 3 with pip",
    has("make", "--version") ? null : "make",
    has(process.env.CXX ?? "g++", "--version") ? null : "a C++ compiler (g++, or the one in CXX)",
  ].filter((what) => what !== null)
}

/** Libraries under the names that the linker looks for, and headers, from the wheel. */
const library = (deps: string): void => {
  const temporary = mkdtempSync(join(tmpdir(), "lpo-tfjs-node-"))
  try {
    // The library is the same for every Python; the wheel of one version keeps the hash one.
    const target = ["--python-version", "3.11", "--platform", "manylinux2014_x86_64"]
    const only = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", "requirements.txt"]
    run("python3", ["-m", "pip", "download", "--quiet", ...target, ...only, "--dest", temporary])
    const wheel = readdirSync(temporary).find((name) => name.endsWith(".whl")) ?? "no wheel"
    const unpack = `
import sys, zipfile
wheel, out, *starts = sys.argv[1:]
with zipfile.ZipFile(wheel) as z:
    z.extractall(out, [name for name in z.namelist() if name.startswith(tuple(starts))])`
    const starts = ["tensorflow/libtensorflow", ...headers.map((name) => `tensorflow/include/${name}`)]
    run("python3", ["-c", unpack, join(temporary, wheel), temporary, ...starts])
    rmSync(deps, { recursive: true, force: true })
    mkdirSync(join(deps, "lib"), { recursive: true })
    cpSync(join(temporary, "tensorflow", "include"), join(deps, "include"), { recursive: true })
    for (const [name, from] of [
      ["libtensorflow", "libtensorflow_cc"],
      ["libtensorflow_framework", "libtensorflow_framework"],
    ]) {
      cpSync(join(temporary, "tensorflow", `${from}.so.2`), join(deps, "lib", `${from}.so.2`))
      symlinkSync(`${from}.so.2`, join(deps, "lib", `${name}.so`))
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** The arguments that give node-gyp the headers of this Node; without them it downloads them. */
const nodeHeaders = (): ReadonlyArray<string> => {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, "include", "node", "node_api.h")) ? [`--nodedir=${prefix}`] : []
}

/** Installs it if missing; throws an error that says why it is not available. */
export const install = (): void => {
  const inputs = ["package-lock.json", "requirements.txt", "Install.ts"].map((name) => readFileSync(join(folder, name)))
  const wanted = createHash("sha256").update(Buffer.concat(inputs)).digest("hex")
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return
  const lacking = missing()
  if (lacking.length > 0) throw new Error(`it needs ${lacking.join(", ")}`)
  console.log(`installing @tensorflow/tfjs-node into ${modules} (once; a download of 210 MB, 650 MB unpacked)`)
  run("npm", ["ci", "--ignore-scripts"])
  const [cpu, gpu] = ["tfjs-node", "tfjs-node-gpu"].map(packageOf)
  library(join(cpu, "deps"))
  const build = join(modules, "@mapbox", "node-pre-gyp", "bin", "node-pre-gyp")
  // `npm run` names the node-gyp of npm there.
  const env = { ...process.env, npm_config_node_gyp: join(modules, "node-gyp", "bin", "node-gyp.js") }
  run(process.execPath, [build, "install", "--build-from-source", ...nodeHeaders()], { cwd: cpu, env })
  // Built against the library for processors, the GPU package is what a machine without a GPU makes of it.
  symlinkSync(join("..", "tfjs-node", "deps"), join(gpu, "deps"))
  cpSync(join(cpu, "lib"), join(gpu, "lib"), { recursive: true })
  writeFileSync(stamp, wanted)
}
