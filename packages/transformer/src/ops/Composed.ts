/**
 * Every operation composed of stock TensorFlow.js kernels: works on any backend, and is the oracle for faster ones.
 *
 * Products transpose explicitly: on WASM a transpose and a plain product are an order of magnitude faster than the
 * transpose flags of `matMul`. Sums over rows are products with a row of ones for the same reason.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core"
import * as ComposedDecoder from "../decode/ComposedDecoder.ts"
import type { AttentionShape, Ops } from "./Ops.ts"

/** Sum over the rows of x [n, d], [d]. @category combinators */
export const sumRows = (x: Tensor2D): Tensor => tf.reshape(tf.matMul(tf.ones([1, x.shape[0]]), x), [x.shape[1]])

/** Mean over the last axis, [n, 1]. */
const rowMean = (x: Tensor2D): Tensor2D => tf.mean(x, 1, true)

const toHeads = (
  x: Tensor2D,
  { headSize, heads, sequences, time }: Omit<AttentionShape, "kvHeads" | "window">,
): Tensor4D => tf.transpose(tf.reshape(x, [sequences, time, heads, headSize]), [0, 2, 1, 3])

const fromHeads = (x: Tensor4D): Tensor2D => {
  const [sequences, heads, time, headSize] = x.shape
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [sequences * time, heads * headSize])
}

/** Key or value heads repeated for the query heads that share them (rank 3, for backends without rank-5 tile). */
const repeatHeads = (x: Tensor4D, times: number): Tensor4D => {
  if (times === 1) return x
  const [sequences, heads, time, headSize] = x.shape
  const tiled = tf.tile(tf.reshape(x, [sequences * heads, 1, time * headSize]), [1, times, 1])
  return tf.reshape(tiled, [sequences, heads * times, time, headSize])
}

const sumHeads = (x: Tensor4D, times: number): Tensor4D => {
  if (times === 1) return x
  const [sequences, heads, time, headSize] = x.shape
  const sum = tf.sum(tf.reshape(x, [(sequences * heads) / times, times, time * headSize]), 1)
  return tf.reshape(sum, [sequences, heads / times, time, headSize])
}

/** 0 where a position may look, a large negative number where not; finite, since softmax of all -Infinity is NaN. */
const causalMask = ({ time, window }: AttentionShape): Tensor4D => {
  const mask = new Float32Array(time * time)
  for (let i = 0; i < time; i++) {
    mask.fill(-1e9, i * time + i + 1, (i + 1) * time)
    if (window !== null) mask.fill(-1e9, i * time, i * time + Math.max(0, i - window + 1))
  }
  return tf.tensor4d(mask, [1, 1, time, time])
}

/** @category implementations */
export const composed: Ops = {
  linear: (x, { bias, wT }) =>
    tf.tidy(() => (bias === null ? tf.matMul(x, wT) : tf.add<Tensor2D>(tf.matMul(x, wT), bias))),
  linearBackward: (dy, x, { bias, w }) => ({
    ...tf.tidy(() => ({ dx: tf.matMul<Tensor2D>(dy, w), dw: tf.matMul<Tensor2D>(tf.transpose(dy), x) })),
    db: bias === null ? null : tf.tidy(() => sumRows(dy)),
  }),

  rmsNorm: (x, gain, epsilon) =>
    tf.tidy(() => {
      const scale: Tensor2D = tf.rsqrt(tf.add(rowMean(tf.mul(x, x)), epsilon))
      const normed: Tensor2D = tf.mul(x, scale)
      return { y: tf.mul(normed, gain), normed, scale }
    }),
  rmsNormBackward: (dy, { normed, scale }, gain) =>
    tf.tidy(() => {
      const dNormed: Tensor2D = tf.mul(dy, gain)
      const mean = rowMean(tf.mul(dNormed, normed))
      return { dx: tf.mul(tf.sub(dNormed, tf.mul(normed, mean)), scale), dGain: sumRows(tf.mul(dy, normed)) }
    }),

  rope: (x, { cos, rotate, sin }, { headSize, heads, sequences, time }) =>
    tf.tidy(() => {
      const turned = tf.reshape(tf.matMul(tf.reshape(x, [-1, headSize]), rotate), [sequences, time, heads, headSize])
      const whole = tf.reshape(x, [sequences, time, heads, headSize])
      return tf.reshape(tf.add(tf.mul(whole, cos), tf.mul(turned, sin)), [sequences * time, heads * headSize])
    }),
  ropeBackward: (dy, { cos, rotateBack, sin }, { headSize, heads, sequences, time }) =>
    tf.tidy(() => {
      const whole = tf.reshape(dy, [sequences, time, heads, headSize])
      const turned = tf.matMul(tf.reshape(tf.mul(whole, sin), [-1, headSize]), rotateBack)
      return tf.reshape(tf.add(tf.mul(whole, cos), tf.reshape(turned, [sequences, time, heads, headSize])), [
        sequences * time,
        heads * headSize,
      ])
    }),

  attention: (q, k, v, shape) =>
    tf.tidy(() => {
      const { headSize, heads, kvHeads } = shape
      const keys = repeatHeads(toHeads(k, { ...shape, heads: kvHeads }), heads / kvHeads)
      const values = repeatHeads(toHeads(v, { ...shape, heads: kvHeads }), heads / kvHeads)
      const scores = tf.mul(tf.matMul(toHeads(q, shape), keys, false, true), 1 / Math.sqrt(headSize))
      const probabilities: Tensor4D = tf.softmax(tf.add(scores, causalMask(shape)))
      return { y: fromHeads(tf.matMul(probabilities, values)), probabilities }
    }),
  attentionBackward: (dy, { k, probabilities, q, v }, shape) =>
    tf.tidy(() => {
      const { headSize, heads, kvHeads } = shape
      const times = heads / kvHeads
      const keys = repeatHeads(toHeads(k, { ...shape, heads: kvHeads }), times)
      const values = repeatHeads(toHeads(v, { ...shape, heads: kvHeads }), times)
      const dOut = toHeads(dy, shape)
      const dProbabilities = tf.matMul(dOut, values, false, true)
      const inner = tf.sum(tf.mul(dProbabilities, probabilities), -1, true)
      const dScores = tf.mul(tf.mul(probabilities, tf.sub(dProbabilities, inner)), 1 / Math.sqrt(headSize))
      return {
        dq: fromHeads(tf.matMul<Tensor4D>(dScores, keys)),
        dk: fromHeads(sumHeads(tf.matMul<Tensor4D>(dScores, toHeads(q, shape), true, false), times)),
        dv: fromHeads(sumHeads(tf.matMul(probabilities, dOut, true, false), times)),
      }
    }),

  swiGlu: (gate, up) => tf.tidy(() => tf.mul(tf.mul(gate, tf.sigmoid(gate)), up)),
  swiGluBackward: (dy, gate, up) =>
    tf.tidy(() => {
      const sigmoid = tf.sigmoid(gate)
      const silu = tf.mul(gate, sigmoid)
      // silu' = sigmoid + silu (1 - sigmoid)
      const slope = tf.add(sigmoid, tf.mul(silu, tf.sub(1, sigmoid)))
      return { dGate: tf.mul(tf.mul(dy, up), slope), dUp: tf.mul(dy, silu) }
    }),

  decoder: (model) => ComposedDecoder.make(composed, model),
}
