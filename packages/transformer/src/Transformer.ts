/**
 * The decoder's forward and backward pass over a micro-batch of packed sequences, with explicit gradients.
 *
 * `x + attention(norm(x))`, then `x + mlp(norm(x))`, for every layer; a last norm; logits by the head. Sequences lie one after the
 * other, without padding, and several responses can share the rows of their prompt. With activation checkpointing (Chen et al.
 * 2016) a layer keeps only its input, and its activations are computed again on the way back, by the same code and so to the
 * same bits.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor2D } from "@tensorflow/tfjs-core"
import * as Lora from "./Lora.ts"
import type { LoraConfig } from "./Lora.ts"
import { headSize, type ModelConfig, windowOf } from "./ModelConfig.ts"
import * as LogProb from "./ops/LogProb.ts"
import type { AttentionShape, GradientSum, LinearWeight, Ops, Rotary, SavedAttention } from "./ops/Ops.ts"
import * as Parameters from "./Parameters.ts"
import * as RotaryTables from "./RotaryTables.ts"
import { headName, type LayerWeights, type Projection, type Weights } from "./Weights.ts"

/** Sequences of one micro-batch, one after the other. @category models */
export interface Packed {
  /** [rows] */
  readonly ids: Int32Array
  /**
   * Four numbers per segment: its first row, its length, the first row and the length of a prefix that all its rows see (length 0:
   * none). Every row is in one segment. A prompt is a segment, and so is what follows it in each response.
   */
  readonly segments: Int32Array
  /** Rows whose next token is asked for, and that token, [m] each. */
  readonly rows: Int32Array
  readonly targets: Int32Array
}

/** The segments of `sequences` right-padded sequences of `time` rows. @category constructors */
export const padded = (sequences: number, time: number): Int32Array =>
  Int32Array.from({ length: 4 * sequences }, (_, i) => (i % 4 === 0 ? (i / 4) * time : i % 4 === 1 ? time : 0))

interface Normed {
  readonly x: Tensor2D
  readonly scale: Tensor2D
}

interface Activations {
  readonly norm1: Normed
  /** The normed input, of which queries, keys and values are made. */
  readonly y1: Tensor2D
  readonly qNorm: Normed | null
  readonly kNorm: Normed | null
  /** Queries and keys are those after the rotary embedding. */
  readonly attended: SavedAttention
  readonly norm2: Normed
  readonly y2: Tensor2D
  readonly gate: Tensor2D
  readonly up: Tensor2D
  readonly hidden: Tensor2D
}

/** A layer's input, and without checkpointing its activations. */
interface SavedLayer {
  readonly input: Tensor2D
  readonly activations: Activations | null
}

/** Activations kept for the backward pass; `dispose` lets them go. @category models */
export interface Saved {
  readonly packed: Packed
  readonly layers: ReadonlyArray<SavedLayer>
  readonly norm: Normed
  readonly head: LogProb.SavedHead
  readonly places: Places
  readonly dispose: () => void
}

/** The micro-batch's table of segments, and the rotary embedding of its rows, on the backend. */
interface Places {
  readonly segments: Tensor2D
  readonly rotary: Rotary
}

/** Positions of the longest sequence, its prompt included. @category combinators */
export const longest = ({ segments }: Packed): number => {
  let most = 0
  for (let s = 0; s < segments.length; s += 4) most = Math.max(most, segments[s + 1] + segments[s + 3])
  return most
}

const placesOf = (config: ModelConfig, packed: Packed): Places => {
  const { ids, segments } = packed
  const positions = new Int32Array(ids.length)
  for (let s = 0; s < segments.length; s += 4) {
    const [start, length, , prefix] = segments.subarray(s, s + 4)
    for (let i = 0; i < length; i++) positions[start + i] = prefix + i
  }
  return {
    segments: tf.tensor2d(segments, [segments.length / 4, 4], "int32"),
    rotary: { ...RotaryTables.tables(config, longest(packed)), positions: tf.tensor1d(positions, "int32") },
  }
}

const attentionShape = (config: ModelConfig, { segments }: Places, layer: number): AttentionShape => ({
  segments,
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
const turnedHeads = (
  config: ModelConfig,
  ops: Ops,
  y: Tensor2D,
  weight: LinearWeight,
  gain: tf.Tensor1D | null,
  rotary: Rotary,
  heads: number,
) => {
  const projected = ops.linear(y, weight)
  if (gain === null) return { turned: ops.rope(projected, rotary, heads), norm: null }
  const x: Tensor2D = tf.reshape(projected, [-1, headSize(config)])
  const norm = ops.rmsNorm(x, gain, config.rms_norm_eps)
  const normed: Tensor2D = tf.reshape(norm.y, projected.shape)
  return { turned: ops.rope(normed, rotary, heads), norm: { x, scale: norm.scale } }
}

const layerForward = (
  config: ModelConfig,
  ops: Ops,
  w: LayerWeights,
  x: Tensor2D,
  { rotary }: Places,
  shape: AttentionShape,
) => {
  const { scale: scale1, y: y1 } = ops.rmsNorm(x, w.inputNorm, config.rms_norm_eps)
  const { norm: qNorm, turned: q } = turnedHeads(config, ops, y1, w.q, w.qNorm, rotary, shape.heads)
  const { norm: kNorm, turned: k } = turnedHeads(config, ops, y1, w.k, w.kNorm, rotary, shape.kvHeads)
  const v = ops.linear(y1, w.v)
  const attended = { q, k, v, ...ops.attention(q, k, v, shape) }
  const middle = ops.linear(attended.y, w.o, x)
  const { scale: scale2, y: y2 } = ops.rmsNorm(middle, w.postNorm, config.rms_norm_eps)
  const gate = ops.linear(y2, w.gate)
  const up = ops.linear(y2, w.up)
  const hidden = ops.swiGlu(gate, up)
  const activations: Activations = {
    norm1: { x, scale: scale1 },
    y1,
    qNorm,
    kNorm,
    attended,
    norm2: { x: middle, scale: scale2 },
    y2,
    gate,
    up,
    hidden,
  }
  return { out: ops.linear(hidden, w.down, middle), activations }
}

/** @category models */
export interface ForwardOptions {
  /** What {@link backward} needs: every activation, or the inputs of the layers alone. Default: nothing. */
  readonly keep?: "activations" | "inputs"
}

/**
 * Log-probs of `packed.targets`, in nats, [m]. With `keep` the activations for {@link backward} come too, and the caller
 * disposes of them, without it the last hidden states of `packed.rows`, [m, hidden_size].
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
} => {
  const scope = tf.engine()
  const d = config.hidden_size
  let logprobs: Float32Array = new Float32Array(0)
  let hiddenRows: Float32Array = new Float32Array(0)
  let saved: Omit<Saved, "dispose"> | null = null
  scope.startScope("forward")
  try {
    const places = placesOf(config, packed)
    let x = embed(embedding, packed.ids, d)
    const layers: Array<SavedLayer> = []
    for (const [i, w] of weights.layers.entries()) {
      const input = x
      const shape = attentionShape(config, places, i)
      if (options.keep === "activations") {
        const layer = layerForward(config, ops, w, input, places, shape)
        layers.push({ input, activations: layer.activations })
        x = layer.out
        continue
      }
      x = tf.tidy(() => layerForward(config, ops, w, input, places, shape).out)
      if (options.keep === "inputs") layers.push({ input, activations: null })
      else input.dispose()
    }
    const { scale, y } = ops.rmsNorm(x, weights.norm, config.rms_norm_eps)
    const rows = ops.gatherRows(y, tf.tensor1d(packed.rows, "int32"))
    if (options.keep === undefined) hiddenRows = rows.dataSync<"float32">().slice()
    const head = LogProb.forward(ops, rows, weights.head, packed.targets)
    logprobs = head.logprobs
    if (options.keep !== undefined) saved = { packed, layers, norm: { x, scale }, head: head.saved, places }
  } finally {
    scope.endScope(saved === null ? [] : tensorsOf(saved))
  }
  const kept = saved
  return {
    logprobs,
    hidden: hiddenRows,
    saved: kept === null ? null : { ...kept, dispose: () => tf.dispose(tensorsOf(kept)) },
  }
}

/** Every tensor anywhere inside a value. */
const tensorsOf = (value: unknown): Array<tf.Tensor> => {
  if (value instanceof tf.Tensor) return [value]
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return []
  return Object.values(value).flatMap(tensorsOf)
}

/** Where gradients by parameters go; those of frozen ones are not computed. */
interface Gradients {
  readonly sum: GradientSum
  /** Where a parameter's gradient lies in the sum, null for a frozen one. */
  readonly offset: (name: string) => number | null
}

const addTo = ({ offset, sum }: Gradients, name: string, x: tf.Tensor): void => {
  const at = offset(name)
  if (at !== null) sum.add(at, x)
}

const addLinearTo = ({ offset, sum }: Gradients, name: string, dy: Tensor2D, x: Tensor2D): void => {
  const at = offset(name)
  if (at !== null) sum.addLinear(at, dy, x)
}

/** The gradient by the input of a linear map, plus `plus`; those by its weight and bias, or by its adapter, go to `to`. */
const linearBackward = (
  ops: Ops,
  dy: Tensor2D,
  x: Tensor2D,
  weight: Projection,
  name: string,
  to: Gradients,
  plus?: Tensor2D,
): Tensor2D => {
  if (weight.adapter !== null) {
    const { a, b, scale } = weight.adapter
    tf.tidy(() => {
      const scaled: Tensor2D = tf.mul(dy, scale)
      addLinearTo(to, `${name}.lora_B.weight`, scaled, ops.linear(x, a))
      addLinearTo(to, `${name}.lora_A.weight`, ops.linearBackward(scaled, b), x)
    })
  }
  addLinearTo(to, `${name}.weight`, dy, x)
  if (weight.bias !== null) {
    const at = to.offset(`${name}.bias`)
    if (at !== null) to.sum.addRowSum(at, dy)
  }
  // With an adapter the weight is the sum, so this is the whole of it.
  return ops.linearBackward(dy, weight, plus)
}

/** The gradient by a layer's input; those by its parameters go to `to`. */
const layerBackward = (
  ops: Ops,
  w: LayerWeights,
  s: Activations,
  dOut: Tensor2D,
  { rotary }: Places,
  shape: AttentionShape,
  p: string,
  to: Gradients,
): Tensor2D => {
  const linear = (dy: Tensor2D, x: Tensor2D, weight: Projection, name: Parameters.LinearName, plus?: Tensor2D) =>
    linearBackward(ops, dy, x, weight, `${p}.${name}`, to, plus)
  const headsBackward = (dy: Tensor2D, norm: Normed | null, gain: tf.Tensor1D | null, heads: number, name: string) => {
    const dTurned = ops.ropeBackward(dy, rotary, heads)
    if (norm === null || gain === null) return dTurned
    const { dGain, dx } = ops.rmsNormBackward(tf.reshape(dTurned, [-1, shape.headSize]), norm, gain)
    addTo(to, `${p}.self_attn.${name}.weight`, dGain)
    return tf.reshape<tf.Rank.R2>(dx, dTurned.shape)
  }
  const { dGate, dUp } = ops.swiGluBackward(linear(dOut, s.hidden, w.down, "mlp.down_proj"), s.gate, s.up)
  const dGated = linear(dGate, s.y2, w.gate, "mlp.gate_proj")
  const norm2 = ops.rmsNormBackward(linear(dUp, s.y2, w.up, "mlp.up_proj", dGated), s.norm2, w.postNorm, dOut)
  addTo(to, `${p}.post_attention_layernorm.weight`, norm2.dGain)
  const dMiddle = norm2.dx
  const { attended } = s
  const dAttended = linear(dMiddle, attended.y, w.o, "self_attn.o_proj")
  const { dk, dq, dv } = ops.attentionBackward(dAttended, attended, shape)
  const dQuery = headsBackward(dq, s.qNorm, w.qNorm, shape.heads, "q_norm")
  const dKey = headsBackward(dk, s.kNorm, w.kNorm, shape.kvHeads, "k_norm")
  const fromQuery = linear(dQuery, s.y1, w.q, "self_attn.q_proj")
  const fromKey = linear(dKey, s.y1, w.k, "self_attn.k_proj", fromQuery)
  const dNorm1 = linear(dv, s.y1, w.v, "self_attn.v_proj", fromKey)
  const norm1 = ops.rmsNormBackward(dNorm1, s.norm1, w.inputNorm, dMiddle)
  addTo(to, `${p}.input_layernorm.weight`, norm1.dGain)
  return norm1.dx
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
  gradient: GradientSum,
  lora: LoraConfig | null = null,
): void => {
  const layout = lora === null ? Parameters.layout(config) : Lora.layout(config, lora)
  const offsets = new Map(layout.map(({ name, offset }) => [name, offset]))
  const to: Gradients = { sum: gradient, offset: (name) => offsets.get(name) ?? null }
  const { packed, places } = saved
  tf.tidy(() => {
    const dHead = LogProb.backward(ops, saved.head, weights.head, weightsPerToken, (dLogits, hidden) =>
      addLinearTo(to, headName(config), dLogits, hidden),
    )
    const dNorm = ops.scatterRows(dHead, tf.tensor1d(packed.rows, "int32"), packed.ids.length)
    const last = ops.rmsNormBackward(dNorm, saved.norm, weights.norm)
    addTo(to, "model.norm.weight", last.dGain)
    let dx = last.dx
    for (let i = config.num_hidden_layers - 1; i >= 0; i--) {
      const w = weights.layers[i]
      const { activations, input } = saved.layers[i]
      const shape = attentionShape(config, places, i)
      const dOut = dx
      dx = tf.tidy(() => {
        const s = activations ?? layerForward(config, ops, w, input, places, shape).activations
        return layerBackward(ops, w, s, dOut, places, shape, `model.layers.${i}`, to)
      })
      dOut.dispose()
    }
    // Rows of the embedding gather the gradient of the input, beside that of the head where the two are tied.
    const offset = to.offset("model.embed_tokens.weight")
    if (offset !== null) gradient.addRows(offset, tf.tensor1d(packed.ids, "int32"), dx)
  })
}
