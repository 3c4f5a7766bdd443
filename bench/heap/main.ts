/**
 * `npm run bench -- heap`: the WASM heap that a Llama of 52 M parameters takes to sample, to train an adapter and to train in full,
 * next to the estimate of `Memory.estimate`. A heap never shrinks, so each purpose has its own process.
 */
import { spawnSync } from "node:child_process"
import { Backend, Engine, Lora, Memory, Policy } from "@lpo/transformer"
import { Effect } from "effect"
import * as Arguments from "../shared/Arguments.ts"
import { mebibytes } from "../shared/Figures.ts"
import * as Models from "../shared/Models.ts"

const purposes = ["sample", "adapter", "full"] as const
type Purpose = (typeof purposes)[number]

const options = Arguments.read("npm run bench -- heap", {
  purpose: Arguments.oneOf("measure only this one", purposes, null),
})

/** Samples 2 x 8 tokens and, unless it only samples, twice takes the gradient of a sequence of 128 tokens. */
const measure = (purpose: Purpose) =>
  Effect.gen(function* () {
    yield* Backend.start("wasm")
    const { config, tokenizer, values } = Models.open("llama-52m")
    const adapter = Lora.initialise(config, { rank: 8, alpha: 16, targets: ["q_proj", "v_proj"] }, "heap")
    const lora = purpose === "adapter" ? { lora: adapter } : {}
    const policy = yield* Policy.make(config, tokenizer, values, { workers: 0, ...lora })
    const law = { maxTokens: 8, temperature: 1, topK: 0, topP: 1 }
    const sample = policy.generate([{ prompt: Int32Array.of(1, 2, 3), streams: ["a", "b"] }], law)
    const half = Int32Array.from({ length: 64 }, (_, i) => i)
    yield* sample
    const steps = purpose === "sample" ? 0 : 2
    for (let step = 0; step < steps; step++) {
      yield* policy.accumulate([[{ prompt: half, completion: half }]], (_, rows) => rows.map((row) => row.map(() => 1)))
      policy.changed()
      yield* sample
    }
    const { heap } = Memory.estimate(config, {
      purpose: purpose === "sample" ? "sample" : "train",
      lora: purpose === "adapter" ? adapter.config : null,
      tokens: 128,
      sequences: 2,
      positions: 16,
    })
    return { purpose, measured: mebibytes(Engine.openHeap().memory.buffer.byteLength), reckoned: mebibytes(heap) }
  }).pipe(Effect.scoped, Effect.runPromise)

/** Measures a purpose in its own process. */
const apart = (purpose: Purpose): Awaited<ReturnType<typeof measure>> => {
  const args = [...process.execArgv, ...process.argv.slice(1), "--purpose", purpose]
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  })
  if (status !== 0) throw new Error(`measuring ${purpose} ended with exit code ${status}`)
  return JSON.parse(stdout)
}

if (options.purpose !== null) console.log(JSON.stringify(await measure(options.purpose)))
else {
  const results = purposes.map((purpose) => {
    const result = apart(purpose)
    console.log(`${purpose.padEnd(8)} ${result.measured} MiB measured, ${result.reckoned} MiB reckoned`)
    return result
  })
  console.log(JSON.stringify({ bench: "heap", model: "llama-52m", results }))
}
