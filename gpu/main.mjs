/**
 * The adapter, the checks and the benchmark on WebGPU, in this process; `npm run gpu:check` and the bundle's `run.sh` start it.
 *
 *     node main.mjs --checkpoint FOLDER [--allow-software] [--quick] [--report FOLDER]
 *
 * Ends with code 1 when there is no adapter, when it is software and that was not allowed, and when a check fails. The last line is
 * JSON.
 */
import { mkdir, writeFile } from "node:fs/promises"
import { cpus } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as tf from "@tensorflow/tfjs-core"
import { Backend } from "@lpo/transformer"
import * as WebGpu from "@lpo/transformer/backends/WebGpu"
import { Effect } from "effect"
import { checks as engineChecks, leaks } from "../packages/transformer/test/backend/checks.ts"
import * as Bench from "./bench.mjs"
import * as Checkpoint from "./checkpoint.mjs"
import { checks as deviceChecks } from "./checks.mjs"

const { values: options } = parseArgs({
  options: {
    checkpoint: { type: "string" },
    "allow-software": { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    report: { type: "string" },
  },
})

/** A refusal is one line that says what to do. */
const refuse = (reason) => {
  console.error(`REFUSED: ${reason}`)
  process.exit(1)
}

const start = async () => {
  const started = await Effect.runPromise(Backend.start("webgpu")).catch((error) => refuse(error.message))
  const info = WebGpu.adapter()
  const isSoftware = WebGpu.software(info)
  console.log(`adapter: ${started.device}`)
  if (isSoftware && !options["allow-software"])
    refuse(`the adapter is ${started.device}; a GPU's driver is missing, or --allow-software runs on the processor`)
  if (isSoftware) console.log("SOFTWARE ADAPTER: this shows that results are right, and nothing about speed on a GPU")
  const { maxBufferSize, maxStorageBufferBindingSize } = tf.backend().device.limits
  console.log(
    `limits: a tensor of ${maxStorageBufferBindingSize / 2 ** 20} MiB, a buffer of ${maxBufferSize / 2 ** 20} MiB`,
  )
  return { device: started.device, info: { ...plain(info), software: isSoftware } }
}

const plain = ({ architecture, description, device, vendor }) => ({ vendor, architecture, device, description })

/** Sampling is slow on software: the quick run keeps the model that has layers with and without a window, and fewer rounds. */
const quickly = () => [
  ...engineChecks.filter(
    ({ name }) =>
      (!name.includes(": sampling") || name.startsWith("qwen3")) && !name.startsWith("no tensor is left over"),
  ),
  leaks(3),
]

const runChecks = async (isSoftware) => {
  const chosen = options.quick ? quickly() : engineChecks
  if (options.quick) console.log(`--quick: ${engineChecks.length - chosen.length} checks of sampling are left out`)
  const all = [
    ...chosen,
    {
      name: "a checkpoint gives the log-probs and the gradient that WASM gives",
      run: () => Checkpoint.check(options.checkpoint),
    },
    // The last of these loses the device.
    ...deviceChecks,
  ]
  // Small tensors too go through the shaders.
  tf.env().set("WEBGPU_CPU_FORWARD", false)
  // A software driver takes half a second for the product with a barrier per sum; each program is checked once below.
  if (isSoftware) tf.env().set("WEBGPU_MATMUL_PROGRAM_TYPE", 2)
  let failed = 0
  for (const { name, run } of all) {
    const from = performance.now()
    const error = await Promise.resolve()
      .then(run)
      .then(
        () => null,
        (cause) => cause,
      )
    const seconds = `${((performance.now() - from) / 1000).toFixed(1)} s`
    if (error === null) console.log(`ok      ${name} (${seconds})`)
    else {
      failed++
      console.log(`FAILED  ${name} (${seconds}): ${error.stack ?? error.message}`)
    }
  }
  tf.env().set("WEBGPU_CPU_FORWARD", true)
  console.log(`${all.length - failed} checks passed, ${failed} failed`)
  return { passed: all.length - failed, failed }
}

const whole = (x) => Math.round(x).toLocaleString("en")

const table = (results) =>
  [
    "| model | parameters | sampling | training | memory, sampling | memory, training |",
    "| --- | --- | --- | --- | --- | --- |",
    ...results.map(({ model, parameters, sampling, training }) => {
      const cells = [
        model,
        whole(parameters),
        `${whole(sampling.tokensPerSecond)} tokens/s (${sampling.sequences} sequences, ${sampling.newTokens} tokens)`,
        `${whole(training.tokensPerSecond)} tokens/s (${training.sequences} x ${training.length}, AdamW ${training.adamSeconds.toFixed(2)} s a step)`,
        `${whole(sampling.mebibytes)} MiB`,
        `${whole(training.mebibytes)} MiB`,
      ]
      return `| ${cells.join(" | ")} |`
    }),
  ].join("\n")

const { device, info } = await start()
const outcome = await runChecks(info.software)
const results = []
for (const plan of Bench.plans(info.software || options.quick)) {
  const error = await Effect.runPromise(Bench.measure(plan)).then(
    (result) => (results.push(result), null),
    (cause) => cause,
  )
  if (error === null) continue
  outcome.failed++
  console.log(`FAILED  the benchmark of ${plan.name}: ${error.message}`)
}
console.log(`\n${table(results)}\n`)
const summary = { adapter: info, node: process.version, cpu: cpus()[0]?.model ?? "?", checks: outcome, results }
if (options.report !== undefined && !info.software && !options.quick) {
  const name = (info.device || info.vendor).toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")
  const date = new Date().toISOString().slice(0, 10)
  const path = join(options.report, `${name}.md`)
  const text = [
    `# ${device}`,
    `${date}, Node ${process.version}, ${summary.cpu}; ${outcome.passed} checks passed, ${outcome.failed} failed.`,
    table(results),
    `\`\`\`json\n${JSON.stringify(summary, null, 2)}\n\`\`\``,
  ]
  // The folder may not be writable, and the figures are on the screen too.
  await mkdir(options.report, { recursive: true })
    .then(() => writeFile(path, `${text.join("\n\n")}\n`))
    .then(() => console.log(`written to ${path}`))
    .catch((error) => console.error(`not written to ${path}: ${error.message}`))
}
console.log(JSON.stringify(summary))
process.exitCode = outcome.failed === 0 ? 0 : 1
