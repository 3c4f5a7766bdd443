/**
 * What the bundle's `run.sh` starts: says what the machine has, teaches a model, serves it, trains it by LPO-fwd and by GRPO, and
 * checks and measures WebGPU. What is known is written after every stage; the last line is JSON.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { Countdown } from "@lpo/verifiers"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Server from "../shared/Server.ts"
import * as Exercises from "./Exercises.ts"
import * as Gpu from "./Gpu.ts"
import * as Plan from "./Plan.ts"
import { markdown } from "./ReportText.ts"
import * as Stages from "./Stages.ts"
import * as Training from "./Training.ts"

const names = ["machine", "model", "server", "lpo-fwd", "grpo", "webgpu"] as const

const options = Arguments.read("run.sh", {
  out: Arguments.text("the folder for reports, logs and figures", "out"),
  only: Arguments.many("skip the other stages", names),
  patience: Arguments.number("every limit times this", 1),
  teachSeconds: Arguments.whole("teach the model for this long", null),
  quick: Arguments.flag("WebGPU with the smallest batches"),
  allowSoftware: Arguments.flag("WebGPU on the processor too"),
})

/** The folder of the bundle: this file is app/engine/pipeline.mjs. */
const bundle = resolve(dirname(fileURLToPath(import.meta.url)), "../..")
const script = (name: string): string => join(bundle, "app/scripts", name)
const node = process.execPath
const python = process.env["LPO_PYTHON"] ?? "python3"
const out = resolve(options.out)
mkdirSync(out, { recursive: true })
const began = performance.now()

const env: NodeJS.ProcessEnv = {
  ...process.env,
  HOME: out,
  // PyTorch asks for a name, which a machine without /etc/passwd has none of.
  USER: process.env["USER"] ?? "lpo",
  PYTHONPATH: join(bundle, "python"),
  PYTHONUNBUFFERED: "1",
  HF_HUB_OFFLINE: "1",
  TOKENIZERS_PARALLELISM: "false",
  XLA_PYTHON_CLIENT_PREALLOCATE: "false",
  // Threads that wait leave the processor to others.
  OMP_WAIT_POLICY: "passive",
}

const keep = (results: ReadonlyArray<Stages.Result>): void => {
  const total = (performance.now() - began) / 1000
  const machine = results.find(({ name }) => name === "machine")?.figures["gpu"]
  Stages.writeJson(join(out, "figures.json"), { seconds: Math.round(total * 10) / 10, stages: results })
  writeFileSync(
    join(out, "report.md"),
    markdown(`LPO on ${typeof machine === "string" ? machine : "a processor"}`, results, total),
  )
}

/** The machine's figures, once they are known. */
let machine: Stages.Figures | null = null
const wanted = (stage: Stages.Stage): boolean =>
  options.only.length === 0 || options.only.some((name) => name === stage.name)

const first: Stages.Stage = {
  name: "machine",
  title: "what is there",
  limitSeconds: Plan.processor.limits.machine * options.patience,
  run: async ({ folder, signal }) => {
    const args = [script("machine.py")]
    const said = await Stages.command({ program: python, args, env, signal, log: join(folder, "machine.log") })
    machine = Stages.lastLine(said)
    return machine
  },
}
const earlier = await Stages.all([first].filter(wanted), out, [], keep)

const gpu = machine === null ? null : (machine as Stages.Figures)["gpu"]
const plan = Plan.patient(typeof gpu === "string" ? Plan.gpu : Plan.processor, options.patience)
if (machine !== null && gpu === null)
  console.log("\nNO GPU: a model of a million parameters on the processor; no figure below is one of a GPU")

const space: Countdown.Space = {
  size: 3,
  max: plan.max,
  minTarget: 1,
  maxTarget: 100,
  operators: ["+", "-", "*"],
  heldOutShare: 0.2,
}
const model = join(out, "model", "checkpoint")
const rows = { train: join(out, "model", "train.jsonl"), heldOut: join(out, "model", "held-out.jsonl") }
const serverEnv = { ...env, ...(gpu === null ? { JAX_PLATFORMS: "cpu" } : {}) }
let taught = false
let server: Server.Server | null = null

const teach = async ({ folder, signal }: Stages.Around): Promise<Stages.Figures> => {
  const exercises = join(folder, "exercises.json")
  writeFileSync(exercises, JSON.stringify(Exercises.make(space)))
  for (const [side, path] of [["train", rows.train] as const, ["held-out", rows.heldOut] as const]) {
    const all = Countdown.generate({ seed: "cuda", side }, { from: space }).map(({ answer }) => JSON.stringify(answer))
    writeFileSync(path, `${all.join("\n")}\n`)
  }
  const { seconds, ...shape } = plan.teach
  const args = [script("teach.py"), exercises, model, String(options.teachSeconds ?? seconds), JSON.stringify(shape)]
  const said = await Stages.command({ program: python, args, env, signal, log: join(folder, "teach.log") })
  taught = true
  return Stages.lastLine(said)
}

const training = (url: string): Training.Options => ({
  polaris: [node, join(bundle, "app/node_modules/@lpo/polaris/bin/polaris.js")],
  env,
  server: url,
  model,
  rows,
  settings: plan.train,
})

const serve = async (around: Stages.Around): Promise<Stages.Figures> => {
  const { folder, signal } = around
  if (!taught) throw new Error("there is no model to serve")
  const port = await Server.freePort()
  const starting = Server.start({
    command: python,
    args: [
      script("serve.py"),
      `--base-model=${model}`,
      "--backend=jax",
      `--backend-config=${JSON.stringify(plan.server)}`,
      `--checkpoints-base=${folder}/checkpoints`,
      `--database-url=sqlite:///${folder}/run.db`,
      `--port=${port}`,
    ],
    env: Object.fromEntries(
      Object.entries(serverEnv).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    ),
    folder,
    port,
    health: "/api/v1/healthz",
  })
  const started = await starting
  if (signal.aborted) await started.kill()
  server = started
  around.note({ upSeconds: (performance.now() - around.began) / 1000 })
  return Training.warmUp(training(started.url), around)
}

const train =
  (objective: string) =>
  async (around: Stages.Around): Promise<Stages.Figures> => {
    if (server === null) throw new Error("there is no server")
    return Training.run(training(server.url), around, objective)
  }

const webgpu = async (around: Stages.Around): Promise<Stages.Figures> => {
  await server?.kill()
  if (machine !== null && gpu === null && !options.allowSoftware)
    throw new Stages.Skipped("there is no GPU; --allow-software runs its checks on the processor")
  const flags = [...(options.quick ? ["--quick"] : []), ...(options.allowSoftware ? ["--allow-software"] : [])]
  const suite = join(bundle, "app/engine/suite.mjs")
  const checkpoint = join(bundle, "checkpoint")
  const folder = taught ? model : null
  around.note(await Gpu.suite({ node, suite, checkpoint, flags, report: out, model: folder }, around))
  if (folder === null || typeof gpu !== "string") return {}
  return Gpu.torch(python, pathToFileURL(script("torch_worker.py")), folder, around.signal)
}

// Ending this, such as by a limit on a command, ends what it started; what is known is on disk.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(name, () => {
    Stages.endAll()
    void (server?.kill() ?? Promise.resolve()).finally(() => process.exit(1))
  })

const { limits } = plan
const stages: ReadonlyArray<Stages.Stage> = [
  { name: "model", title: "teaches a Qwen3 Countdown", limitSeconds: limits.model, run: teach },
  { name: "server", title: "SkyRL serves it", limitSeconds: limits.server, run: serve },
  {
    name: "lpo-fwd",
    title: "polaris train countdown --objective lpo-fwd",
    limitSeconds: limits.run,
    run: train("lpo-fwd"),
  },
  { name: "grpo", title: "polaris train countdown --objective grpo", limitSeconds: limits.run, run: train("grpo") },
  { name: "webgpu", title: "the embedded engine on WebGPU", limitSeconds: limits.webgpu, run: webgpu },
]
const results = await Stages.all(stages.filter(wanted), out, earlier, keep)
await (server as Server.Server | null)?.kill()
console.log(`\nwritten to ${out}: report.md, figures.json, and a folder for each stage`)
console.log(
  JSON.stringify({
    check: "cuda",
    gpu: gpu ?? null,
    seconds: Math.round((performance.now() - began) / 100) / 10,
    stages: Object.fromEntries(results.map(({ name, seconds, status }) => [name, { status, seconds }])),
    passAt1: Object.fromEntries(
      results.flatMap(({ figures, name }) => {
        const { base, trained } = figures as Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>
        return trained === undefined ? [] : [[name, { base: base?.["1"], trained: trained["1"] }]]
      }),
    ),
  }),
)
process.exit(results.some(({ status }) => status === "failed") ? 1 : 0)
