/**
 * The head: log-probs of given tokens from the last hidden states, and their gradient. Only the rows that predict a token
 * somebody asked for are multiplied with the vocabulary, on the way back only those whose weight is not 0, and at most 16 M
 * logits exist at once: a larger head goes in chunks of rows, and its logits are computed again on the way back. Those of a single
 * chunk are kept: forward ends with them and backward begins with them, so that the most memory in use stays what it was.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor1D, Tensor2D } from "@tensorflow/tfjs-core"
import type { LinearWeight, Ops } from "./Ops.ts"

/** What the last hidden states are multiplied with; logits become `cap * tanh(logit / cap)` unless `cap` is null. @category models */
export interface Head extends LinearWeight {
  readonly cap: number | null
}

const capped = (ops: Ops, plain: Tensor2D, { cap }: Head): Tensor2D => (cap === null ? plain : ops.softCap(plain, cap))

/** The logits of hidden states, [n, vocabulary]. @category operations */
export const logits = (ops: Ops, hidden: Tensor2D, head: Head): Tensor2D => capped(ops, ops.linear(hidden, head), head)

/** What the backward pass needs again. @category models */
export interface SavedHead {
  readonly hidden: Tensor2D
  readonly targets: Int32Array
  readonly slopes: Float32Array | null
  /** Logits before cap and slopes, where all of them existed at once; backward may overwrite them. */
  readonly plain: Tensor2D | null
}

/** Logits with each row multiplied by its slope. */
const tempered = (x: Tensor2D, slopes: Float32Array | null): Tensor2D =>
  slopes === null ? x : tf.mul<Tensor2D>(x, tf.tensor2d(slopes, [slopes.length, 1], "float32"))

/** 64 MiB of them. A chunk reads the whole head, twice its gradient, so that a few rows at a time would cost as much as many. */
export const maxLogits = 2 ** 24

/** Ranges of rows, about equally many, whose logits exist together. */
const chunks = (rows: number, vocabulary: number, limit: number): ReadonlyArray<readonly [number, number]> => {
  const count = Math.ceil(rows / Math.max(1, Math.floor(limit / vocabulary)))
  const bound = (i: number): number => Math.floor((i * rows) / count)
  return Array.from({ length: count }, (_, i) => [bound(i), bound(i + 1)])
}

const rowsOf = (x: Tensor2D, from: number, to: number): Tensor2D =>
  from === 0 && to === x.shape[0] ? x : tf.slice(x, [from, 0], [to - from, x.shape[1]])

/**
 * Log-probs in nats of `targets` [m] given `hidden` [m, d] under the softmax of the logits times `slopes` [m]; keeps `hidden`, and
 * logits if `keep` says so.
 *
 * @category operations
 */
export const forward = (
  ops: Ops,
  hidden: Tensor2D,
  head: Head,
  targets: Int32Array,
  slopes: Float32Array | null = null,
  limit: number = maxLogits,
  keep = false,
): { readonly logprobs: Tensor1D; readonly saved: SavedHead } => {
  const ranges = chunks(targets.length, head.w.shape[0], limit)
  const kept = keep && ranges.length === 1 ? ops.linear(hidden, head) : null
  const logprobs = tf.tidy(() => {
    const parts = ranges.map(([from, to]) =>
      tf.tidy(() => {
        const plain = kept ?? ops.linear(rowsOf(hidden, from, to), head)
        const all = tempered(capped(ops, plain, head), slopes && slopes.subarray(from, to))
        return ops.logProb(all, targets.subarray(from, to))
      }),
    )
    if (parts.length === 0) return tf.tensor1d([], "float32")
    return parts.length === 1 ? parts[0] : tf.concat(parts)
  })
  return { logprobs, saved: { hidden, targets, slopes, plain: kept } }
}

/**
 * Gradient of `sum_m weights_m * logprob_m` by the hidden states; `onHead` gets what the gradient by the head is made of, part
 * by part: that is the sum of dLogits^T hidden.
 *
 * @category operations
 */
export const backward = (
  ops: Ops,
  { hidden, plain: kept, slopes, targets }: SavedHead,
  head: Head,
  weights: Float32Array,
  onHead: (dLogits: Tensor2D, hidden: Tensor2D) => void,
  limit: number = maxLogits,
): Tensor2D => {
  const rows = Int32Array.from(targets.keys()).filter((row) => weights[row] !== 0)
  const some = <A extends Int32Array | Float32Array>(of: A, from: number, to: number): A =>
    of.constructor === Int32Array
      ? (Int32Array.from(rows.subarray(from, to), (r) => of[r]) as A)
      : (Float32Array.from(rows.subarray(from, to), (r) => of[r]) as A)
  return tf.tidy(() => {
    const dx = chunks(rows.length, head.w.shape[0], limit).map(([from, to]) =>
      tf.tidy(() => {
        const own = rows.subarray(from, to)
        const part = ops.gatherRows(hidden, own)
        const all = kept !== null && own.length === targets.length
        const plain = all ? kept : kept === null ? ops.linear(part, head) : ops.gatherRows(kept, own)
        const slope = slopes && some(slopes, from, to)
        const given = tempered(capped(ops, plain, head), slope)
        const dTempered = ops.logProbBackward(given, some(targets, from, to), some(weights, from, to))
        const dCapped = tempered(dTempered, slope)
        const dLogits = head.cap === null ? dCapped : ops.softCapBackward(dCapped, plain, head.cap)
        onHead(dLogits, part)
        return ops.linearBackward(dLogits, head)
      }),
    )
    if (dx.length === 0) return tf.zeros(hidden.shape)
    const all: Tensor2D = dx.length === 1 ? dx[0] : tf.concat(dx, 0)
    return rows.length === targets.length ? all : ops.scatterRows(all, rows, targets.length)
  })
}
