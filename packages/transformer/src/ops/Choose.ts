/** Which implementation of the operations runs: the one place that decides. */
import * as tf from "@tensorflow/tfjs-core"
import { composed } from "./Composed.ts"
import * as Fused from "./Fused.ts"
import type { Ops } from "./Ops.ts"

let fused: { readonly backend: unknown; readonly ops: Ops } | null = null

/** Fused kernels on the WASM backend, stock TensorFlow.js kernels on any other. @category constructors */
export const choose = (): Ops => {
  if (tf.getBackend() !== "wasm") return composed
  const backend: unknown = tf.backend()
  if (fused === null || fused.backend !== backend) fused = { backend, ops: Fused.make() }
  return fused.ops
}
