/**
 * Every operation composed of stock TensorFlow.js kernels: works on any backend, and is the oracle for faster ones.
 *
 * Nothing is read back before a sum of gradients is, so that a GPU is never waited for. Sums over rows are products with a row of
 * ones: a sum over the first axis is slow on WASM.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor, Tensor2D, Tensor3D } from "@tensorflow/tfjs-core"
import * as BatchedAttention from "./BatchedAttention.ts"
import { type Activation, gates, type GradientSum, type Ops, type Rotary } from "./Ops.ts"
import * as Rows from "./Rows.ts"

/** Sum over the rows of x [n, d], [d]. */
const sumRows = (x: Tensor2D): Tensor => tf.reshape(tf.matMul(tf.ones([1, x.shape[0]]), x), [x.shape[1]])

/** Mean over the last axis, [n, 1]. */
const rowMean = (x: Tensor2D): Tensor2D => tf.mean(x, 1, true)

const plusOf = (x: Tensor2D, plus: Tensor2D | undefined): Tensor2D => (plus === undefined ? x : tf.add(x, plus))

const turn = (x: Tensor2D, { cos, positions, sin }: Rotary, heads: number, sign: 1 | -1): Tensor2D =>
  tf.tidy(() => {
    const [n, width] = x.shape
    const size = width / heads
    const table = (of: Tensor2D): Tensor3D => tf.reshape(tf.gather(of, positions), [n, 1, size])
    const whole: Tensor3D = tf.reshape(x, [n, heads, size])
    const [a, b] = tf.split(whole, 2, 2)
    const turned: Tensor3D = tf.concat([tf.mul(b, -sign), tf.mul(a, sign)], 2)
    return tf.reshape(tf.add(tf.mul(whole, table(cos)), tf.mul(turned, table(sin))), [n, width])
  })

/** sigmoid(x (a + b x^2)). */
const sigmoidOf = (x: Tensor2D, activation: Activation): Tensor2D => {
  const [a, b] = gates[activation]
  return tf.sigmoid(b === 0 ? x : tf.mul(x, tf.add(tf.mul(tf.mul(x, x), b), a)))
}

/** Sums are tensors of their own, and the rows that an embedding gets wait until the sum is read. */
const gradient = (size: number): GradientSum => {
  const sums = new Map<number, Tensor>()
  let rows: Array<{ readonly offset: number; readonly ids: Int32Array; readonly x: Tensor2D }> = []
  const addTidy = (offset: number, of: () => Tensor): void => {
    tf.tidy(() => {
      const before = sums.get(offset)
      const flat = tf.reshape(of(), [-1])
      sums.set(offset, tf.keep(before === undefined ? tf.clone(flat) : tf.add(before, flat)))
      before?.dispose()
    })
  }
  const zero = (): void => {
    for (const sum of sums.values()) sum.dispose()
    for (const { x } of rows) x.dispose()
    sums.clear()
    rows = []
  }
  const read = async (into: Float32Array): Promise<void> => {
    if (into.length !== size) throw new RangeError(`${into.length} places for a gradient of ${size}`)
    into.fill(0)
    for (const [offset, sum] of sums) into.set(await sum.data<"float32">(), offset)
    for (const { ids, offset, x } of rows) {
      const values = await x.data<"float32">()
      const d = x.shape[1]
      for (const [row, id] of ids.entries())
        for (let i = 0; i < d; i++) into[offset + id * d + i] += values[row * d + i]
    }
  }
  return {
    zero,
    addLinear: (offset, dy, x) => addTidy(offset, () => tf.matMul(dy, x, true, false)),
    add: (offset, x) => addTidy(offset, () => x),
    addRowSum: (offset, x) => addTidy(offset, () => sumRows(x)),
    addRows: (offset, ids, x) => {
      rows.push({ offset, ids, x: tf.keep(tf.clone(x)) })
    },
    read,
    addTo: async (into) => {
      const own = new Float32Array(size)
      await read(own)
      for (let i = 0; i < size; i++) into[i] += own[i]
    },
    dispose: zero,
  }
}

/** @category implementations */
export const composed: Ops = {
  linear: (x, { bias, w }, plus) =>
    tf.tidy(() => {
      const y: Tensor2D = tf.matMul(x, w, false, true)
      return plusOf(bias === null ? y : tf.add(y, bias), plus)
    }),
  linearBackward: (dy, { w }, plus) => tf.tidy(() => plusOf(tf.matMul(dy, w), plus)),

  rmsNorm: (x, gain, epsilon) =>
    tf.tidy(() => {
      const scale: Tensor2D = tf.rsqrt(tf.add(rowMean(tf.mul(x, x)), epsilon))
      return { y: tf.mul(tf.mul(x, scale), gain), scale }
    }),
  rmsNormBackward: (dy, { scale, x }, gain, plus) =>
    tf.tidy(() => {
      const normed: Tensor2D = tf.mul(x, scale)
      const dNormed: Tensor2D = tf.mul(dy, gain)
      const mean = rowMean(tf.mul(dNormed, normed))
      const dx: Tensor2D = tf.mul(tf.sub(dNormed, tf.mul(normed, mean)), scale)
      return { dx: plusOf(dx, plus), dGain: sumRows(tf.mul(dy, normed)) }
    }),

  rope: (x, rotary, heads) => turn(x, rotary, heads, 1),
  ropeBackward: (dy, rotary, heads) => turn(dy, rotary, heads, -1),

  attention: BatchedAttention.forward,
  attentionBackward: BatchedAttention.backward,

  glu: (gate, up, activation) => tf.tidy(() => tf.mul(tf.mul(gate, sigmoidOf(gate, activation)), up)),
  gluBackward: (dy, gate, up, activation) =>
    tf.tidy(() => {
      const [a, b] = gates[activation]
      const sigmoid = sigmoidOf(gate, activation)
      const y = tf.mul(gate, sigmoid)
      // The slope of x sigmoid(u) is sigmoid + x u' sigmoid (1 - sigmoid), with u' = a + 3 b x^2.
      const inner = b === 0 ? y : tf.mul(y, tf.add(tf.mul(tf.mul(gate, gate), 3 * b), a))
      const slope = tf.add(sigmoid, tf.mul(inner, tf.sub(1, sigmoid)))
      return { dGate: tf.mul(tf.mul(dy, up), slope), dUp: tf.mul(dy, y) }
    }),

  softCap: (x, cap) => tf.tidy(() => tf.mul(tf.tanh(tf.div(x, cap)), cap)),
  softCapBackward: (dy, x, cap) =>
    tf.tidy(() => {
      const t: Tensor2D = tf.tanh(tf.div(x, cap))
      return tf.mul(dy, tf.sub(1, tf.mul(t, t)))
    }),

  gatherRows: Rows.pick,
  scatterRows: Rows.sum,

  logProb: (logits, targets) =>
    tf.tidy(() => {
      const size = logits.shape[1]
      const places = tf.tensor1d(
        targets.map((id, r) => r * size + id),
        "int32",
      )
      const hit = tf.gather(tf.reshape<tf.Rank.R1>(logits, [-1]), places)
      return tf.minimum(tf.sub(hit, tf.logSumExp(logits, 1)), 0)
    }),
  logProbBackward: (logits, targets, weights) =>
    tf.tidy(() => {
      const [m, size] = logits.shape
      const hit: Tensor2D = tf.cast(tf.oneHot(tf.tensor1d(targets, "int32"), size), "float32") as Tensor2D
      return tf.mul(tf.sub(hit, tf.softmax(logits)), tf.tensor2d(weights, [m, 1], "float32"))
    }),

  gradient,
}
