/**
 * The operations a decoder is made of, each with its forward and its backward behind one name, so that a backend can bring
 * its own implementation of any of them. No automatic differentiation: what backward needs, forward returns.
 *
 * Activations are float32 tensors of shape [rows, features], rows = sequences * time, sequence-major.
 */
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core"
import type { Decoder, Model } from "../decode/Decoder.ts"

/** A linear map's weight [out, in], its transpose, and its bias [out] where it has one. @category models */
export interface LinearWeight {
  readonly w: Tensor2D
  readonly wT: Tensor2D
  readonly bias: Tensor1D | null
}

/** Sizes of a batch of right-padded sequences and of the attention over it. @category models */
export interface AttentionShape {
  readonly sequences: number
  readonly time: number
  readonly heads: number
  readonly kvHeads: number
  readonly headSize: number
  /** A position sees itself and the `window - 1` before it; null is all before it. */
  readonly window: number | null
}

/** Rotary tables for positions 0..time-1, each [1, time, 1, headSize], and the signed permutation [headSize, headSize]. @category models */
export interface Rotary {
  readonly cos: Tensor4D
  readonly sin: Tensor4D
  readonly rotate: Tensor2D
  readonly rotateBack: Tensor2D
}

/** @category models */
export interface Ops {
  /** x [n, in] times w^T, plus the bias, gives [n, out]. */
  readonly linear: (x: Tensor2D, weight: LinearWeight) => Tensor2D
  /** `db` is null where there is no bias. */
  readonly linearBackward: (
    dy: Tensor2D,
    x: Tensor2D,
    weight: LinearWeight,
  ) => { dx: Tensor2D; dw: Tensor2D; db: Tensor | null }
  /** y = x / rms(x) * gain; `normed` is x / rms(x), `scale` [n, 1] is 1 / rms(x). */
  readonly rmsNorm: (x: Tensor2D, gain: Tensor, epsilon: number) => { y: Tensor2D; normed: Tensor2D; scale: Tensor2D }
  readonly rmsNormBackward: (
    dy: Tensor2D,
    saved: { readonly normed: Tensor2D; readonly scale: Tensor2D },
    gain: Tensor,
  ) => { dx: Tensor2D; dGain: Tensor }
  /** Rotates the heads of x [n, heads * headSize] by position. */
  readonly rope: (
    x: Tensor2D,
    rotary: Rotary,
    shape: { sequences: number; time: number; heads: number; headSize: number },
  ) => Tensor2D
  readonly ropeBackward: (
    dy: Tensor2D,
    rotary: Rotary,
    shape: { sequences: number; time: number; heads: number; headSize: number },
  ) => Tensor2D
  /** Causal attention with grouped key and value heads; `probabilities` [sequences, heads, time, time]. */
  readonly attention: (
    q: Tensor2D,
    k: Tensor2D,
    v: Tensor2D,
    shape: AttentionShape,
  ) => { y: Tensor2D; probabilities: Tensor4D }
  readonly attentionBackward: (
    dy: Tensor2D,
    saved: { readonly q: Tensor2D; readonly k: Tensor2D; readonly v: Tensor2D; readonly probabilities: Tensor4D },
    shape: AttentionShape,
  ) => { dq: Tensor2D; dk: Tensor2D; dv: Tensor2D }
  /** silu(gate) * up. */
  readonly swiGlu: (gate: Tensor2D, up: Tensor2D) => Tensor2D
  readonly swiGluBackward: (dy: Tensor2D, gate: Tensor2D, up: Tensor2D) => { dGate: Tensor2D; dUp: Tensor2D }
  /** Next-token logits of growing sequences, and draws from them. */
  readonly decoder: (model: Model) => Decoder
}
