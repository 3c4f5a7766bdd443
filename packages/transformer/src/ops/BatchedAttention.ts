/**
 * Attention over packed segments in a few large products: segments of similar length are gathered into one padded batch, and a mask
 * hides the padding. Query heads that share a key head are rows of one product, so that keys are never repeated.
 *
 * With P = softmax(scale q k^T + mask): dV = P^T dY, dS = P (dY V^T - sum(dY y)), dq = scale dS k, dk = scale dS^T q. Where scores are
 * capped, S = cap tanh(scale q k^T / cap), dS is also multiplied with the slope 1 - (S / cap)^2.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor2D, Tensor4D } from "@tensorflow/tfjs-core"
import type { AttentionShape, SavedAttention } from "./Ops.ts"
import * as Rows from "./Rows.ts"

/** Segments that are computed together, each padded to `length` queries and `seen` keys. */
interface Chunk {
  readonly segments: number
  readonly length: number
  readonly seen: number
  /** The row of every query [segments * length] and of every key [segments * seen]; -1 is padding. */
  readonly queries: Int32Array
  readonly keys: Int32Array
  /** The position of every query; padding stands at -1, from where it sees nothing, so that it adds nothing to any gradient. */
  readonly positions: Float32Array
}

/** Most scores of a chunk: tensors of at most 32 MiB, within every device's limit. */
const maxScores = 2 ** 23

const chunkOf = (table: Int32Array, members: ReadonlyArray<number>): Chunk => {
  const at = (s: number) => table.subarray(4 * s, 4 * s + 4)
  const length = Math.max(...members.map((s) => at(s)[1]))
  const seen = Math.max(...members.map((s) => at(s)[1] + at(s)[3]))
  const queries = new Int32Array(members.length * length).fill(-1)
  const positions = new Float32Array(members.length * length).fill(-1)
  const keys = new Int32Array(members.length * seen).fill(-1)
  for (const [i, s] of members.entries()) {
    const [start, own, from, prefix] = at(s)
    for (let t = 0; t < own; t++) {
      queries[i * length + t] = start + t
      positions[i * length + t] = prefix + t
    }
    for (let j = 0; j < prefix + own; j++) keys[i * seen + j] = j < prefix ? from + j : start + j - prefix
  }
  return { segments: members.length, length, seen, queries, keys, positions }
}

/** Chunks of similar lengths: padding at most doubles either side, and the scores stay below the limit. */
const cut = (table: Int32Array, heads: number): ReadonlyArray<Chunk> => {
  const lengthOf = (s: number) => table[4 * s + 1]
  const seenOf = (s: number) => table[4 * s + 1] + table[4 * s + 3]
  const order = Array.from({ length: table.length / 4 }, (_, s) => s).sort(
    (a, b) => seenOf(b) - seenOf(a) || lengthOf(b) - lengthOf(a) || a - b,
  )
  const chunks: Array<Array<number>> = []
  let longest = 0
  let shortest = 0
  for (const s of order) {
    const chunk = chunks.at(-1)
    const [most, least] = [Math.max(longest, lengthOf(s)), Math.min(shortest, lengthOf(s))]
    if (
      chunk !== undefined &&
      (chunk.length + 1) * most * seenOf(chunk[0]) * heads <= maxScores &&
      2 * seenOf(s) >= seenOf(chunk[0]) &&
      2 * least >= most
    ) {
      chunk.push(s)
      ;[longest, shortest] = [most, least]
      continue
    }
    chunks.push([s])
    longest = shortest = lengthOf(s)
  }
  return chunks.map((members) => chunkOf(table, members))
}

const plans = new WeakMap<Int32Array, ReadonlyArray<Chunk>>()

/** The chunks of a table of segments, made once for all layers. */
const chunksOf = ({ heads, table }: AttentionShape): ReadonlyArray<Chunk> => {
  const chunks = plans.get(table) ?? cut(table, heads)
  plans.set(table, chunks)
  return chunks
}

/** Rows [rows, kvHeads * group * size] to [segments, kvHeads, n * group, size]; `group` query heads per key head. */
const toHeads = (x: Tensor2D, ids: Int32Array, n: number, kvHeads: number, size: number): Tensor4D => {
  const split: Tensor4D = tf.reshape(Rows.pick(x, ids), [-1, n, kvHeads, x.shape[1] / kvHeads])
  return tf.reshape(tf.transpose(split, [0, 2, 1, 3]), [split.shape[0], kvHeads, -1, size])
}

/** And back to rows [segments * n, width]. */
const toRows = (x: Tensor4D, n: number): Tensor2D => {
  const [segments, kvHeads, , size] = x.shape
  const split: Tensor4D = tf.reshape(x, [segments, kvHeads, n, -1])
  return tf.reshape(tf.transpose(split, [0, 2, 1, 3]), [segments * n, kvHeads * (x.shape[2] / n) * size])
}

/** 0 where a query may look, a large negative number where not, [segments, 1, length * group, seen]. */
const maskOf = ({ length, positions, seen, segments }: Chunk, group: number, window: number | null): tf.Tensor => {
  const own = Float32Array.from({ length: positions.length * group }, (_, i) => positions[Math.floor(i / group)])
  const back = tf.sub(tf.tensor4d(own, [segments, 1, length * group, 1]), tf.range(0, seen))
  const future = tf.mul(tf.minimum(back, 0), 1e9)
  return window === null ? future : tf.add(future, tf.mul(tf.minimum(tf.sub(window - 1, back), 0), 1e9))
}

/** Scaled, capped and masked scores of a chunk, [segments, kvHeads, length * group, seen], with what they were made of. */
const scoresOf = (q: Tensor2D, k: Tensor2D, chunk: Chunk, shape: AttentionShape) => {
  const { cap, headSize, heads, kvHeads, scale, window } = shape
  const queries = toHeads(q, chunk.queries, chunk.length, kvHeads, headSize)
  const keys = toHeads(k, chunk.keys, chunk.seen, kvHeads, headSize)
  const products: Tensor4D = tf.mul(tf.matMul(queries, keys, false, true), scale)
  const tanh = cap === null ? null : tf.tanh(tf.div(products, cap))
  const capped = tanh === null || cap === null ? products : tf.mul<Tensor4D>(tanh, cap)
  const slope = tanh === null ? scale : tf.mul<Tensor4D>(tf.sub(1, tf.mul(tanh, tanh)), scale)
  return { queries, keys, slope, scores: tf.add<Tensor4D>(capped, maskOf(chunk, heads / kvHeads, window)) }
}

/** @category operations */
export const forward = (
  q: Tensor2D,
  k: Tensor2D,
  v: Tensor2D,
  shape: AttentionShape,
): { readonly y: Tensor2D; readonly logSums: Tensor2D } =>
  tf.tidy(() => {
    const { headSize, heads, kvHeads } = shape
    const parts = chunksOf(shape).map((chunk) =>
      tf.tidy(() => {
        const { scores } = scoresOf(q, k, chunk, shape)
        const values = toHeads(v, chunk.keys, chunk.seen, kvHeads, headSize)
        const logSums = tf.logSumExp<Tensor4D>(scores, 3, true)
        const probabilities = tf.exp(tf.sub<Tensor4D>(scores, logSums))
        const y = tf.matMul<Tensor4D>(probabilities, values)
        return {
          y: Rows.sum(toRows(y, chunk.length), chunk.queries, q.shape[0]),
          logSums: Rows.sum(tf.reshape(toRows(logSums, chunk.length), [-1, heads]), chunk.queries, q.shape[0]),
        }
      }),
    )
    return {
      y: tf.addN(parts.map(({ y }) => y)),
      logSums: tf.addN(parts.map(({ logSums }) => logSums)),
    }
  })

/** @category operations */
export const backward = (
  dy: Tensor2D,
  { k, logSums, q, v, y }: SavedAttention,
  shape: AttentionShape,
): { readonly dq: Tensor2D; readonly dk: Tensor2D; readonly dv: Tensor2D } =>
  tf.tidy(() => {
    const { headSize, heads, kvHeads } = shape
    const rows = q.shape[0]
    // sum(dY y) of every row and head.
    const inner: Tensor2D = tf.sum(tf.reshape(tf.mul(dy, y), [rows, heads, headSize]), 2)
    const perHead = (x: Tensor2D, { length, queries }: Chunk) => toHeads(x, queries, length, kvHeads, 1)
    const parts = chunksOf(shape).map((chunk) =>
      tf.tidy(() => {
        const { length, seen } = chunk
        const { keys, queries, scores, slope } = scoresOf(q, k, chunk, shape)
        const probabilities = tf.exp(tf.sub<Tensor4D>(scores, perHead(logSums, chunk)))
        const dOut = toHeads(dy, chunk.queries, length, kvHeads, headSize)
        const values = toHeads(v, chunk.keys, seen, kvHeads, headSize)
        const dProbabilities = tf.matMul(dOut, values, false, true)
        const dScores: Tensor4D = tf.mul(tf.mul(probabilities, tf.sub(dProbabilities, perHead(inner, chunk))), slope)
        return {
          dq: Rows.sum(toRows(tf.matMul(dScores, keys), length), chunk.queries, rows),
          dk: Rows.sum(toRows(tf.matMul(dScores, queries, true, false), seen), chunk.keys, rows),
          dv: Rows.sum(toRows(tf.matMul(probabilities, dOut, true, false), seen), chunk.keys, rows),
        }
      }),
    )
    return {
      dq: tf.addN(parts.map(({ dq }) => dq)),
      dk: tf.addN(parts.map(({ dk }) => dk)),
      dv: tf.addN(parts.map(({ dv }) => dv)),
    }
  })
