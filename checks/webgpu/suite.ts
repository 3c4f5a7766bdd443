/**
 * The adapter, the checks and the figures on WebGPU, in this process; `npm run checks -- webgpu` and the bundle's `run.sh` start it.
 *
 * Ends with code 1 when there is no adapter, when it is software and that was not allowed, and when a check fails. The last line is
 * JSON.
 */
import { mkdir, writeFile } from "node:fs/promises"
import { cpus } from "node:os"
import { join } from "node:path"
import { Backend, Checkpoint, WebGpu } from "@lpo/transformer"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import * as Arguments from "../../bench/shared/Arguments.ts"
import { grouped } from "../../bench/shared/Figures.ts"
import * as Models from "../../bench/shared/Models.ts"
import * as Rates from "../../bench/transformer/Rates.ts"
import * as Work from "../../bench/transformer/Work.ts"
import { checks, leaks } from "../../packages/transformer/test/backend/checks.ts"
import * as Report from "../shared/Report.ts"
import * as Device from "./Device.ts"
import * as Reference from "./Reference.ts"

const options = Arguments.read("suite.ts", {
  checkpoint: Arguments.text("the folder of the random checkpoint", "checkpoint"),
  write: Arguments.flag("write the checkpoint, with what WASM computes from it, and end"),
  allowSoftware: Arguments.flag("accept an adapter that computes on the processor"),
  quick: Arguments.flag("the smallest batches, and few checks of sampling"),
  report: Arguments.text("a folder for the figures", null),
  model: Arguments.text("the folder of a model to measure instead, with the batches of the largest one", null),
})

/** A refusal is one line that says what to do. */
const refuse = (reason: string): never => {
  console.error(`REFUSED: ${reason}`)
  process.exit(1)
}

const start = async () => {
  const started = await Effect.runPromise(Backend.start("webgpu")).catch((cause: Error) => refuse(cause.message))
  const info = WebGpu.adapter()
  if (info === null) return refuse("WebGPU started without an adapter")
  const software = WebGpu.software(info)
  console.log(`adapter: ${started.device}`)
  if (software && !options.allowSoftware)
    refuse(`the adapter is ${started.device}; a GPU's driver is missing, or --allow-software runs on the processor`)
  if (software) console.log("SOFTWARE ADAPTER: this shows that results are correct, and nothing about speed on a GPU")
  const { maxBufferSize, maxStorageBufferBindingSize } = Device.active().limits
  console.log(
    `limits: a tensor of ${maxStorageBufferBindingSize / 2 ** 20} MiB, a buffer of ${maxBufferSize / 2 ** 20} MiB`,
  )
  const { architecture, description, device, vendor } = info
  return { device: started.device, adapter: { vendor, architecture, device, description, software } }
}

/** Sampling is slow on software: the quick run keeps the model that has layers with and without a window, and fewer rounds. */
const quickly = (): ReadonlyArray<Report.Check> => [
  ...checks.filter(
    ({ name }) =>
      (!name.includes(": sampling") || name.startsWith("qwen3")) && !name.startsWith("no tensor is left over"),
  ),
  leaks(3),
]

const runChecks = async (report: Report.Report, software: boolean): Promise<void> => {
  const chosen = options.quick ? quickly() : checks
  if (options.quick) console.log(`--quick: ${checks.length - chosen.length} checks of sampling are skipped`)
  // Small tensors too go through the shaders.
  tf.env().set("WEBGPU_CPU_FORWARD", false)
  // A software driver takes half a second for the product with a barrier per sum; each program is checked once below.
  if (software) tf.env().set("WEBGPU_MATMUL_PROGRAM_TYPE", 2)
  await report.run([
    ...chosen,
    {
      name: "a checkpoint gives the same log-probs and gradient as WASM",
      run: () => Reference.check(options.checkpoint),
    },
    // The last of these loses the device.
    ...Device.checks,
  ])
  tf.env().set("WEBGPU_CPU_FORWARD", true)
  console.log(`${report.passed} checks passed, ${report.failed.length} failed`)
}

interface Plan {
  readonly name: string
  readonly open: () => Models.Model | Promise<Models.Model>
  readonly batches: Work.Batches
  readonly rounds: number
}

const named = (name: Models.Name, rounds: number, batches: Work.Batches): Plan => ({
  name,
  open: () => Models.open(name),
  rounds,
  batches,
})

/** The model of a folder. */
const given = (folder: string): Plan => ({
  name: folder,
  open: async () => {
    const { config, values } = await Effect.runPromise(Checkpoint.open(folder))
    return Models.of("checkpoint", config, values)
  },
  rounds: 3,
  batches: Work.works["llama-100m"].gpu,
})

const plans = (quick: boolean): ReadonlyArray<Plan> => {
  const decode = { rows: 8, promptTokens: 3, newTokens: 3 }
  if (quick) return [named("llama-11k", 1, { decode, train: { rows: 8, time: 8 } })]
  if (options.model !== null) return [given(options.model)]
  return Work.names.map((name) => named(name, 3, Work.works[name].gpu))
}

/** The whole batch at once keeps a GPU busy. */
const measure = async ({ batches, open, rounds }: Plan): Promise<Rates.Rates> => {
  const atOnce = { maxSequences: batches.decode.rows, limits: { memoryMiB: 2 ** 20, rowsPerMicroBatch: 2 ** 20 } }
  const whole = { backend: "webgpu", model: await open(), batches, rounds, workers: 0, ...atOnce } as const
  return Effect.runPromise(Rates.measure(whole))
}

const table = (results: ReadonlyArray<Rates.Rates>): string =>
  [
    "| model | parameters | sampling | training | memory, sampling | memory, training |",
    "| --- | --- | --- | --- | --- | --- |",
    ...results.map((rates) => {
      const { decode, tensorsMiB, train } = rates
      const cells = [
        rates.model,
        grouped(rates.parameters),
        `${grouped(rates.samplingTokensPerSecond)} tokens/s (${decode.rows} sequences, ${decode.newTokens} tokens)`,
        `${grouped(rates.trainingTokensPerSecond)} tokens/s (${train.rows} x ${train.time}, AdamW ${rates.adamWSeconds.toFixed(2)} s a step)`,
        `${grouped(tensorsMiB?.sampling ?? 0)} MiB`,
        `${grouped(tensorsMiB?.training ?? 0)} MiB`,
      ]
      return `| ${cells.join(" | ")} |`
    }),
  ].join("\n")

const main = async () => {
  const { adapter, device } = await start()
  const report = Report.make("webgpu")
  await runChecks(report, adapter.software)
  const results: Array<Rates.Rates> = []
  for (const plan of plans(adapter.software || options.quick))
    await report.run([{ name: `measures ${plan.name}`, run: async () => void results.push(await measure(plan)) }])
  console.log(`\n${table(results)}\n`)
  const cpu = cpus()[0]?.model ?? "?"
  const summary = { adapter, node: process.version, cpu, results }
  if (options.report !== null && !adapter.software && !options.quick) {
    const name = (adapter.device || adapter.vendor).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")
    const path = join(options.report, `${name}.md`)
    const text = [
      `# ${device}`,
      `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpu}; ${report.passed} checks passed, ${report.failed.length} failed.`,
      table(results),
      `\`\`\`json\n${JSON.stringify(summary, null, 2)}\n\`\`\``,
    ]
    // The folder may not be writable, and the figures are on the screen too.
    await mkdir(options.report, { recursive: true })
      .then(() => writeFile(path, `${text.join("\n\n")}\n`))
      .then(() => console.log(`written to ${path}`))
      .catch((cause: Error) => console.error(`not written to ${path}: ${cause.message}`))
  }
  report.end(summary)
}

await (options.write ? Reference.write(options.checkpoint) : main())
