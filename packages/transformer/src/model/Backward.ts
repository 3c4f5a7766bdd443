/**
 * The decoder's backward pass: explicit gradients of `sum weight * log-prob`, layer by layer from the head down, by every parameter or
 * by those of an adapter alone.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor2D } from "@tensorflow/tfjs-core"
import * as Lora from "./Lora.ts"
import type { LoraConfig } from "./Lora.ts"
import { activationOf, embeddingScale, type ModelConfig } from "./ModelConfig.ts"
import * as LogProb from "../ops/LogProb.ts"
import type { AttentionShape, GradientSum, LinearWeight, Ops } from "../ops/Ops.ts"
import * as Parameters from "./Parameters.ts"
import {
  type Activations,
  attendWithin,
  attentionShape,
  layerForward,
  type Normed,
  type Places,
  rotaryOf,
  type Saved,
} from "./Transformer.ts"
import * as Tensors from "./Tensors.ts"
import type { Adapter, LayerWeights, Projection, Weights } from "./Weights.ts"

/** Where gradients by parameters go; those of frozen ones are not computed. */
interface Gradients {
  readonly sum: GradientSum
  /** Where a parameter's gradient lies in the sum, null for a frozen one. */
  readonly offset: (name: string) => number | null
}

/** The gradient of a norm's gain. */
const addGainTo = ({ offset, sum }: Gradients, name: string, x: tf.Tensor): void => {
  const at = offset(`${name}.weight`)
  if (at !== null) sum.add(at, x)
}

const addLinearTo = ({ offset, sum }: Gradients, name: string, dy: Tensor2D, x: Tensor2D): void => {
  const at = offset(name)
  if (at !== null) sum.addLinear(at, dy, x)
}

/** Its transpose is still made on first use only. */
const withoutBias = (weight: LinearWeight): LinearWeight => ({
  w: weight.w,
  bias: null,
  get wT() {
    return weight.wT
  },
})

/** The gradients of a linear map's weight, or of its adapter, go to `to`. */
const weightBackward = (ops: Ops, dy: Tensor2D, x: Tensor2D, weight: Projection, name: string, to: Gradients): void => {
  const { adapter } = weight
  if (adapter === null) return addLinearTo(to, `${name}.weight`, dy, x)
  const { a, b, rows, scale } = adapter
  tf.tidy(() => {
    const dSum: Tensor2D = rows === null ? dy : tf.mul(dy, rows.factors)
    const scaled: Tensor2D = tf.mul(dSum, scale)
    addLinearTo(to, `${name}.lora_B.weight`, scaled, ops.linear(x, a))
    addLinearTo(to, `${name}.lora_A.weight`, ops.linearBackward(scaled, b), x)
    const at = to.offset(`${name}.lora_magnitude_vector`)
    if (rows === null || at === null) return
    // What the map gives without its bias is in proportion to the lengths.
    const y = ops.linear(x, withoutBias(weight))
    to.sum.addRowSum(at, tf.mul(tf.mul<Tensor2D>(dy, y), rows.inverse))
  })
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
  weightBackward(ops, dy, x, weight, name, to)
  if (weight.bias !== null) {
    const at = to.offset(`${name}.bias`)
    if (at !== null) to.sum.addRowSum(at, dy)
  }
  // With an adapter the weight is the sum, so this is the whole of it.
  return ops.linearBackward(dy, weight, plus)
}

/** The gradients of the embedding's rows, or of its adapter, from that of the first layer's input. */
const embeddingBackward = (
  ops: Ops,
  dx: Tensor2D,
  ids: Int32Array,
  adapter: Adapter | null,
  { offset, sum }: Gradients,
): void => {
  const at = offset(`${Tensors.embedding}.weight`)
  if (at !== null) sum.addRows(at, ids, dx)
  const [atA, atB] = ["A", "B"].map((side) => offset(`${Tensors.embedding}.lora_${side}.weight`))
  if (adapter === null || atA === null || atB === null) return
  tf.tidy(() => {
    const scaled: Tensor2D = tf.mul(dx, adapter.scale)
    sum.addRows(atB, ids, ops.linear(scaled, adapter.a))
    sum.addLinear(atA, ops.gatherRows(adapter.b.w, ids), scaled)
  })
}

/** The gradient by a layer's input; those by its parameters go to `to`. */
const layerBackward = (
  config: ModelConfig,
  ops: Ops,
  w: LayerWeights,
  s: Activations,
  dOut: Tensor2D,
  places: Places,
  shape: AttentionShape,
  layer: number,
  to: Gradients,
): Tensor2D => {
  const rotary = rotaryOf(config, places, layer)
  const nameOf = (key: Tensors.Key) => Tensors.nameOf(config, layer, key)
  /** The gradient by what a linear map made, where that was normed before it was added to the stream. */
  const beforeNorm = (dy: Tensor2D, norm: Normed | null, key: "attentionNorm" | "feedForwardNorm"): Tensor2D => {
    const gain = w[key]
    if (norm === null || gain === null) return dy
    const { dGain, dx } = ops.rmsNormBackward(dy, norm, gain)
    addGainTo(to, nameOf(key), dGain)
    return dx
  }
  const linear = (dy: Tensor2D, x: Tensor2D, key: Tensors.LinearKey, plus?: Tensor2D) =>
    linearBackward(ops, dy, x, w[key], nameOf(key), to, plus)
  const headsBackward = (dy: Tensor2D, norm: Normed | null, key: "qNorm" | "kNorm", heads: number) => {
    const gain = w[key]
    const dTurned = rotary === null ? dy : ops.ropeBackward(dy, rotary, heads)
    if (norm === null || gain === null) return dTurned
    const { dGain, dx } = ops.rmsNormBackward(tf.reshape(dTurned, [-1, shape.headSize]), norm, gain)
    addGainTo(to, nameOf(key), dGain)
    return tf.reshape<tf.Rank.R2>(dx, dTurned.shape)
  }
  const { dGate, dUp } = ops.gluBackward(
    linear(beforeNorm(dOut, s.feedForwardNorm, "feedForwardNorm"), s.hidden, "down"),
    s.gate,
    s.up,
    activationOf(config),
  )
  const dGated = linear(dGate, s.y2, "gate")
  const norm2 = ops.rmsNormBackward(linear(dUp, s.y2, "up", dGated), s.norm2, w.postNorm, dOut)
  addGainTo(to, nameOf("postNorm"), norm2.dGain)
  const dMiddle = norm2.dx
  const { attended } = s
  const dAttended = linear(beforeNorm(dMiddle, s.attentionNorm, "attentionNorm"), attended.y, "o")
  const { dk, dq, dv } = ops.attentionBackward(dAttended, attended, shape)
  const dQuery = headsBackward(dq, s.qNorm, "qNorm", shape.heads)
  const dKey = headsBackward(dk, s.kNorm, "kNorm", shape.kvHeads)
  const fromQuery = linear(dQuery, s.y1, "q")
  const fromKey = linear(dKey, s.y1, "k", fromQuery)
  const dNorm1 = linear(dv, s.y1, "v", fromKey)
  const norm1 = ops.rmsNormBackward(dNorm1, s.norm1, w.inputNorm, dMiddle)
  addGainTo(to, nameOf("inputNorm"), norm1.dGain)
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
      weightBackward(ops, dLogits, hidden, weights.head, Tensors.head(config), to),
    )
    const dNorm = ops.scatterRows(dHead, packed.rows, packed.ids.length)
    const last = ops.rmsNormBackward(dNorm, saved.norm, weights.norm)
    addGainTo(to, Tensors.lastNorm, last.dGain)
    let dx = last.dx
    for (let i = config.num_hidden_layers - 1; i >= 0; i--) {
      const w = weights.layers[i]
      const { activations, input } = saved.layers[i]
      const shape = attentionShape(config, places, i)
      const dOut = dx
      dx = tf.tidy(() => {
        const s =
          activations ??
          layerForward(config, ops, w, input, rotaryOf(config, places, i), attendWithin(ops, shape)).activations
        return layerBackward(config, ops, w, s, dOut, places, shape, i, to)
      })
      dOut.dispose()
    }
    // Rows of the embedding gather the gradient of the input, beside that of the head where the two are tied.
    const scale = embeddingScale(config)
    embeddingBackward(ops, scale === 1 ? dx : tf.mul(dx, scale), packed.ids, weights.embedding, to)
  })
}
