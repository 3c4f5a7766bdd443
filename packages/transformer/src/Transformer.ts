/**
 * The decoder's forward and backward pass over a micro-batch of right-padded sequences, with explicit gradients.
 *
 * `x + attention(norm(x))`, then `x + mlp(norm(x))`, for every layer; a last norm; logits by the tied embedding.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor2D } from "@tensorflow/tfjs-core"
import { headSize, type ModelConfig } from "./ModelConfig.ts"
import * as LogProb from "./ops/LogProb.ts"
import type { Ops, Rotary } from "./ops/Ops.ts"
import * as Parameters from "./Parameters.ts"
import type { LayerWeights, Weights } from "./Weights.ts"

/** Sequences of one micro-batch, right-padded to `time`; sequence-major rows. @category models */
export interface Packed {
  /** [sequences * time], padding is 0 */
  readonly ids: Int32Array
  readonly sequences: number
  readonly time: number
  /** Rows whose next token is asked for, and that token, [m] each. */
  readonly rows: Int32Array
  readonly targets: Int32Array
}

interface SavedLayer {
  readonly norm1: { readonly y: Tensor2D; readonly normed: Tensor2D; readonly scale: Tensor2D }
  readonly q: Tensor2D
  readonly k: Tensor2D
  readonly v: Tensor2D
  readonly attended: { readonly y: Tensor2D; readonly probabilities: tf.Tensor4D }
  readonly norm2: { readonly y: Tensor2D; readonly normed: Tensor2D; readonly scale: Tensor2D }
  readonly gate: Tensor2D
  readonly up: Tensor2D
  readonly hidden: Tensor2D
}

/** Activations kept for the backward pass; `dispose` lets them go. @category models */
export interface Saved {
  readonly packed: Packed
  readonly layers: ReadonlyArray<SavedLayer>
  readonly norm: { readonly normed: Tensor2D; readonly scale: Tensor2D }
  readonly head: LogProb.SavedHead
  readonly rotary: Rotary
  readonly dispose: () => void
}

/** Cosines and sines of the rotary embedding at `position`, [headSize / 2] each (Su et al. 2021). @category combinators */
export const rotaryAngles = (config: ModelConfig, position: number): { cos: Float32Array; sin: Float32Array } => {
  const half = headSize(config) / 2
  const angle = (i: number) => position * config.rope_theta ** (-i / half)
  return {
    cos: Float32Array.from({ length: half }, (_, i) => Math.cos(angle(i))),
    sin: Float32Array.from({ length: half }, (_, i) => Math.sin(angle(i))),
  }
}

const rotaryTables = (config: ModelConfig, time: number): Rotary => {
  const size = headSize(config)
  const half = size / 2
  const cos = new Float32Array(time * size)
  const sin = new Float32Array(time * size)
  for (let t = 0; t < time; t++) {
    const angles = rotaryAngles(config, t)
    for (const at of [0, half]) {
      cos.set(angles.cos, t * size + at)
      sin.set(angles.sin, t * size + at)
    }
  }
  const rotate = new Float32Array(size * size)
  for (let i = 0; i < half; i++) {
    rotate[(i + half) * size + i] = -1
    rotate[i * size + i + half] = 1
  }
  const r = tf.tensor2d(rotate, [size, size])
  return {
    cos: tf.tensor4d(cos, [1, time, 1, size]),
    sin: tf.tensor4d(sin, [1, time, 1, size]),
    rotate: r,
    rotateBack: tf.transpose(r),
  }
}

const shapes = (config: ModelConfig, { sequences, time }: Packed) => {
  const common = { sequences, time, headSize: headSize(config) }
  return {
    attention: { ...common, heads: config.num_attention_heads, kvHeads: config.num_key_value_heads },
    q: { ...common, heads: config.num_attention_heads },
    k: { ...common, heads: config.num_key_value_heads },
  }
}

/** Rows of a table copied out, [ids.length, d]. */
export const embed = (table: Float32Array, ids: Int32Array, d: number): Tensor2D => {
  const out = new Float32Array(ids.length * d)
  for (const [row, id] of ids.entries()) out.set(table.subarray(id * d, (id + 1) * d), row * d)
  return tf.tensor2d(out, [ids.length, d])
}

const layerForward = (config: ModelConfig, ops: Ops, w: LayerWeights, x: Tensor2D, rotary: Rotary, packed: Packed) => {
  const shape = shapes(config, packed)
  const norm1 = ops.rmsNorm(x, w.inputNorm, config.rms_norm_eps)
  const q = ops.rope(ops.linear(norm1.y, w.q), rotary, shape.q)
  const k = ops.rope(ops.linear(norm1.y, w.k), rotary, shape.k)
  const v = ops.linear(norm1.y, w.v)
  const attended = ops.attention(q, k, v, shape.attention)
  const middle: Tensor2D = tf.add(x, ops.linear(attended.y, w.o))
  const norm2 = ops.rmsNorm(middle, w.postNorm, config.rms_norm_eps)
  const gate = ops.linear(norm2.y, w.gate)
  const up = ops.linear(norm2.y, w.up)
  const hidden = ops.swiGlu(gate, up)
  const out: Tensor2D = tf.add(middle, ops.linear(hidden, w.down))
  return { out, saved: { norm1, q, k, v, attended, norm2, gate, up, hidden } satisfies SavedLayer }
}

/** Keys and values of every layer, for prefilling a cache: [sequences * time, kvHeads * headSize] each. @category models */
export type KeyValues = ReadonlyArray<{ readonly k: Float32Array; readonly v: Float32Array }>

/**
 * Log-probs of `packed.targets`, in nats, [m]. With `keep` the activations for {@link backward} come too, and the caller
 * disposes of them; with `cache` the keys and values of every layer.
 *
 * @category passes
 */
export const forward = (
  config: ModelConfig,
  ops: Ops,
  weights: Weights,
  embedding: Float32Array,
  packed: Packed,
  options: { readonly keep?: boolean; readonly cache?: boolean } = {},
): {
  readonly logprobs: Float32Array
  readonly hidden: Float32Array
  readonly saved: Saved | null
  readonly cache: KeyValues
} => {
  const scope = tf.engine()
  const d = config.hidden_size
  const cache: Array<KeyValues[number]> = []
  let logprobs: Float32Array = new Float32Array(0)
  let hiddenRows: Float32Array = new Float32Array(0)
  let saved: Omit<Saved, "dispose"> | null = null
  scope.startScope("forward")
  try {
    const rotary = rotaryTables(config, packed.time)
    let x = embed(embedding, packed.ids, d)
    const layers: Array<SavedLayer> = []
    for (const w of weights.layers) {
      const before = x
      if (options.keep) {
        const layer = layerForward(config, ops, w, before, rotary, packed)
        layers.push(layer.saved)
        x = layer.out
        continue
      }
      x = tf.tidy(() => {
        const { out, saved: s } = layerForward(config, ops, w, before, rotary, packed)
        if (options.cache) cache.push({ k: s.k.dataSync<"float32">().slice(), v: s.v.dataSync<"float32">().slice() })
        return out
      })
      before.dispose()
    }
    const norm = ops.rmsNorm(x, weights.norm, config.rms_norm_eps)
    const all = norm.y.dataSync<"float32">()
    const rows = new Float32Array(packed.rows.length * d)
    for (const [i, row] of packed.rows.entries()) rows.set(all.subarray(row * d, (row + 1) * d), i * d)
    hiddenRows = rows
    const head = LogProb.forward(ops, tf.tensor2d(rows, [packed.rows.length, d]), weights.embedding, packed.targets)
    logprobs = head.logprobs
    if (options.keep) saved = { packed, layers, norm, head: head.saved, rotary }
  } finally {
    scope.endScope(saved === null ? [] : tensorsOf(saved))
  }
  const kept = saved
  return {
    logprobs,
    hidden: hiddenRows,
    cache,
    saved: kept === null ? null : { ...kept, dispose: () => tf.dispose(tensorsOf(kept)) },
  }
}

/** Every tensor anywhere inside a value. */
const tensorsOf = (value: unknown): Array<tf.Tensor> => {
  if (value instanceof tf.Tensor) return [value]
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return []
  return Object.values(value).flatMap(tensorsOf)
}

/**
 * Adds the gradient of `sum_m weightsPerToken_m * logprob_m` by every parameter to `gradient` (the flat vector).
 *
 * @category passes
 */
export const backward = (
  config: ModelConfig,
  ops: Ops,
  weights: Weights,
  saved: Saved,
  weightsPerToken: Float32Array,
  gradient: Float32Array,
): void => {
  const slots = new Map(Parameters.layout(config).map((slot) => [slot.name, slot]))
  const add = (name: string, tensor: tf.Tensor): void => {
    const slot = slots.get(name)
    if (slot === undefined) throw new RangeError(`no parameter is called ${name}`)
    const values = tensor.dataSync<"float32">()
    for (let i = 0; i < values.length; i++) gradient[slot.offset + i] += values[i]
  }
  const { packed, rotary } = saved
  const d = config.hidden_size
  const shape = shapes(config, packed)
  tf.tidy(() => {
    const head = LogProb.backward(ops, saved.head, weights.embedding, weightsPerToken)
    add("model.embed_tokens.weight", head.dw)
    const scattered = new Float32Array(packed.sequences * packed.time * d)
    const dRows = head.dx.dataSync<"float32">()
    for (const [i, row] of packed.rows.entries()) scattered.set(dRows.subarray(i * d, (i + 1) * d), row * d)
    const last = ops.rmsNormBackward(
      tf.tensor2d(scattered, [packed.sequences * packed.time, d]),
      saved.norm,
      weights.norm,
    )
    add("model.norm.weight", last.dGain)
    let dx = last.dx
    for (let i = config.num_hidden_layers - 1; i >= 0; i--) {
      const w = weights.layers[i]
      const s = saved.layers[i]
      const p = `model.layers.${i}`
      const dOut = dx
      dx = tf.tidy(() => {
        const down = ops.linearBackward(dOut, s.hidden, w.down)
        add(`${p}.mlp.down_proj.weight`, down.dw)
        const { dGate, dUp } = ops.swiGluBackward(down.dx, s.gate, s.up)
        const gate = ops.linearBackward(dGate, s.norm2.y, w.gate)
        const up = ops.linearBackward(dUp, s.norm2.y, w.up)
        add(`${p}.mlp.gate_proj.weight`, gate.dw)
        add(`${p}.mlp.up_proj.weight`, up.dw)
        const norm2 = ops.rmsNormBackward(tf.add(gate.dx, up.dx), s.norm2, w.postNorm)
        add(`${p}.post_attention_layernorm.weight`, norm2.dGain)
        const dMiddle: Tensor2D = tf.add(dOut, norm2.dx)
        const o = ops.linearBackward(dMiddle, s.attended.y, w.o)
        add(`${p}.self_attn.o_proj.weight`, o.dw)
        const { dk, dq, dv } = ops.attentionBackward(
          o.dx,
          { q: s.q, k: s.k, v: s.v, probabilities: s.attended.probabilities },
          shape.attention,
        )
        const q = ops.linearBackward(ops.ropeBackward(dq, rotary, shape.q), s.norm1.y, w.q)
        const k = ops.linearBackward(ops.ropeBackward(dk, rotary, shape.k), s.norm1.y, w.k)
        const v = ops.linearBackward(dv, s.norm1.y, w.v)
        add(`${p}.self_attn.q_proj.weight`, q.dw)
        add(`${p}.self_attn.k_proj.weight`, k.dw)
        add(`${p}.self_attn.v_proj.weight`, v.dw)
        const norm1 = ops.rmsNormBackward(tf.addN([q.dx, k.dx, v.dx]), s.norm1, w.inputNorm)
        add(`${p}.input_layernorm.weight`, norm1.dGain)
        return tf.add<Tensor2D>(dMiddle, norm1.dx)
      })
    }
    // The embedding is tied: its rows also gather the gradient of the input.
    const slot = slots.get("model.embed_tokens.weight")
    const dInput = dx.dataSync<"float32">()
    for (const [row, id] of packed.ids.entries()) {
      const to = (slot?.offset ?? 0) + id * d
      for (let i = 0; i < d; i++) gradient[to + i] += dInput[row * d + i]
    }
  })
}
