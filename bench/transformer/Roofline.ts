/**
 * Where the engine's time goes, on one thread: the rate of each GEMM at the model's shapes, and the share of every operation in a
 * training step and in decoding.
 */
import { TrainConfig } from "@lpo/trainer"
import { AdamW, Backend, Engine, Replica } from "@lpo/transformer"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import { columns, grouped, sum } from "../shared/Figures.ts"
import { type Model, weights } from "../shared/Models.ts"
import type { Work } from "./Work.ts"

type Ops = Engine.Engine["ops"]
type Heap = ReturnType<typeof Engine.openHeap>

type Run = (...args: Array<never>) => unknown

/** Calls and milliseconds of each operation. */
type Spent = Record<string, { calls: number; ms: number }>

/** Least milliseconds of `run`, after an untimed run or two: the machine's speed when it is otherwise idle. */
const time = (repeats: number, run: () => void): number => {
  let best = Infinity
  for (let i = -Math.min(2, repeats); i < repeats; i++) {
    const started = performance.now()
    run()
    if (i >= 0) best = Math.min(best, performance.now() - started)
  }
  return best
}

/** `run`, with its calls and milliseconds collected in `spent` under the name that it has for its arguments. */
const watched = <F extends Run>(spent: Spent, nameOf: (...args: Parameters<F>) => string, run: F): F =>
  ((...args: Parameters<F>) => {
    const started = performance.now()
    try {
      return run(...args)
    } finally {
      const entry = (spent[nameOf(...args)] ??= { calls: 0, ms: 0 })
      entry.calls++
      entry.ms += performance.now() - started
    }
  }) as F

const watchAll = <F extends object>(spent: Spent, functions: F, prefix = ""): F =>
  Object.fromEntries(
    Object.entries(functions).map(([name, run]) => [name, watched(spent, () => `${prefix}${name}`, run as Run)]),
  ) as F

/** The kernels of decoding, watched; products by their shape. */
const watchedHeap = (spent: Spent): Heap => {
  const heap = Engine.openHeap()
  const { panelProduct } = heap.kernels
  const byShape = watched(spent, (_x, _rows, n: number, k: number) => `product [${n}, ${k}]`, panelProduct)
  return { ...heap, kernels: { ...watchAll(spent, heap.kernels), panelProduct: byShape } }
}

/** Every operation, every way to add to a gradient and every kernel of decoding, watched. */
const instrument = (ops: Ops, spent: Spent): Engine.Engine => ({
  ...Engine.fused(watchedHeap(spent)),
  ops: { ...watchAll(spent, ops), gradient: (size) => watchAll(spent, ops.gradient(size), "gradient.") },
})

/** A linear map [out, in] of the model. */
type LinearMap = readonly [title: string, out: number, from: number]

/** GFLOP/s of the three products of a linear map over `rows` rows. */
const products = (ops: Ops, repeats: number, rows: number, [title, n, k]: LinearMap): ReadonlyArray<string> => {
  const random = (a: number, b: number) => tf.randomUniform<tf.Rank.R2>([a, b], -1, 1, "float32", 1)
  const [x, dy, w, wT] = [random(rows, k), random(rows, n), random(n, k), random(k, n)]
  const many = Math.max(1, Math.round(2e8 / (2 * rows * n * k)))
  const repeat = (run: () => tf.TensorContainer) =>
    time(repeats, () => {
      for (let i = 0; i < many; i++) tf.tidy(run)
    }) / many
  const weight = { w, wT, bias: null }
  const gradient = ops.gradient(n * k)
  const forward = repeat(() => ops.linear(x, weight))
  const dx = repeat(() => ops.linearBackward(dy, weight))
  const dw = repeat(() => gradient.addLinear(0, dy, x))
  gradient.dispose()
  tf.dispose([x, dy, w, wT])
  const rate = (ms: number) => (ms > 0 ? ((2 * rows * n * k) / ms / 1e6).toFixed(1) : "-")
  return [`${title} [${n}, ${k}]`, rate(forward), rate(dx), rate(dw)]
}

/** The share of each operation in the fastest of some runs of `run`; the rest is what happens outside of them. */
const shares = async (title: string, repeats: number, spent: Spent, run: () => Promise<unknown>, tokens: number) => {
  const samples: Array<{ readonly whole: number; readonly ops: Spent }> = []
  for (let i = -Math.min(2, repeats); i < repeats; i++) {
    for (const name of Object.keys(spent)) delete spent[name]
    const started = performance.now()
    await run()
    const whole = performance.now() - started
    if (i >= 0) samples.push({ whole, ops: structuredClone(spent) })
  }
  // The least disturbed run.
  const { ops, whole } = samples.reduce((a, b) => (b.whole < a.whole ? b : a))
  const lines = Object.entries(ops).map(([name, { calls, ms }]) => ({ name, calls: String(calls), ms }))
  const outside = { name: "outside the operations", calls: "", ms: whole - sum(lines.map(({ ms }) => ms)) }
  console.log(`\n${title}: ${whole.toFixed(1)} ms, ${grouped((tokens / whole) * 1000)} tokens/s\n`)
  console.log(
    columns([
      ["operation", "calls", "ms", "share"],
      ...[...lines, outside]
        .sort((a, b) => b.ms - a.ms)
        .map(({ calls, ms, name }) => [name, calls, ms.toFixed(1), `${((100 * ms) / whole).toFixed(1)} %`]),
    ]),
  )
}

/** Measures and prints it all. */
export const run = async (model: Model, work: Work["roofline"]): Promise<void> => {
  const { config, sequences, tokenizer, values } = model
  const { repeats } = work
  await Effect.runPromise(Backend.start("wasm"))
  const { ops } = Engine.fused()

  const {
    hidden_size: d,
    intermediate_size: f,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    vocab_size: v,
  } = config
  const maps: ReadonlyArray<LinearMap> = [
    [heads === kvHeads ? "q, k, v, o" : "q, o", d, d],
    ...(heads === kvHeads ? [] : [["k, v", (d / heads) * kvHeads, d] as const]),
    ["gate, up", f, d],
    ["down", d, f],
    ["logits", v, d],
  ]
  for (const rows of [1024, 128]) {
    console.log(`\nGEMM, ${rows} rows, one thread, GFLOP/s\n`)
    console.log(
      columns([
        ["weight [out, in]", "forward", "gradient of x", "gradient of w"],
        ...maps.map((map) => products(ops, repeats, rows, map)),
      ]),
    )
  }

  const spent: Spent = {}
  const replica = Replica.make(config, values, { engine: instrument(ops, spent) })
  const { rows, time: length } = work.train
  const pairs = sequences(rows, length + 1).map((row) => ({ prompt: row.subarray(0, 1), completion: row.subarray(1) }))
  const perToken = weights(rows, length)
  await shares(
    `forward and backward, ${rows} x ${length}`,
    repeats,
    spent,
    async () => (await replica.forward(pairs)).addGradient(perToken),
    rows * length,
  )
  // As the sampler cuts batches for two workers.
  const { newTokens, samples: counts } = work.decode
  for (const samples of counts) {
    const requests = sequences(Math.ceil(samples / 8), 16).map((prompt, i) => ({
      prompt,
      streams: Array.from({ length: Math.min(samples, 8) }, (_, k) => `roofline/${i}/${k}`),
    }))
    const options = { maxTokens: newTokens, stops: tokenizer.stops, temperature: 1, topP: 1, topK: 0 }
    const run = () => replica.generate(requests, options)
    await shares(`decode, ${samples} sequences, 16 + ${newTokens} tokens`, repeats, spent, run, samples * newTokens)
  }
  replica.dispose()

  const optimizer = { ...TrainConfig.defaults.optimizer, maxGradNorm: 1 }
  const state = AdamW.init(values.length)
  const [own, gradient] = [values.slice(), values.slice()]
  const ms = time(repeats, () => AdamW.step(own, gradient, state, optimizer))
  console.log(`\nclipping and AdamW, ${grouped(values.length)} parameters: ${ms.toFixed(1)} ms`)
}
