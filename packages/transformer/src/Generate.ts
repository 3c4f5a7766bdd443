/**
 * Autoregressive sampling with a key-value cache. A prompt is prefilled once by the full forward pass and shared by its K
 * samples; then one token per sequence and step, finished sequences leaving the batch.
 *
 * Caches are preallocated typed arrays indexed by sequence, so that leaving the batch moves nothing. A sequence's tokens
 * depend on the weights, its prompt and its own random stream, not on its neighbours.
 */
import { Seed } from "@lpo/rollout"
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor2D } from "@tensorflow/tfjs-core"
import { headSize, type ModelConfig, windowOf } from "./ModelConfig.ts"
import type { LinearWeight, Ops } from "./ops/Ops.ts"
import { draw, type SamplingLaw } from "./Sampling.ts"
import { angles as anglesAt, frequencies } from "./RotaryTables.ts"
import { embed, forward, padded } from "./Transformer.ts"
import type { Weights } from "./Weights.ts"

/** What is asked of the generator. @category models */
export interface Request {
  readonly prompt: Int32Array
  /** One random stream name per sample. */
  readonly streams: ReadonlyArray<string>
}

/** @category models */
export interface Options extends SamplingLaw {
  readonly maxTokens: number
  readonly stop: number
}

/** One sampled sequence. @category models */
export interface Sampled {
  readonly tokens: Int32Array
  readonly logprobs: Float32Array
  readonly finish: "stop" | "length"
}

interface Cache {
  readonly k: Float32Array
  readonly v: Float32Array
}

interface Sequence {
  readonly slot: number
  readonly random: Seed.Random
  readonly tokens: Array<number>
  readonly logprobs: Array<number>
  position: number
  finish: "stop" | "length"
}

/** Rotates the heads of one row in place. */
const rotate = (
  x: Float32Array,
  from: number,
  heads: number,
  size: number,
  angles: { cos: Float32Array; sin: Float32Array },
) => {
  const half = size / 2
  for (let h = 0; h < heads; h++) {
    const at = from + h * size
    for (let i = 0; i < half; i++) {
      const a = x[at + i]
      const b = x[at + half + i]
      x[at + i] = a * angles.cos[i] - b * angles.sin[i]
      x[at + half + i] = b * angles.cos[i] + a * angles.sin[i]
    }
  }
}

/** Attention of one new position of one sequence over its cache; writes heads * headSize values to `out`. */
const attendOne = (
  config: ModelConfig,
  q: Float32Array,
  row: number,
  { k, v }: Cache,
  start: number,
  length: number,
  scores: Float64Array,
  out: Float32Array,
): void => {
  const size = headSize(config)
  const { num_attention_heads: heads, num_key_value_heads: kvHeads } = config
  const width = kvHeads * size
  const scale = 1 / Math.sqrt(size)
  for (let h = 0; h < heads; h++) {
    const qAt = (row * heads + h) * size
    const kvAt = start + Math.floor((h * kvHeads) / heads) * size
    let t = 0
    // Four positions at once: sums that do not wait for each other, each in its own order.
    for (; t + 4 <= length; t += 4) {
      const k0 = kvAt + t * width
      const k1 = k0 + width
      const k2 = k1 + width
      const k3 = k2 + width
      let dot0 = 0
      let dot1 = 0
      let dot2 = 0
      let dot3 = 0
      for (let i = 0; i < size; i++) {
        const value = q[qAt + i]
        dot0 += value * k[k0 + i]
        dot1 += value * k[k1 + i]
        dot2 += value * k[k2 + i]
        dot3 += value * k[k3 + i]
      }
      scores[t] = dot0 * scale
      scores[t + 1] = dot1 * scale
      scores[t + 2] = dot2 * scale
      scores[t + 3] = dot3 * scale
    }
    for (; t < length; t++) {
      let dot = 0
      const kAt = kvAt + t * width
      for (let i = 0; i < size; i++) dot += q[qAt + i] * k[kAt + i]
      scores[t] = dot * scale
    }
    let max = -Infinity
    for (t = 0; t < length; t++) if (scores[t] > max) max = scores[t]
    let sum = 0
    for (t = 0; t < length; t++) sum += scores[t] = Math.exp(scores[t] - max)
    out.fill(0, qAt, qAt + size)
    t = 0
    for (; t + 4 <= length; t += 4) {
      const v0 = kvAt + t * width
      const v1 = v0 + width
      const v2 = v1 + width
      const v3 = v2 + width
      const p0 = scores[t] / sum
      const p1 = scores[t + 1] / sum
      const p2 = scores[t + 2] / sum
      const p3 = scores[t + 3] / sum
      for (let i = 0; i < size; i++) {
        const one = Math.fround(out[qAt + i] + p0 * v[v0 + i])
        const two = Math.fround(one + p1 * v[v1 + i])
        const three = Math.fround(two + p2 * v[v2 + i])
        out[qAt + i] = three + p3 * v[v3 + i]
      }
    }
    for (; t < length; t++) {
      const p = scores[t] / sum
      const vAt = kvAt + t * width
      for (let i = 0; i < size; i++) out[qAt + i] += p * v[vAt + i]
    }
  }
}

/**
 * Samples every request's streams; results in the order of requests and streams.
 *
 * @category sampling
 */
export const generate = (
  model: {
    readonly config: ModelConfig
    readonly ops: Ops
    readonly weights: Weights
    readonly embedding: Float32Array
  },
  requests: ReadonlyArray<Request>,
  options: Options,
): ReadonlyArray<ReadonlyArray<Sampled>> => {
  const { config, embedding, ops, weights } = model
  const d = config.hidden_size
  const size = headSize(config)
  const width = config.num_key_value_heads * size
  const qWidth = config.num_attention_heads * size
  const longest = Math.max(...requests.map((r) => r.prompt.length))
  const capacity = longest + options.maxTokens
  const total = requests.reduce((sum, r) => sum + r.streams.length, 0)
  const caches = weights.layers.map((): Cache => ({
    k: new Float32Array(total * capacity * width),
    v: new Float32Array(total * capacity * width),
  }))
  const turn = frequencies(config, capacity)
  const angles = Array.from({ length: capacity }, (_, t) => anglesAt(turn, t))
  const scores = new Float64Array(capacity)

  // Prefill: every prompt once, its keys and values copied to each of its samples.
  const ids = new Int32Array(requests.length * longest)
  for (const [i, { prompt }] of requests.entries()) ids.set(prompt, i * longest)
  const rows = Int32Array.from(requests, ({ prompt }, i) => i * longest + prompt.length - 1)
  const packed = { ids, segments: padded(requests.length, longest), rows, targets: new Int32Array(rows.length) }
  const prefilled = forward(config, ops, weights, embedding, packed, { cache: true })
  const sequences: Array<Sequence> = []
  const hidden = new Float32Array(total * d)
  for (const [i, { prompt, streams }] of requests.entries()) {
    for (const name of streams) {
      const slot = sequences.length
      for (const [l, { k, v }] of prefilled.cache.entries()) {
        const from = i * longest * width
        caches[l].k.set(k.subarray(from, from + prompt.length * width), slot * capacity * width)
        caches[l].v.set(v.subarray(from, from + prompt.length * width), slot * capacity * width)
      }
      hidden.set(prefilled.hidden.subarray(i * d, (i + 1) * d), slot * d)
      sequences.push({
        slot,
        random: Seed.stream(name),
        tokens: [],
        logprobs: [],
        position: prompt.length,
        finish: "length",
      })
    }
  }

  /** The last hidden states of one more position of each active sequence, [n, d]. */
  const advance = (active: ReadonlyArray<Sequence>): Tensor2D => {
    const n = active.length
    let x = embed(
      embedding,
      Int32Array.from(active, (s) => s.tokens.at(-1) ?? 0),
      d,
    )
    for (const [l, w] of weights.layers.entries()) {
      const norm1 = ops.rmsNorm(x, w.inputNorm, config.rms_norm_eps).y
      const headsOf = (map: LinearWeight, gain: tf.Tensor1D | null) => {
        const y = ops.linear(norm1, map)
        return gain === null
          ? y.dataSync<"float32">()
          : ops.rmsNorm(tf.reshape(y, [-1, size]), gain, config.rms_norm_eps).y.dataSync<"float32">()
      }
      const q = headsOf(w.q, w.qNorm)
      const k = headsOf(w.k, w.kNorm)
      const v = ops.linear(norm1, w.v).dataSync<"float32">()
      const attended = new Float32Array(n * qWidth)
      for (const [row, { position, slot }] of active.entries()) {
        const at = slot * capacity * width
        rotate(q, row * qWidth, config.num_attention_heads, size, angles[position])
        rotate(k, row * width, config.num_key_value_heads, size, angles[position])
        caches[l].k.set(k.subarray(row * width, (row + 1) * width), at + position * width)
        caches[l].v.set(v.subarray(row * width, (row + 1) * width), at + position * width)
        const first = Math.max(0, position + 1 - (windowOf(config, l) ?? capacity))
        attendOne(config, q, row, caches[l], at + first * width, position + 1 - first, scores, attended)
      }
      x = tf.add(x, ops.linear(tf.tensor2d(attended, [n, qWidth]), w.o))
      const norm2 = ops.rmsNorm(x, w.postNorm, config.rms_norm_eps).y
      x = tf.add(x, ops.linear(ops.swiGlu(ops.linear(norm2, w.gate), ops.linear(norm2, w.up)), w.down))
    }
    return ops.rmsNorm(x, weights.norm, config.rms_norm_eps).y
  }

  let active = sequences
  for (let step = 0; step < options.maxTokens && active.length > 0; step++) {
    let logits = new Float32Array(0)
    tf.tidy(() => {
      const last = step === 0 ? tf.tensor2d(hidden, [total, d]) : advance(active)
      // Not returned: `tidy` would look for tensors in it, number by number.
      logits = ops.linear(last, weights.head).dataSync<"float32">().slice()
    })
    for (const [row, sequence] of active.entries()) {
      const { logprob, token } = draw(
        logits.subarray(row * config.vocab_size, (row + 1) * config.vocab_size),
        options,
        sequence.random,
      )
      if (step > 0) sequence.position++
      sequence.tokens.push(token)
      sequence.logprobs.push(logprob)
      if (token === options.stop) sequence.finish = "stop"
    }
    active = active.filter((s) => s.finish !== "stop")
  }
  const sampled = sequences.map(({ finish, logprobs, tokens }): Sampled => ({
    tokens: Int32Array.from(tokens),
    logprobs: Float32Array.from(logprobs),
    finish,
  }))
  let at = 0
  return requests.map(({ streams }) => sampled.slice(at, (at += streams.length)))
}
