/**
 * The head: log-probs of given tokens from the last hidden states, and their gradient. Only the rows that predict a token
 * somebody asked for are multiplied with the vocabulary; the softmax is in float64.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor2D } from "@tensorflow/tfjs-core"
import type { LinearWeight, Ops } from "./Ops.ts"

/** What the backward pass needs again. @category models */
export interface SavedHead {
  readonly hidden: Tensor2D
  /** softmax of the logits, [rows, vocabulary] */
  readonly probabilities: Float32Array
  readonly targets: Int32Array
}

/** log sum exp of one row of logits. */
export const logSumExp = (logits: Float32Array, from: number, size: number): number => {
  let max = -Infinity
  for (let i = from; i < from + size; i++) if (logits[i] > max) max = logits[i]
  let sum = 0
  for (let i = from; i < from + size; i++) sum += Math.exp(logits[i] - max)
  return max + Math.log(sum)
}

/** Log-probs in nats of `targets` [m] given `hidden` [m, d]; keeps `hidden`. @category operations */
export const forward = (ops: Ops, hidden: Tensor2D, embedding: LinearWeight, targets: Int32Array) => {
  const logits = ops.linear(hidden, embedding)
  const values = logits.dataSync<"float32">()
  logits.dispose()
  const vocabulary = embedding.w.shape[0]
  const logprobs = new Float32Array(targets.length)
  const probabilities = new Float32Array(values.length)
  for (const [row, target] of targets.entries()) {
    const from = row * vocabulary
    const z = logSumExp(values, from, vocabulary)
    logprobs[row] = Math.min(0, values[from + target] - z)
    for (let i = from; i < from + vocabulary; i++) probabilities[i] = Math.exp(values[i] - z)
  }
  return { logprobs, saved: { hidden, probabilities, targets } satisfies SavedHead }
}

/** Gradient of `sum_m weights_m * logprob_m`: by the hidden states and by the embedding. @category operations */
export const backward = (ops: Ops, saved: SavedHead, embedding: LinearWeight, weights: Float32Array) => {
  const { hidden, probabilities, targets } = saved
  const vocabulary = embedding.w.shape[0]
  const dLogits = new Float32Array(probabilities.length)
  for (const [row, target] of targets.entries()) {
    const from = row * vocabulary
    for (let i = 0; i < vocabulary; i++) dLogits[from + i] = -weights[row] * probabilities[from + i]
    dLogits[from + target] += weights[row]
  }
  return tf.tidy(() => ops.linearBackward(tf.tensor2d(dLogits, [targets.length, vocabulary]), hidden, embedding))
}
