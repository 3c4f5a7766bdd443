/**
 * The head: log-probs of given tokens from the last hidden states, and their gradient. Only the rows that predict a token
 * somebody asked for are multiplied with the vocabulary, and at most 4 M logits exist at once: a larger head goes in chunks of
 * rows, whose logits are computed again on the way back. The softmax is in float64.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor2D } from "@tensorflow/tfjs-core"
import type { LinearWeight, Ops } from "./Ops.ts"

/** What the backward pass needs again. @category models */
export interface SavedHead {
  readonly hidden: Tensor2D
  /** log sum exp of every row of logits, [rows] */
  readonly normalisers: Float64Array
  /** softmax of the logits, [rows, vocabulary], where they are one chunk */
  readonly probabilities: Float32Array | null
  readonly targets: Int32Array
}

const maxLogits = 2 ** 22

/** log sum exp of one row of logits. */
export const logSumExp = (logits: Float32Array, from: number, size: number): number => {
  let max = -Infinity
  for (let i = from; i < from + size; i++) if (logits[i] > max) max = logits[i]
  let sum = 0
  for (let i = from; i < from + size; i++) sum += Math.exp(logits[i] - max)
  return max + Math.log(sum)
}

/** Ranges of rows whose logits exist together. */
const chunks = (rows: number, vocabulary: number, limit: number): ReadonlyArray<readonly [number, number]> => {
  const size = Math.max(1, Math.floor(limit / vocabulary))
  return Array.from({ length: Math.ceil(rows / size) }, (_, i) => [i * size, Math.min(rows, (i + 1) * size)])
}

const rowsOf = (x: Tensor2D, from: number, to: number): Tensor2D =>
  from === 0 && to === x.shape[0] ? x : tf.slice(x, [from, 0], [to - from, x.shape[1]])

/** Logits [to - from, vocabulary] of some rows. */
const logitsOf = (ops: Ops, hidden: Tensor2D, head: LinearWeight, from: number, to: number): Float32Array => {
  let values = new Float32Array(0)
  tf.tidy(() => {
    // Not returned: `tidy` would look for tensors in it, number by number.
    values = ops.linear(rowsOf(hidden, from, to), head).dataSync<"float32">() as Float32Array<ArrayBuffer>
  })
  return values
}

/** Log-probs in nats of `targets` [m] given `hidden` [m, d]; keeps `hidden`. @category operations */
export const forward = (
  ops: Ops,
  hidden: Tensor2D,
  head: LinearWeight,
  targets: Int32Array,
  limit: number = maxLogits,
) => {
  const vocabulary = head.w.shape[0]
  const logprobs = new Float32Array(targets.length)
  const normalisers = new Float64Array(targets.length)
  const parts = chunks(targets.length, vocabulary, limit)
  let probabilities: Float32Array | null = null
  for (const [from, to] of parts) {
    const values = logitsOf(ops, hidden, head, from, to)
    for (let row = from; row < to; row++) {
      const at = (row - from) * vocabulary
      const z = logSumExp(values, at, vocabulary)
      normalisers[row] = z
      logprobs[row] = Math.min(0, values[at + targets[row]] - z)
    }
    if (parts.length === 1) probabilities = softmax(values, normalisers, 0, vocabulary)
  }
  return { logprobs, saved: { hidden, normalisers, probabilities, targets } satisfies SavedHead }
}

const softmax = (logits: Float32Array, normalisers: Float64Array, from: number, vocabulary: number): Float32Array => {
  const out = new Float32Array(logits.length)
  for (let i = 0; i < out.length; i++) out[i] = Math.exp(logits[i] - normalisers[from + Math.floor(i / vocabulary)])
  return out
}

/**
 * Gradient of `sum_m weights_m * logprob_m`: by the hidden states, and by the head, which `onHead` gets part by part and which
 * is not computed where that is null.
 *
 * @category operations
 */
export const backward = (
  ops: Ops,
  saved: SavedHead,
  head: LinearWeight,
  weights: Float32Array,
  onHead: ((dw: Tensor2D) => void) | null,
  limit: number = maxLogits,
): Tensor2D => {
  const { hidden, normalisers, targets } = saved
  const vocabulary = head.w.shape[0]
  const dx: Array<Tensor2D> = []
  for (const [from, to] of chunks(targets.length, vocabulary, limit)) {
    const dLogits =
      saved.probabilities?.slice() ?? softmax(logitsOf(ops, hidden, head, from, to), normalisers, from, vocabulary)
    for (let row = from; row < to; row++) {
      const at = (row - from) * vocabulary
      for (let i = at; i < at + vocabulary; i++) dLogits[i] *= -weights[row]
      dLogits[at + targets[row]] += weights[row]
    }
    dx.push(
      tf.tidy(() => {
        const dy = tf.tensor2d(dLogits, [to - from, vocabulary])
        if (onHead === null) return inputGradient(ops, dy, head)
        const gradients = ops.linearBackward(dy, rowsOf(hidden, from, to), head)
        onHead(gradients.dw)
        return gradients.dx
      }),
    )
  }
  return dx.length === 1 ? dx[0] : tf.concat(dx, 0)
}

/** dy [n, out] times w: the gradient by a linear map's input alone. @category operations */
export const inputGradient = (ops: Ops, dy: Tensor2D, { w, wT }: LinearWeight): Tensor2D =>
  ops.linear(dy, { w: wT, wT: w, bias: null })
