/**
 * `npm run checks -- endurance`: 5,000 steps of a tiny model of the embedded engine, with trackers over HTTP, in which nothing may
 * grow: heap, memory outside of it, tensors, open files, sockets, timers. Each is the same after a tenth of the steps and at the
 * end.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { Problem } from "@lpo/rollout"
import { Lpo, OpenTelemetry, RunStore, TensorBoard, Tracker, TrainConfig, Trainer } from "@lpo/trainer"
import { Backend, Parameters, Policy, Tokenizer, TransformerLearner, TransformerSampler } from "@lpo/transformer"
import { Verifier } from "@lpo/verifiers"
import * as tf from "@tensorflow/tfjs-core"
import { Effect, Layer } from "effect"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"

const { steps } = Arguments.read("npm run checks -- endurance", { steps: Arguments.whole("training steps", 5000, 20) })

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

/** The current use: megabytes, and counts. */
const held = () => {
  collect()
  collect()
  const { arrayBuffers, heapUsed, rss } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  const number = (pattern: RegExp): number => resources.filter((name) => pattern.test(name)).length
  return {
    heap: heapUsed / 2 ** 20,
    buffers: arrayBuffers / 2 ** 20,
    rss: rss / 2 ** 20,
    tensors: tf.memory().numTensors,
    files: readdirSync("/proc/self/fd").length,
    sockets: number(/TCP|Pipe/),
    timers: number(/Timeout|Immediate/),
  }
}
type Held = ReturnType<typeof held>

const tokenizer = Tokenizer.words(["a", "b", "c", "p", "q"])
const model = {
  model_type: "llama",
  vocab_size: tokenizer.vocabSize,
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  max_position_embeddings: 16,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
} as const
const problems = ["p", "q"].map((prompt): Problem.Problem => ({ id: prompt, task: "say-a", prompt, answer: "a" }))
/** Half of the words are to be "a", so that there is always something to learn. */
const verifier = Verifier.Verifier.of({
  verify: (_, { text }) => {
    const words = text.split(" ")
    const score = 1 - Math.abs(0.5 - words.filter((word) => word === "a").length / words.length)
    return Effect.succeed({ status: "ok", score, correct: score === 1, key: text })
  },
})
const config: TrainConfig.TrainConfig = {
  ...TrainConfig.defaults,
  seed: "endurance",
  steps,
  promptsPerStep: 2,
  groupSize: 4,
  maxTokens: 4,
  miniBatches: 1,
  checkpointEvery: 50,
  silentGroups: "replay",
  objective: Lpo.make({ divergence: "forward", tau: "std" }),
  optimizer: { ...TrainConfig.defaults.optimizer, learningRate: 1e-3 },
}

const program = Effect.gen(function* () {
  const out = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "lpo-endurance-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true })),
  )
  const server = yield* Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const made = createServer((request, response) => request.resume().on("end", () => response.end("{}")))
      made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
    }),
    (made) => Effect.sync(() => made.close().closeAllConnections()),
  )
  yield* Backend.start("wasm")
  const policy = yield* Policy.make(model, tokenizer, Parameters.initialise(model, "endurance"), { workers: 0 })
  const engine = Layer.mergeAll(TransformerSampler.layer(), TransformerLearner.layer()).pipe(
    Layer.provide(Layer.succeed(Policy.Policy, policy)),
  )
  const run = yield* RunStore.open({ folder: join(out, "run"), config: {}, resume: false })
  const trackers = yield* Tracker.open({
    run,
    name: "run",
    config: {},
    trackers: [
      TensorBoard.make(),
      OpenTelemetry.make({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
    ],
    onTrouble: (error) => Effect.sync(() => console.error(error.message)),
  })
  const seen: Array<Held> = []
  const every = Math.floor(steps / 10)
  yield* Trainer.train({
    config,
    problems,
    run,
    onStep: (report) =>
      Effect.andThen(
        trackers.report(report),
        Effect.sync(() => {
          if (report.step % every === 0) seen.push(held())
        }),
      ),
  }).pipe(Effect.provide(Layer.merge(engine, Layer.succeed(Verifier.Verifier, verifier))))
  return seen
})

const report = Report.make("endurance")
const from = performance.now()
const seen = await Effect.runPromise(Effect.scoped(program))
const keys = Object.keys(seen[0]) as ReadonlyArray<keyof Held>
console.log(
  [
    `| after steps | ${keys.join(" | ")} |`,
    `| ---: |${keys.map(() => " ---: |").join("")}`,
    ...seen.map((row, i) => {
      const cells = keys.map((key) => (["heap", "buffers", "rss"].includes(key) ? row[key].toFixed(1) : row[key]))
      return `| ${(i + 1) * Math.floor(steps / 10)} | ${cells.join(" | ")} |`
    }),
  ].join("\n"),
)
/** How much each may differ: what is in flight varies. */
const slack: Readonly<Record<keyof Held, number>> = {
  heap: 4,
  buffers: 2,
  rss: 60,
  tensors: 0,
  files: 3,
  sockets: 3,
  timers: 4,
}
const [first] = seen
const last = seen[seen.length - 1]
for (const key of keys)
  report.add(
    `${key} does not grow over ${steps} steps`,
    last[key] - first[key] <= slack[key],
    `${first[key].toFixed(1)} to ${last[key].toFixed(1)}`,
  )
report.end({ steps, seconds: Math.round((performance.now() - from) / 1000) })
