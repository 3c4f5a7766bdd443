/**
 * Where the engine's time goes, on one thread: the rate of each GEMM at the model's shapes, and the share of every
 * operation in a training step and in decoding. `npm run bench -- transformer --roofline [--model NAME]`.
 */
import { TrainConfig } from "@lpo/trainer"
import { AdamW, Backend, fused, Replica } from "@lpo/transformer"
import * as FusedDecoder from "@lpo/transformer/decode/FusedDecoder"
import * as Heap from "@lpo/transformer/decode/Heap"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import { weights } from "./model.mjs"
import { columns } from "./report.mjs"

/** Least milliseconds of `run`, after an untimed run or two: what the machine gives when nobody else wants it. */
const time = (repeats, run) => {
  let best = Infinity
  for (let i = -Math.min(2, repeats); i < repeats; i++) {
    const started = performance.now()
    run()
    if (i >= 0) best = Math.min(best, performance.now() - started)
  }
  return best
}

/** `run`, with its calls and milliseconds collected in `spent`. */
const watched =
  (spent, name, run) =>
  (...args) => {
    const started = performance.now()
    try {
      return run(...args)
    } finally {
      const entry = (spent[name] ??= { calls: 0, ms: 0 })
      entry.calls++
      entry.ms += performance.now() - started
    }
  }

const watchAll = (spent, functions, prefix = "") =>
  Object.fromEntries(Object.entries(functions).map(([name, run]) => [name, watched(spent, `${prefix}${name}`, run)]))

/** The kernels of decoding, watched; products by their shape. */
const watchedHeap = (spent) => {
  const heap = Heap.open()
  const { panelProduct } = heap.kernels
  const kernels = {
    ...watchAll(spent, heap.kernels),
    panelProduct: (...args) => watched(spent, `product [${args[2]}, ${args[3]}]`, panelProduct)(...args),
  }
  return { ...heap, kernels }
}

/** Every operation, every way to add to a gradient and every kernel of decoding, watched. */
const instrument = (ops, spent) => ({
  ...watchAll(spent, ops),
  gradient: (size) => watchAll(spent, ops.gradient(size), "gradient."),
  decoder: (model) => FusedDecoder.make(watchedHeap(spent), model),
})

/** GFLOP/s of the three products of a linear map [out, in] over `rows` rows. */
const products = (ops, repeats, rows, [title, n, k]) => {
  const random = (a, b) => tf.randomUniform([a, b], -1, 1, "float32", 1)
  const [x, dy, w, wT] = [random(rows, k), random(rows, n), random(n, k), random(k, n)]
  const many = Math.max(1, Math.round(2e8 / (2 * rows * n * k)))
  const repeat = (run) =>
    time(repeats, () => {
      for (let i = 0; i < many; i++) tf.tidy(run)
    }) / many
  const weight = { w, wT, bias: null }
  const sum = ops.gradient(n * k)
  const forward = repeat(() => ops.linear(x, weight))
  const dx = repeat(() => ops.linearBackward(dy, weight))
  const dw = repeat(() => void sum.addLinear(0, dy, x))
  sum.dispose()
  tf.dispose([x, dy, w, wT])
  const rate = (ms) => (ms > 0 ? ((2 * rows * n * k) / ms / 1e6).toFixed(1) : "-")
  return [`${title} [${n}, ${k}]`, rate(forward), rate(dx), rate(dw)]
}

/** The share of each operation in the fastest of some runs of `run`; the rest is what happens outside of them. */
const shares = async (title, repeats, spent, run, tokens) => {
  const samples = []
  for (let i = -Math.min(2, repeats); i < repeats; i++) {
    for (const name of Object.keys(spent)) delete spent[name]
    const started = performance.now()
    await run()
    const whole = performance.now() - started
    if (i >= 0) samples.push({ whole, ops: structuredClone(spent) })
  }
  // The least disturbed run.
  const { ops, whole } = samples.reduce((a, b) => (b.whole < a.whole ? b : a))
  const lines = Object.entries(ops).map(([name, { calls, ms }]) => ({ name, calls, ms }))
  const inside = lines.reduce((sum, { ms }) => sum + ms, 0)
  lines.push({ name: "outside the operations", calls: "", ms: whole - inside })
  console.log(
    `\n${title}: ${whole.toFixed(1)} ms, ${Math.round((tokens / whole) * 1000).toLocaleString("en")} tokens/s\n`,
  )
  console.log(
    columns([
      ["operation", "calls", "ms", "share"],
      ...lines
        .sort((a, b) => b.ms - a.ms)
        .map(({ calls, ms, name }) => [name, String(calls), ms.toFixed(1), `${((100 * ms) / whole).toFixed(1)} %`]),
    ]),
  )
}

/** Measures and prints it all. */
export const run = async (model) => {
  const { config, sequences, tokenizer, values } = model
  const { repeats } = model.roofline
  await Effect.runPromise(Backend.start("wasm"))
  const ops = fused()

  const {
    hidden_size: d,
    intermediate_size: f,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    vocab_size: v,
  } = config
  const maps = [
    [heads === kvHeads ? "q, k, v, o" : "q, o", d, d],
    ...(heads === kvHeads ? [] : [["k, v", (d / heads) * kvHeads, d]]),
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

  const spent = {}
  const replica = Replica.make(config, values, { ops: instrument(ops, spent) })
  const { rows, time: length } = model.roofline.train
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
  const { newTokens, samples: counts } = model.roofline.decode
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
  console.log(`\nclipping and AdamW, ${values.length.toLocaleString("en")} parameters: ${ms.toFixed(1)} ms`)
}
