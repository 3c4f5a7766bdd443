/**
 * The decoder's forward pass over a micro-batch of packed sequences; `Backward` is the way back.
 *
 * `x + attention(norm(x))`, then `x + mlp(norm(x))`, for every layer, with a norm of what is added too where the family has it; a last
 * norm; logits by the head. Sequences lie one after the
 * other, without padding, and several responses can share the rows of their prompt. With activation checkpointing (Chen et al.
 * 2016) a layer keeps only its input, and its activations are computed again on the way back, by the same code and so to the
 * same bits.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor1D, Tensor2D } from "@tensorflow/tfjs-core"
import { activationOf, embeddingScale, headSize, type ModelConfig, scoreScale, windowOf } from "./ModelConfig.ts"
import * as LogProb from "../ops/LogProb.ts"
import type { AttentionShape, LinearWeight, Ops, Rotary, SavedAttention } from "../ops/Ops.ts"
import * as RotaryTables from "./RotaryTables.ts"
import type { LayerWeights, Weights } from "./Weights.ts"

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
  /** What the logits before each target are multiplied with, 1 / temperature, [m]; null: 1 for all. */
  readonly slopes: Float32Array | null
}

/** The segments of `sequences` right-padded sequences of `time` rows. @category constructors */
export const padded = (sequences: number, time: number): Int32Array =>
  Int32Array.from({ length: 4 * sequences }, (_, i) => (i % 4 === 0 ? (i / 4) * time : i % 4 === 1 ? time : 0))

/** What a norm saw, and what it scaled it by. @category models */
export interface Normed {
  readonly x: Tensor2D
  readonly scale: Tensor2D
}

/** What a layer computed on the way. @category models */
export interface Activations {
  readonly norm1: Normed
  /** The normed input, of which queries, keys and values are made. */
  readonly y1: Tensor2D
  readonly qNorm: Normed | null
  readonly kNorm: Normed | null
  /** Queries and keys are those after the rotary embedding. */
  readonly attended: SavedAttention
  readonly attentionNorm: Normed | null
  readonly norm2: Normed
  readonly y2: Tensor2D
  readonly gate: Tensor2D
  readonly up: Tensor2D
  readonly hidden: Tensor2D
  readonly feedForwardNorm: Normed | null
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
export interface Places {
  readonly segments: Tensor2D
  readonly table: Int32Array
  /** Of every kind of positions. */
  readonly rotary: ReturnType<typeof RotaryTables.allTables>
  readonly positions: Tensor1D
}

/** The rotary embedding of a layer, null where it turns nothing. */
export const rotaryOf = (
  config: ModelConfig,
  { positions, rotary }: Pick<Places, "positions" | "rotary">,
  layer: number,
) => RotaryTables.ofLayers(config, rotary, positions)(layer)

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
    table: segments,
    rotary: RotaryTables.allTables(config, longest(packed)),
    positions: tf.tensor1d(positions, "int32"),
  }
}

/** The attention of a layer over segments. */
export const attentionShape = (
  config: ModelConfig,
  { segments, table }: Pick<Places, "segments" | "table">,
  layer: number,
): AttentionShape => ({
  segments,
  table,
  heads: config.num_attention_heads,
  kvHeads: config.num_key_value_heads,
  headSize: headSize(config),
  window: windowOf(config, layer),
  scale: scoreScale(config),
  cap: config.attn_logit_softcapping ?? null,
})

/** Rows of the embedding copied out and scaled as the family does, [ids.length, hidden]. */
export const embed = (config: ModelConfig, table: Float32Array, ids: Int32Array): Tensor2D => {
  const d = config.hidden_size
  const scale = embeddingScale(config)
  const out = new Float32Array(ids.length * d)
  for (const [row, id] of ids.entries()) out.set(table.subarray(id * d, (id + 1) * d), row * d)
  if (scale !== 1) for (let i = 0; i < out.length; i++) out[i] *= scale
  return tf.tensor2d(out, [ids.length, d])
}

/** Queries or keys from the normed input: projected, normed head by head where the family does so, and turned by position. */
const turnedHeads = (
  config: ModelConfig,
  ops: Ops,
  y: Tensor2D,
  weight: LinearWeight,
  gain: tf.Tensor1D | null,
  rotary: Rotary | null,
  heads: number,
) => {
  const turn = (x: Tensor2D): Tensor2D => (rotary === null ? x : ops.rope(x, rotary, heads))
  const projected = ops.linear(y, weight)
  if (gain === null) return { turned: turn(projected), norm: null }
  const x: Tensor2D = tf.reshape(projected, [-1, headSize(config)])
  const norm = ops.rmsNorm(x, gain, config.rms_norm_eps)
  const normed: Tensor2D = tf.reshape(norm.y, projected.shape)
  return { turned: turn(normed), norm: { x, scale: norm.scale } }
}

/** Attention of a layer's queries to keys and values: those of the same rows, or of a cache as well. */
export type Attend = (q: Tensor2D, k: Tensor2D, v: Tensor2D) => { readonly y: Tensor2D; readonly logSums: Tensor2D }

/** Attention among the rows of a pass. */
export const attendWithin =
  (ops: Ops, shape: AttentionShape): Attend =>
  (q, k, v) =>
    ops.attention(q, k, v, shape)

/** x plus what a linear map makes of y, normed where the family does so. */
const onto = (config: ModelConfig, ops: Ops, y: Tensor2D, weight: LinearWeight, gain: Tensor1D | null, x: Tensor2D) => {
  if (gain === null) return { out: ops.linear(y, weight, x), norm: null }
  const made = ops.linear(y, weight)
  const { scale, y: normed } = ops.rmsNorm(made, gain, config.rms_norm_eps)
  return { out: tf.add<Tensor2D>(x, normed), norm: { x: made, scale } }
}

/** One layer over the rows x [rows, hidden]: its output, and what it computed on the way. */
export const layerForward = (
  config: ModelConfig,
  ops: Ops,
  w: LayerWeights,
  x: Tensor2D,
  rotary: Rotary | null,
  attend: Attend,
) => {
  const { scale: scale1, y: y1 } = ops.rmsNorm(x, w.inputNorm, config.rms_norm_eps)
  const { norm: qNorm, turned: q } = turnedHeads(config, ops, y1, w.q, w.qNorm, rotary, config.num_attention_heads)
  const { norm: kNorm, turned: k } = turnedHeads(config, ops, y1, w.k, w.kNorm, rotary, config.num_key_value_heads)
  const v = ops.linear(y1, w.v)
  const attended = { q, k, v, ...attend(q, k, v) }
  const attention = onto(config, ops, attended.y, w.o, w.attentionNorm, x)
  const middle = attention.out
  const { scale: scale2, y: y2 } = ops.rmsNorm(middle, w.postNorm, config.rms_norm_eps)
  const gate = ops.linear(y2, w.gate)
  const up = ops.linear(y2, w.up)
  const hidden = ops.glu(gate, up, activationOf(config))
  const feedForward = onto(config, ops, hidden, w.down, w.feedForwardNorm, middle)
  const activations: Activations = {
    norm1: { x, scale: scale1 },
    y1,
    qNorm,
    kNorm,
    attended,
    attentionNorm: attention.norm,
    norm2: { x: middle, scale: scale2 },
    y2,
    gate,
    up,
    hidden,
    feedForwardNorm: feedForward.norm,
  }
  return { out: feedForward.out, activations }
}

interface ForwardOptions {
  /** What `Backward` needs: every activation, or the inputs of the layers alone. Default: nothing. */
  readonly keep?: "activations" | "inputs"
}

/** The last hidden states of `packed.rows`, [m, hidden_size], normed, and what was kept on the way. Called within a scope. */
const hiddenOf = (
  config: ModelConfig,
  ops: Ops,
  weights: Weights,
  embedding: Float32Array,
  packed: Packed,
  keep: ForwardOptions["keep"],
) => {
  const places = placesOf(config, packed)
  let x = embed(config, embedding, packed.ids)
  const layers: Array<SavedLayer> = []
  for (const [i, w] of weights.layers.entries()) {
    const input = x
    const attend = attendWithin(ops, attentionShape(config, places, i))
    const rotary = rotaryOf(config, places, i)
    if (keep === "activations") {
      const layer = layerForward(config, ops, w, input, rotary, attend)
      layers.push({ input, activations: layer.activations })
      x = layer.out
      continue
    }
    x = tf.tidy(() => layerForward(config, ops, w, input, rotary, attend).out)
    if (keep === "inputs") layers.push({ input, activations: null })
    else input.dispose()
  }
  const { scale, y } = ops.rmsNorm(x, weights.norm, config.rms_norm_eps)
  return { rows: ops.gatherRows(y, packed.rows), layers, norm: { x, scale }, places }
}

/** The logits that follow `packed.rows`, [m, vocabulary]. @category passes */
export const logits = (
  config: ModelConfig,
  ops: Ops,
  weights: Weights,
  embedding: Float32Array,
  packed: Packed,
): Tensor2D =>
  tf.tidy(() => LogProb.logits(ops, hiddenOf(config, ops, weights, embedding, packed, undefined).rows, weights.head))

/**
 * Log-probs of `packed.targets`, in nats, [m]; the caller disposes of them. With `keep` the activations for `Backward` come
 * too, and the caller disposes of these as well.
 *
 * @category passes
 */
export const forward = (
  config: ModelConfig,
  ops: Ops,
  weights: Weights,
  embedding: Float32Array,
  packed: Packed,
  { keep }: ForwardOptions = {},
): { readonly logprobs: Tensor1D; readonly saved: Saved | null } => {
  const scope = tf.engine()
  let result: { readonly logprobs: Tensor1D; readonly saved: Omit<Saved, "dispose"> | null } | null = null
  scope.startScope("forward")
  try {
    const { layers, norm, places, rows } = hiddenOf(config, ops, weights, embedding, packed, keep)
    const { slopes, targets } = packed
    const { logprobs, saved: head } = LogProb.forward(
      ops,
      rows,
      weights.head,
      targets,
      slopes,
      undefined,
      keep !== undefined,
    )
    result = { logprobs, saved: keep === undefined ? null : { packed, layers, norm, head, places } }
  } finally {
    scope.endScope(tensorsOf(result))
  }
  const { logprobs, saved } = result
  return { logprobs, saved: saved && { ...saved, dispose: () => tf.dispose(tensorsOf(saved)) } }
}

/** Every tensor anywhere inside a value. */
const tensorsOf = (value: unknown): Array<tf.Tensor> => {
  if (value instanceof tf.Tensor) return [value]
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return []
  return (value instanceof Map ? [...value.values()] : Object.values(value)).flatMap(tensorsOf)
}
