/** What matters on this machine: Node, processor, memory, disk, GPU, the backends and the sandboxes that start here. */
import { execFile } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { statfs } from "node:fs/promises"
import { cpus, freemem, tmpdir, totalmem } from "node:os"
import { delimiter, join } from "node:path"
import { promisify } from "node:util"
import { Backend, Cores, Memory } from "@lpo/transformer"
import { EmbeddedSandbox, NativeSandbox, Sandbox } from "@lpo/verifiers"
import { Effect } from "effect"
import { type Finding, look } from "./Finding.ts"

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`

const node: Effect.Effect<Finding> = Effect.sync(() => ({
  group: "machine",
  what: "Node",
  state: "ok",
  seen: process.versions.node,
  fix: null,
}))

const memory: Effect.Effect<Finding> = Effect.sync(() => {
  const limit = process.constrainedMemory()
  const total = limit > 0 && limit < totalmem() ? limit : totalmem()
  const largest = (lora: boolean): string => `${Math.round(Memory.largest("train", lora) / 1e6)} M`
  return {
    group: "machine",
    what: "memory",
    state: total >= 2 ** 31 ? "ok" : "broken",
    seen: `${gib(total)}, ${gib(freemem())} free; the WASM backend trains models of up to about ${largest(false)} parameters in full, ${largest(true)} with an adapter`,
    fix:
      total >= 2 ** 31 ? null : "the small presets need at least 2 GiB; close other programs, or use another machine",
  }
})

const processor: Effect.Effect<Finding> = Effect.sync(() => ({
  group: "machine",
  what: "processor",
  state: "ok",
  seen: `${cpus()[0]?.model.trim() ?? "unknown"}, ${Cores.allowed()} cores for this process`,
  fix: null,
}))

/** Free space that a run with checkpoints of a small model is comfortable with. */
const comfortable = 2 ** 31

const disk = (what: string, folder: string): Effect.Effect<Finding> =>
  Effect.promise(async () => {
    let there = folder
    while (!existsSync(there)) there = join(there, "..")
    const found = await statfs(there).catch((cause: Error) => cause)
    if (found instanceof Error)
      return {
        group: "machine",
        what: `disk for ${what}`,
        state: "broken",
        seen: `${folder} cannot be read (${found.message})`,
        fix: "give a folder that you may read",
      } as const
    const free = found.bavail * found.bsize
    return {
      group: "machine",
      what: `disk for ${what}`,
      state: free >= comfortable ? "ok" : "broken",
      seen: `${gib(free)} free in ${folder}`,
      fix: free >= comfortable ? null : "make room: checkpoints and downloads need it",
    } as const
  })

const run = (file: string, args: ReadonlyArray<string>) =>
  Effect.tryPromise({
    try: async () => (await promisify(execFile)(file, args)).stdout.trim(),
    catch: (cause) => ({
      message: (cause as NodeJS.ErrnoException).code === "ENOENT" ? `there is no ${file}` : (cause as Error).message,
    }),
  })

const gpu = look(
  { group: "model", what: "NVIDIA GPU" },
  Effect.map(run("nvidia-smi", ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]), (text) =>
    text
      .split("\n")
      .map((line) => line.replace(/, ([\d.]+), /, ", driver $1, "))
      .join("; "),
  ),
  {
    state: "absent",
    fix: "the small presets need none; for large models rent one and start a server (docs: the paper's presets)",
  },
)

/** Where drivers register for Vulkan, which WebGPU needs on Linux. */
const vulkan = look(
  { group: "model", what: "Vulkan driver" },
  Effect.suspend(() => {
    if (process.platform !== "linux") return Effect.succeed("part of the system")
    const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env
    const named = (VK_DRIVER_FILES ?? VK_ICD_FILENAMES ?? "").split(delimiter).filter((file) => file !== "")
    const folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
    const found = [
      ...named,
      ...folders.flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((file) => join(folder, file)) : [])),
    ].filter((file) => file.endsWith(".json") && existsSync(file))
    return found.length > 0
      ? Effect.succeed(found.join(", "))
      : Effect.fail({ message: `no file in ${folders.join(" or ")}, and VK_DRIVER_FILES lists none` })
  }),
  {
    state: "absent",
    fix: "install the driver's Vulkan part (nvidia_icd.json comes with NVIDIA's driver; in a container set NVIDIA_DRIVER_CAPABILITIES=all)",
  },
)

const ways: Readonly<Record<Backend.BackendName, string>> = {
  "tfjs-node-gpu": "npm install @tensorflow/tfjs-node-gpu, on a machine with CUDA",
  "tfjs-node": "npm install @tensorflow/tfjs-node; only if a model is too large for wasm",
  webgpu: "npm install webgpu @tensorflow/tfjs-backend-webgpu, on a machine with a GPU",
  wasm: "it comes with the program: reinstall the packages",
  cpu: "it comes with the program: reinstall the packages",
}

/** One after the other: a process has one backend. */
const backends = Effect.forEach(Backend.names, (name) =>
  look(
    { group: "model", what: `backend ${name}` },
    Effect.map(Backend.start(name), ({ device }) => device),
    { state: name === "wasm" || name === "cpu" ? "broken" : "absent", fix: ways[name] },
  ),
)

/** Runs a program, and expects its output. */
const tries = ({ run: start }: Sandbox.SandboxService) =>
  Effect.flatMap(
    start({ language: "python", source: "print(6 * 7)", tests: [{ kind: "stdin", stdin: "" }] }),
    ([outcome]) =>
      outcome?.stdout === "42\n"
        ? Effect.succeed("runs Python")
        : Effect.fail({ message: `Python does not run: ${outcome?.error ?? outcome?.stderr ?? "it printed nothing"}` }),
  )

const sandboxes = Effect.all([
  look(
    { group: "sandbox", what: "embedded sandbox (WebAssembly)" },
    Effect.scoped(Effect.flatMap(EmbeddedSandbox.make({ processes: 1 }), tries)),
    { state: "broken", fix: "it comes with the program: reinstall the packages" },
  ),
  look(
    { group: "sandbox", what: "native sandbox (bubblewrap)" },
    Effect.flatMap(NativeSandbox.make({ processes: 1 }), tries),
    {
      state: "absent",
      fix: "not needed: the embedded sandbox does the same; for programs that need packages or speed, install bubblewrap and python3 and allow user namespaces",
    },
  ),
])

/** Checks the whole machine; `runs` is the folder of the runs. */
export const all = (runs: string): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.map(
    Effect.all([
      Effect.all([node, processor, memory, disk("runs", runs), disk("temporary files", tmpdir())]),
      Effect.all([gpu, vulkan]),
      backends,
      sandboxes,
    ]),
    (found) => found.flat(),
  )
