/**
 * What a model runs on: the operations and the decoder of a backend, and the one place that chooses them.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core"
import * as CachedDecoder from "../decode/CachedDecoder.ts"
import type { Decoder, Model } from "../decode/Decoder.ts"
import * as FusedDecoder from "../decode/FusedDecoder.ts"
import { composed } from "../ops/Composed.ts"
import * as Fused from "../ops/Fused.ts"
import * as Heap from "../ops/Heap.ts"
import * as Kernels from "../ops/Kernels.ts"
import type { Ops } from "../ops/Ops.ts"

export { open as openHeap } from "../ops/Heap.ts"

/** @category models */
export interface Engine {
  readonly ops: Ops
  /** Next-token logits of growing sequences, and draws from them. */
  readonly decoder: (model: Model) => Decoder
  /** Whether the decoder has weights of its own, beside those that learning reads. */
  readonly packs: boolean
}

/** Stock TensorFlow.js kernels, on any backend. @category implementations */
export const stock: Engine = { ops: composed, decoder: (model) => CachedDecoder.make(composed, model), packs: false }

/** The companion kernels on the active backend, which must be `wasm`, whose heap this is. @category implementations */
export const fused = (heap: Heap.Heap = Heap.open()): Engine => ({
  ops: Fused.make(heap),
  decoder: (model) => FusedDecoder.make(heap, model),
  packs: true,
})

let shared: { readonly backend: unknown; readonly engine: Engine } | null = null

/** The fastest on the active backend: {@link fused} on WASM where the kernels are there, {@link stock} on any other. @category constructors */
export const choose = (): Engine => {
  if (tf.getBackend() !== "wasm" || !Kernels.available()) return stock
  const backend: unknown = tf.backend()
  if (shared === null || shared.backend !== backend) shared = { backend, engine: fused() }
  return shared.engine
}
