/**
 * The operations a decoder is made of, each with its forward and its backward behind one name, so that a backend can bring
 * its own implementation of any of them. No automatic differentiation: what backward needs, forward returns.
 *
 * Nothing here waits: results are tensors that a device may still be computing, and only {@link GradientSum.read} and the callers read
 * them back.
 *
 * Activations are float32 tensors [rows, features]. Sequences are packed one after the other, without padding; which rows
 * belong together is said by the segments of {@link AttentionShape}.
 */
import type { Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core"

/** A linear map's weight [out, in], its transpose, and its bias [out] where it has one. @category models */
export interface LinearWeight {
  readonly w: Tensor2D
  readonly wT: Tensor2D
  readonly bias: Tensor1D | null
}

/** Packed sequences and the attention over them. @category models */
export interface AttentionShape {
  /**
   * int32 [segments, 4]: first row, length, first row and length of a prefix (length 0: none). Row i of a segment stands at
   * position `prefix + i`; it sees the rows of the prefix and those of its segment up to itself. Every row is in one segment.
   */
  readonly segments: Tensor2D
  /** The same numbers in JavaScript: on a GPU, reading a tensor back is slow and cannot be done at once. */
  readonly table: Int32Array
  /** A position sees itself and the `window - 1` before it; null is all before it. */
  readonly window: number | null
  readonly heads: number
  readonly kvHeads: number
  readonly headSize: number
  /** Scores are products of queries and keys times this. */
  readonly scale: number
  /** Scores become `cap * tanh(score / cap)`; null leaves them. */
  readonly cap: number | null
}

/** What gates the MLP: `x sigmoid(x)`, or the GELU by tanh. @category models */
export type Activation = "silu" | "gelu"

/**
 * Both are `x sigmoid(x (a + b x^2))`: the GELU by tanh is `x / 2 (1 + tanh(c (x + 0.044715 x^3)))` with c = sqrt(2 / pi), and
 * (1 + tanh(u)) / 2 = sigmoid(2 u).
 */
export const gates: Readonly<Record<Activation, readonly [a: number, b: number]>> = {
  silu: [1, 0],
  gelu: [2 * Math.sqrt(2 / Math.PI), 2 * Math.sqrt(2 / Math.PI) * 0.044715],
}

/** Rotary tables [time, headSize], the position of each row, int32 [rows]. @category models */
export interface Rotary {
  readonly cos: Tensor2D
  readonly sin: Tensor2D
  readonly positions: Tensor1D
}

/** What attention keeps for its backward: `logSums` [rows, heads] is the logarithm of the softmax's denominator. @category models */
export interface SavedAttention {
  readonly q: Tensor2D
  readonly k: Tensor2D
  readonly v: Tensor2D
  readonly y: Tensor2D
  readonly logSums: Tensor2D
}

/** A flat gradient, in the order of the parameters, that operations add to. @category models */
export interface GradientSum {
  readonly zero: () => void
  /** The matrix [out, in] at `offset` += dy^T x, for dy [rows, out] and x [rows, in]. */
  readonly addLinear: (offset: number, dy: Tensor2D, x: Tensor2D) => void
  /** The values at `offset` += x. */
  readonly add: (offset: number, x: Tensor) => void
  /** The vector [features] at `offset` += the sum of the rows of x. */
  readonly addRowSum: (offset: number, x: Tensor2D) => void
  /** Row ids[r] of the table at `offset` += row r of x. */
  readonly addRows: (offset: number, ids: Int32Array, x: Tensor2D) => void
  /** The sum, copied to `into`, 0 where nothing was added. */
  readonly read: (into: Float32Array) => Promise<void>
  /** `into` += the sum. */
  readonly addTo: (into: Float32Array) => Promise<void>
  readonly dispose: () => void
}

/** @category models */
export interface Ops {
  /** x [n, in] times w^T, plus the bias, gives [n, out]; plus `plus` [n, out] if given. */
  readonly linear: (x: Tensor2D, weight: LinearWeight, plus?: Tensor2D) => Tensor2D
  /** Its gradient by x: dy [n, out] times w gives [n, in]; plus `plus` [n, in] if given. */
  readonly linearBackward: (dy: Tensor2D, weight: LinearWeight, plus?: Tensor2D) => Tensor2D
  /** y = x * scale * gain, with scale [n, 1] = 1 / rms(x). */
  readonly rmsNorm: (x: Tensor2D, gain: Tensor, epsilon: number) => { y: Tensor2D; scale: Tensor2D }
  /** Gradients by x, plus `plus` if given, and by gain. */
  readonly rmsNormBackward: (
    dy: Tensor2D,
    saved: { readonly x: Tensor2D; readonly scale: Tensor2D },
    gain: Tensor,
    plus?: Tensor2D,
  ) => { dx: Tensor2D; dGain: Tensor }
  /** The heads of x [n, heads * headSize] rotated by position. Use the result and not x, which may be the same tensor. */
  readonly rope: (x: Tensor2D, rotary: Rotary, heads: number) => Tensor2D
  /** Rotates back; the same freedom. */
  readonly ropeBackward: (dy: Tensor2D, rotary: Rotary, heads: number) => Tensor2D
  /** Causal attention with grouped key and value heads. */
  readonly attention: (
    q: Tensor2D,
    k: Tensor2D,
    v: Tensor2D,
    shape: AttentionShape,
  ) => { y: Tensor2D; logSums: Tensor2D }
  readonly attentionBackward: (
    dy: Tensor2D,
    saved: SavedAttention,
    shape: AttentionShape,
  ) => { dq: Tensor2D; dk: Tensor2D; dv: Tensor2D }
  /** activation(gate) * up. */
  readonly glu: (gate: Tensor2D, up: Tensor2D, activation: Activation) => Tensor2D
  readonly gluBackward: (
    dy: Tensor2D,
    gate: Tensor2D,
    up: Tensor2D,
    activation: Activation,
  ) => { dGate: Tensor2D; dUp: Tensor2D }
  /** cap * tanh(x / cap). */
  readonly softCap: (x: Tensor2D, cap: number) => Tensor2D
  readonly softCapBackward: (dy: Tensor2D, x: Tensor2D, cap: number) => Tensor2D
  /** Row ids[r] of a table, for every r. */
  readonly gatherRows: (table: Tensor2D, ids: Int32Array) => Tensor2D
  /** A matrix of `rows` rows whose row ids[r] sums the rows r of x: the gradient of `gatherRows`. */
  readonly scatterRows: (x: Tensor2D, ids: Int32Array, rows: number) => Tensor2D
  /** Log-probs in nats of one target per row under softmax(logits), [rows]. */
  readonly logProb: (logits: Tensor2D, targets: Int32Array) => Tensor1D
  /** weights (1 at the target - softmax(logits)), row by row. Use the result and not logits, which may be the same tensor. */
  readonly logProbBackward: (logits: Tensor2D, targets: Int32Array, weights: Float32Array) => Tensor2D
  /** A gradient of `size` zeros. */
  readonly gradient: (size: number) => GradientSum
}
