/**
 * Every operation composed of stock TensorFlow.js kernels: works on any backend, and is the oracle for faster ones.
 *
 * Products transpose explicitly: on WASM a transpose and a plain product are an order of magnitude faster than the
 * transpose flags of `matMul`. Sums over rows are products with a row of ones for the same reason.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor, Tensor2D, Tensor3D } from "@tensorflow/tfjs-core"
import * as ComposedDecoder from "../decode/ComposedDecoder.ts"
import type { AttentionShape, GradientSum, Ops, Rotary } from "./Ops.ts"

/** Sum over the rows of x [n, d], [d]. */
const sumRows = (x: Tensor2D): Tensor => tf.reshape(tf.matMul(tf.ones([1, x.shape[0]]), x), [x.shape[1]])

/** Mean over the last axis, [n, 1]. */
const rowMean = (x: Tensor2D): Tensor2D => tf.mean(x, 1, true)

const plusOf = (x: Tensor2D, plus: Tensor2D | undefined): Tensor2D => (plus === undefined ? x : tf.add(x, plus))

const floats = (x: Tensor): Float32Array => x.dataSync<"float32">()
const integers = (x: Tensor): Int32Array => x.dataSync<"int32">()

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

/** One segment: its rows, and where its keys and values come from. */
interface Segment {
  readonly start: number
  readonly length: number
  readonly from: number
  readonly prefix: number
}

const segmentsOf = ({ segments }: AttentionShape): ReadonlyArray<Segment> => {
  const table = integers(segments)
  return Array.from({ length: table.length / 4 }, (_, i) => {
    const [start, length, from, prefix] = table.subarray(4 * i, 4 * i + 4)
    return { start, length, from, prefix }
  })
}

/** Heads [heads, rows, size] of some rows. */
const headsOf = (x: Tensor2D, start: number, length: number, heads: number): Tensor3D =>
  tf.transpose(tf.reshape(tf.slice(x, [start, 0], [length, x.shape[1]]), [length, heads, -1]), [1, 0, 2])

const rowsOfHeads = (x: Tensor3D): Tensor2D => {
  const [heads, length, size] = x.shape
  return tf.reshape(tf.transpose(x, [1, 0, 2]), [length, heads * size])
}

/** Key or value heads of a prefix and a segment, repeated for the query heads that share them. */
const seenHeads = (x: Tensor2D, { from, length, prefix, start }: Segment, kvHeads: number, times: number): Tensor3D => {
  const own = headsOf(x, start, length, kvHeads)
  const all: Tensor3D = prefix === 0 ? own : tf.concat([headsOf(x, from, prefix, kvHeads), own], 1)
  if (times === 1) return all
  const [heads, n, size] = all.shape
  return tf.reshape(tf.tile(tf.reshape(all, [heads, 1, n * size]), [1, times, 1]), [heads * times, n, size])
}

/** 0 where a position may look, a large negative number where not; finite, since softmax of all -Infinity is NaN. */
const causalMask = ({ length, prefix }: Segment, window: number | null): Tensor3D => {
  const n = prefix + length
  const mask = new Float32Array(length * n)
  for (let i = 0; i < length; i++) {
    mask.fill(-1e9, i * n + prefix + i + 1, (i + 1) * n)
    if (window !== null) mask.fill(-1e9, i * n, i * n + Math.max(0, prefix + i - window + 1))
  }
  return tf.tensor3d(mask, [1, length, n])
}

/** Scaled and masked scores of a segment [heads, length, prefix + length], with what they were made of. */
const scoresOf = (q: Tensor2D, k: Tensor2D, segment: Segment, { headSize, heads, kvHeads, window }: AttentionShape) => {
  const queries = headsOf(q, segment.start, segment.length, heads)
  const keys = seenHeads(k, segment, kvHeads, heads / kvHeads)
  const scores = tf.mul(tf.matMul(queries, keys, false, true), 1 / Math.sqrt(headSize))
  return { queries, keys, scores: tf.add<Tensor3D>(scores, causalMask(segment, window)) }
}

/** Adds gradients of repeated heads [heads, prefix + length, size] to the rows they came from. */
const scatterHeads = (
  d: Tensor3D,
  { from, length, prefix, start }: Segment,
  kvHeads: number,
  out: Float32Array,
): void => {
  const [heads, n, size] = d.shape
  const values = floats(d)
  const group = heads / kvHeads
  for (let h = 0; h < heads; h++) {
    for (let j = 0; j < n; j++) {
      const row = j < prefix ? from + j : start + j - prefix
      const to = (row * kvHeads + Math.floor(h / group)) * size
      for (let i = 0; i < size; i++) out[to + i] += values[(h * n + j) * size + i]
    }
  }
  if (n !== prefix + length) throw new RangeError(`${n} keys for a segment of ${prefix} + ${length} rows`)
}

const gradient = (size: number): GradientSum => {
  const sum = new Float32Array(size)
  const add = (offset: number, x: Tensor): void => {
    for (const [i, v] of floats(x).entries()) sum[offset + i] += v
  }
  const addTidy = (offset: number, of: () => Tensor): void => {
    tf.tidy(() => add(offset, of()))
  }
  return {
    zero: () => sum.fill(0),
    addLinear: (offset, dy, x) => addTidy(offset, () => tf.matMul(tf.transpose(dy), x)),
    add,
    addRowSum: (offset, x) => addTidy(offset, () => sumRows(x)),
    addRows: (offset, ids, x) => {
      const d = x.shape[1]
      const values = floats(x)
      for (const [row, id] of integers(ids).entries())
        for (let i = 0; i < d; i++) sum[offset + id * d + i] += values[row * d + i]
    },
    read: (into) => into.set(sum),
    dispose: () => {},
  }
}

/** @category implementations */
export const composed: Ops = {
  linear: (x, { bias, wT }, plus) =>
    tf.tidy(() => {
      const y: Tensor2D = tf.matMul(x, wT)
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

  attention: (q, k, v, shape) =>
    tf.tidy(() => {
      const { heads, kvHeads } = shape
      const parts = segmentsOf(shape).map((segment) => {
        const { scores } = scoresOf(q, k, segment, shape)
        const values = seenHeads(v, segment, kvHeads, heads / kvHeads)
        const y = rowsOfHeads(tf.matMul(tf.softmax(scores), values))
        return { segment, y, logSums: tf.transpose(tf.logSumExp<Tensor2D>(scores, 2)) }
      })
      const inOrder = parts.toSorted((a, b) => a.segment.start - b.segment.start)
      return {
        y: tf.concat(
          inOrder.map(({ y }) => y),
          0,
        ),
        logSums: tf.concat(
          inOrder.map(({ logSums }) => logSums),
          0,
        ),
      }
    }),
  attentionBackward: (dy, { k, q, v }, shape) =>
    tf.tidy(() => {
      const { headSize, heads, kvHeads } = shape
      const [dq, dk, dv] = [q, k, v].map(({ size }) => new Float32Array(size))
      for (const segment of segmentsOf(shape)) {
        tf.tidy(() => {
          const { keys, queries, scores } = scoresOf(q, k, segment, shape)
          const probabilities: Tensor3D = tf.softmax(scores)
          const dOut = headsOf(dy, segment.start, segment.length, heads)
          const values = seenHeads(v, segment, kvHeads, heads / kvHeads)
          const dProbabilities = tf.matMul(dOut, values, false, true)
          const inner = tf.sum(tf.mul(dProbabilities, probabilities), -1, true)
          const dScores: Tensor3D = tf.mul(
            tf.mul(probabilities, tf.sub(dProbabilities, inner)),
            1 / Math.sqrt(headSize),
          )
          dq.set(floats(rowsOfHeads(tf.matMul(dScores, keys))), segment.start * heads * headSize)
          scatterHeads(tf.matMul(dScores, queries, true, false), segment, kvHeads, dk)
          scatterHeads(tf.matMul(probabilities, dOut, true, false), segment, kvHeads, dv)
        })
      }
      return { dq: tf.tensor2d(dq, q.shape), dk: tf.tensor2d(dk, k.shape), dv: tf.tensor2d(dv, v.shape) }
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

  gatherRows: (table, ids) => tf.gather(table, ids),
  scatterRows: (x, ids, rows) => {
    const d = x.shape[1]
    const out = new Float32Array(rows * d)
    const values = floats(x)
    for (const [r, id] of integers(ids).entries()) for (let i = 0; i < d; i++) out[id * d + i] += values[r * d + i]
    return tf.tensor2d(out, [rows, d])
  },

  logProb: (logits, targets) => {
    const [m, size] = logits.shape
    const values = floats(logits)
    const ids = integers(targets)
    return Float32Array.from({ length: m }, (_, r) => {
      const row = values.subarray(r * size, (r + 1) * size)
      const peak = row.reduce((a, b) => Math.max(a, b), -Infinity)
      const sum = row.reduce((a, x) => a + Math.exp(x - peak), 0)
      return Math.min(0, row[ids[r]] - peak - Math.log(sum))
    })
  },
  logProbBackward: (logits, targets, weights) =>
    tf.tidy(() => {
      const [m, size] = logits.shape
      const hit: Tensor2D = tf.cast(tf.oneHot(targets, size), "float32") as Tensor2D
      return tf.mul(tf.sub(hit, tf.softmax(logits)), tf.reshape<tf.Rank.R2>(weights, [m, 1]))
    }),

  gradient,
  decoder: (model) => ComposedDecoder.make(composed, model),
}
