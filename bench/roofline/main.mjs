// Where the embedded engine's time goes, on one core: the rate of its three products, and the share of every operation in a
// training step and in decoding. `--rounds N` (default 5). One thread, so that shares add up.
import { performance } from "node:perf_hooks"
import { parseArgs } from "node:util"
import { Backend, fused, Parameters, Replica } from "@lpo/transformer"
import { Seed } from "@lpo/rollout"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"

const { values: flags } = parseArgs({ options: { rounds: { type: "string", default: "5" } } })
const rounds = Number(flags.rounds)
const config = {
  model_type: "llama",
  vocab_size: 64,
  hidden_size: 128,
  intermediate_size: 352,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  max_position_embeddings: 64,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
}
await Effect.runPromise(Backend.start("wasm"))
const median = (xs) => xs.toSorted((a, b) => a - b)[Math.floor(xs.length / 2)]
const timed = (run) => {
  const start = performance.now()
  run()
  return (performance.now() - start) / 1000
}
const several = (run) => {
  run()
  return Array.from({ length: rounds }, () => timed(run))
}
const ops = fused()
const random = Seed.stream("roofline")
const matrix = (rows, columns) =>
  tf.tensor2d(
    Float32Array.from({ length: rows * columns }, () => random.normal()),
    [rows, columns],
  )

console.log(`${process.version}, one thread, medians of ${rounds}\n\nproducts, 1,024 rows             GFLOP/s`)
for (const [input, output] of [
  [128, 128],
  [128, 352],
  [352, 128],
]) {
  const [x, dy, w] = [matrix(1024, input), matrix(1024, output), matrix(output, input)]
  const weight = { w, wT: tf.transpose(w) }
  const flop = 2 * 1024 * input * output
  const many = (run) => () => {
    for (let i = 0; i < 50; i++) tf.tidy(() => void run())
  }
  const forward = median(several(many(() => ops.linear(x, weight))))
  const backward = median(several(many(() => ops.linearBackward(dy, x, weight))))
  console.log(
    `${`${input} -> ${output}`.padEnd(14)} forward ${((50 * flop) / forward / 1e9).toFixed(1).padStart(6)}   backward (two products) ${((100 * flop) / backward / 1e9).toFixed(1).padStart(6)}`,
  )
  tf.dispose([x, dy, w, weight.wT])
}

const spent = new Map()
const watched = Object.fromEntries(
  Object.entries(ops).map(([name, run]) => [
    name,
    (...args) => {
      const start = performance.now()
      const result = run(...args)
      spent.set(name, (spent.get(name) ?? 0) + performance.now() - start)
      return result
    },
  ]),
)
const replica = Replica.make(config, Parameters.initialise(config, "roofline"), watched)
const tokens = (n, name) => {
  const stream = Seed.stream(name)
  return Int32Array.from({ length: n }, () => Math.floor(stream.uniform() * 63))
}
const shares = (title, unit, perRound, run) => {
  run()
  spent.clear()
  const times = Array.from({ length: rounds }, () => timed(run))
  const total = 1000 * times.reduce((a, b) => a + b, 0)
  console.log(`\n${title}: ${Math.round(perRound / median(times))} ${unit}`)
  const rest = total - [...spent.values()].reduce((a, b) => a + b, 0)
  for (const [name, ms] of [...spent, ["everything else", rest]].toSorted((a, b) => b[1] - a[1]))
    console.log(`  ${name.padEnd(20)} ${((100 * ms) / total).toFixed(1).padStart(5)} %`)
}

const pairs = Array.from({ length: 16 }, (_, i) => ({ prompt: tokens(1, `p${i}`), completion: tokens(64, `c${i}`) }))
const weights = pairs.map(() => new Float32Array(64).fill(0.01))
shares(
  `training, ${Parameters.count(Parameters.layout(config))} parameters, 16 x 64 tokens a micro-batch`,
  "tokens/s",
  1024,
  () => {
    replica.forward(pairs).backward(weights)
  },
)
for (const batch of [256, 8]) {
  const requests = Array.from({ length: batch }, (_, i) => ({ prompt: tokens(1, `q${i}`), streams: [`s${i}`] }))
  const law = { maxTokens: 63, temperature: 1, topK: 0, topP: 1, stop: -1 }
  shares(`decoding, ${batch} sequences x 63 tokens`, "tokens/s", batch * 63, () => replica.generate(requests, law))
}
