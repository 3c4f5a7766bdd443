/**
 * The decoder's forward and backward pass over a micro-batch of right-padded sequences, with explicit gradients.
 *
 * `x + attention(norm(x))`, then `x + mlp(norm(x))`, for every layer; a last norm; logits by the head. With activation
 * checkpointing (Chen et al. 2016) a layer keeps only its input, and its activations are computed again on the way back, by the
 * same code and so to the same bits.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor2D } from "@tensorflow/tfjs-core"
import * as Lora from "./Lora.ts"
import type { LoraConfig } from "./Lora.ts"
import { headSize, type ModelConfig, windowOf } from "./ModelConfig.ts"
import * as LogProb from "./ops/LogProb.ts"
import type { AttentionShape, LinearWeight, Ops, Rotary } from "./ops/Ops.ts"
import * as Parameters from "./Parameters.ts"
import * as RotaryTables from "./RotaryTables.ts"
import { headName, type LayerWeights, type Projection, type Weights } from "./Weights.ts"

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

interface Normed {
  readonly y: Tensor2D
  readonly normed: Tensor2D
  readonly scale: Tensor2D
}

interface Activations {
  readonly norm1: Normed
  readonly qNorm: Normed | null
  readonly kNorm: Normed | null
  /** Queries and keys after the rotary embedding. */
  readonly q: Tensor2D
  readonly k: Tensor2D
  readonly v: Tensor2D
  readonly attended: { readonly y: Tensor2D; readonly probabilities: tf.Tensor4D }
  readonly norm2: Normed
  readonly gate: Tensor2D
  readonly up: Tensor2D
  readonly hidden: Tensor2D
}

/** One of the two: with checkpointing the input, otherwise the activations. */
interface SavedLayer {
  readonly input: Tensor2D | null
  readonly activations: Activations | null
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

const attentionShape = (config: ModelConfig, { sequences, time }: Packed, layer: number): AttentionShape => ({
  sequences,
  time,
  heads: config.num_attention_heads,
  kvHeads: config.num_key_value_heads,
  headSize: headSize(config),
  window: windowOf(config, layer),
})

/** Rows of a table copied out, [ids.length, d]. */
export const embed = (table: Float32Array, ids: Int32Array, d: number): Tensor2D => {
  const out = new Float32Array(ids.length * d)
  for (const [row, id] of ids.entries()) out.set(table.subarray(id * d, (id + 1) * d), row * d)
  return tf.tensor2d(out, [ids.length, d])
}

/** Queries or keys from the normed input: projected, normed head by head where the family does so, and turned by position. */
const heads = (
  config: ModelConfig,
  ops: Ops,
  x: Tensor2D,
  weight: LinearWeight,
  gain: tf.Tensor1D | null,
  rotary: Rotary,
  shape: AttentionShape,
) => {
  const projected = ops.linear(x, weight)
  if (gain === null) return { turned: ops.rope(projected, rotary, shape), norm: null }
  const norm = ops.rmsNorm(tf.reshape(projected, [-1, shape.headSize]), gain, config.rms_norm_eps)
  return { turned: ops.rope(tf.reshape(norm.y, projected.shape), rotary, shape), norm }
}

const layerForward = (
  config: ModelConfig,
  ops: Ops,
  w: LayerWeights,
  x: Tensor2D,
  rotary: Rotary,
  shape: AttentionShape,
) => {
  const norm1 = ops.rmsNorm(x, w.inputNorm, config.rms_norm_eps)
  const { norm: qNorm, turned: q } = heads(config, ops, norm1.y, w.q, w.qNorm, rotary, shape)
  const { norm: kNorm, turned: k } = heads(config, ops, norm1.y, w.k, w.kNorm, rotary, keyShape(shape))
  const v = ops.linear(norm1.y, w.v)
  const attended = ops.attention(q, k, v, shape)
  const middle: Tensor2D = tf.add(x, ops.linear(attended.y, w.o))
  const norm2 = ops.rmsNorm(middle, w.postNorm, config.rms_norm_eps)
  const gate = ops.linear(norm2.y, w.gate)
  const up = ops.linear(norm2.y, w.up)
  const hidden = ops.swiGlu(gate, up)
  const out: Tensor2D = tf.add(middle, ops.linear(hidden, w.down))
  return { out, activations: { norm1, qNorm, kNorm, q, k, v, attended, norm2, gate, up, hidden } satisfies Activations }
}

/** The same sizes, counted in key and value heads. */
const keyShape = (shape: AttentionShape): AttentionShape => ({ ...shape, heads: shape.kvHeads })

/** Keys and values of every layer, for prefilling a cache: [sequences * time, kvHeads * headSize] each. @category models */
export type KeyValues = ReadonlyArray<{ readonly k: Float32Array; readonly v: Float32Array }>

/** @category models */
export interface ForwardOptions {
  /** What {@link backward} needs: every activation, or the inputs of the layers alone. Default: nothing. */
  readonly keep?: "activations" | "inputs"
  /** Keys and values of every layer. */
  readonly cache?: boolean
}

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
  options: ForwardOptions = {},
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
    const rotary = RotaryTables.tables(config, packed.time)
    let x = embed(embedding, packed.ids, d)
    const layers: Array<SavedLayer> = []
    for (const [i, w] of weights.layers.entries()) {
      const input = x
      const shape = attentionShape(config, packed, i)
      if (options.keep === "activations") {
        const layer = layerForward(config, ops, w, input, rotary, shape)
        layers.push({ input: null, activations: layer.activations })
        x = layer.out
        continue
      }
      x = tf.tidy(() => {
        const { activations, out } = layerForward(config, ops, w, input, rotary, shape)
        if (options.cache) {
          const { k, v } = activations
          cache.push({ k: k.dataSync<"float32">().slice(), v: v.dataSync<"float32">().slice() })
        }
        return out
      })
      if (options.keep === "inputs") layers.push({ input, activations: null })
      else input.dispose()
    }
    const norm = ops.rmsNorm(x, weights.norm, config.rms_norm_eps)
    const all = norm.y.dataSync<"float32">()
    const rows = new Float32Array(packed.rows.length * d)
    for (const [i, row] of packed.rows.entries()) rows.set(all.subarray(row * d, (row + 1) * d), i * d)
    hiddenRows = rows
    const head = LogProb.forward(ops, tf.tensor2d(rows, [packed.rows.length, d]), weights.head, packed.targets)
    logprobs = head.logprobs
    if (options.keep !== undefined) saved = { packed, layers, norm, head: head.saved, rotary }
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

/** Takes the gradient by a parameter; those of frozen parameters are not even computed where that saves a product. */
interface Gradients {
  readonly frozen: boolean
  readonly add: (name: string, tensor: tf.Tensor) => void
}

/** The gradient by the input of a linear map; those by its weight and bias, or by its adapter, go to `to`. */
const linearBackward = (
  ops: Ops,
  dy: Tensor2D,
  x: Tensor2D,
  weight: Projection,
  name: string,
  to: Gradients,
): Tensor2D => {
  if (!to.frozen) {
    const { db, dw, dx } = ops.linearBackward(dy, x, weight)
    to.add(`${name}.weight`, dw)
    if (db !== null) to.add(`${name}.bias`, db)
    return dx
  }
  if (weight.adapter !== null) {
    const { a, b, scale } = weight.adapter
    const inner = ops.linearBackward(tf.mul(dy, scale), ops.linear(x, a), b)
    to.add(`${name}.lora_B.weight`, inner.dw)
    to.add(`${name}.lora_A.weight`, ops.linearBackward(inner.dx, x, a).dw)
  }
  // The weight is the sum with the adapter, so this is the whole of it.
  return LogProb.inputGradient(ops, dy, weight)
}

/** The gradient by a layer's input; those by its parameters go to `add`. */
const layerBackward = (
  ops: Ops,
  w: LayerWeights,
  s: Activations,
  dOut: Tensor2D,
  rotary: Rotary,
  shape: AttentionShape,
  p: string,
  to: Gradients,
): Tensor2D => {
  const linear = (dy: Tensor2D, x: Tensor2D, weight: Projection, name: Parameters.LinearName) =>
    linearBackward(ops, dy, x, weight, `${p}.${name}`, to)
  const { add } = to
  const headsBackward = (
    dy: Tensor2D,
    norm: Normed | null,
    gain: tf.Tensor1D | null,
    of: AttentionShape,
    name: string,
  ): Tensor2D => {
    const dTurned = ops.ropeBackward(dy, rotary, of)
    if (norm === null || gain === null) return dTurned
    const { dGain, dx } = ops.rmsNormBackward(tf.reshape(dTurned, [-1, of.headSize]), norm, gain)
    add(`${p}.self_attn.${name}.weight`, dGain)
    return tf.reshape(dx, dTurned.shape)
  }
  const { dGate, dUp } = ops.swiGluBackward(linear(dOut, s.hidden, w.down, "mlp.down_proj"), s.gate, s.up)
  const dNorm2: Tensor2D = tf.add(
    linear(dGate, s.norm2.y, w.gate, "mlp.gate_proj"),
    linear(dUp, s.norm2.y, w.up, "mlp.up_proj"),
  )
  const norm2 = ops.rmsNormBackward(dNorm2, s.norm2, w.postNorm)
  add(`${p}.post_attention_layernorm.weight`, norm2.dGain)
  const dMiddle: Tensor2D = tf.add(dOut, norm2.dx)
  const { dk, dq, dv } = ops.attentionBackward(
    linear(dMiddle, s.attended.y, w.o, "self_attn.o_proj"),
    { q: s.q, k: s.k, v: s.v, probabilities: s.attended.probabilities },
    shape,
  )
  const dNorm1 = tf.addN([
    linear(headsBackward(dq, s.qNorm, w.qNorm, shape, "q_norm"), s.norm1.y, w.q, "self_attn.q_proj"),
    linear(headsBackward(dk, s.kNorm, w.kNorm, keyShape(shape), "k_norm"), s.norm1.y, w.k, "self_attn.k_proj"),
    linear(dv, s.norm1.y, w.v, "self_attn.v_proj"),
  ])
  const norm1 = ops.rmsNormBackward(dNorm1, s.norm1, w.inputNorm)
  add(`${p}.input_layernorm.weight`, norm1.dGain)
  return tf.add(dMiddle, norm1.dx)
}

/**
 * Adds the gradient of `sum_m weightsPerToken_m * logprob_m` to `gradient`: by every parameter (the flat vector of
 * `Parameters.layout`), or with an adapter by that alone (the flat vector of `Lora.layout`).
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
  lora: LoraConfig | null = null,
): void => {
  const layout = lora === null ? Parameters.layout(config) : Lora.layout(config, lora)
  const offsets = new Map(layout.map(({ name, offset }) => [name, offset]))
  const to: Gradients = {
    frozen: lora !== null,
    add: (name, tensor) => {
      const offset = offsets.get(name)
      if (offset === undefined) return
      const values = tensor.dataSync<"float32">()
      for (let i = 0; i < values.length; i++) gradient[offset + i] += values[i]
    },
  }
  const { packed, rotary } = saved
  const d = config.hidden_size
  tf.tidy(() => {
    const onHead = to.frozen ? null : (dw: Tensor2D) => to.add(headName(config), dw)
    const dHead = LogProb.backward(ops, saved.head, weights.head, weightsPerToken, onHead)
    const scattered = new Float32Array(packed.sequences * packed.time * d)
    const dRows = dHead.dataSync<"float32">()
    for (const [i, row] of packed.rows.entries()) scattered.set(dRows.subarray(i * d, (i + 1) * d), row * d)
    const last = ops.rmsNormBackward(
      tf.tensor2d(scattered, [packed.sequences * packed.time, d]),
      saved.norm,
      weights.norm,
    )
    to.add("model.norm.weight", last.dGain)
    let dx = last.dx
    for (let i = config.num_hidden_layers - 1; i >= 0; i--) {
      const w = weights.layers[i]
      const { activations, input } = saved.layers[i]
      const shape = attentionShape(config, packed, i)
      const dOut = dx
      dx = tf.tidy(() => {
        const s = activations ?? (input && layerForward(config, ops, w, input, rotary, shape).activations)
        if (s === null) throw new TypeError("the forward pass kept nothing of a layer")
        return layerBackward(ops, w, s, dOut, rotary, shape, `model.layers.${i}`, to)
      })
    }
    // Rows of the embedding gather the gradient of the input, beside that of the head where the two are tied.
    const offset = offsets.get("model.embed_tokens.weight")
    if (offset === undefined) return
    const dInput = dx.dataSync<"float32">()
    for (const [row, id] of packed.ids.entries()) {
      const at = offset + id * d
      for (let i = 0; i < d; i++) gradient[at + i] += dInput[row * d + i]
    }
  })
}
