/**
 * The operations as companion kernels: a small SIMD WebAssembly module (`assembly/`) that works on the memory of the
 * TensorFlow.js WASM backend, so that its results are ordinary tensors. Only for that backend.
 */
import { readFileSync } from "node:fs"
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core"
import { composed, sumRows } from "./Composed.ts"
import * as FusedDecoder from "../decode/FusedDecoder.ts"
import * as Heap from "../decode/Heap.ts"
import type { LinearWeight, Ops } from "./Ops.ts"

interface Kernels {
  readonly gemm: (m: number, n: number, k: number, a: number, b: number, c: number) => void
  readonly gemmTransposed: Kernels["gemm"]
  readonly attention: (...args: ReadonlyArray<number>) => void
  readonly attentionBackward: (...args: ReadonlyArray<number>) => void
  readonly rmsNorm: (...args: ReadonlyArray<number>) => void
  readonly rmsNormBackward: (...args: ReadonlyArray<number>) => void
  readonly rope: (...args: ReadonlyArray<number>) => void
  readonly swiGlu: (...args: ReadonlyArray<number>) => void
  readonly swiGluBackward: (...args: ReadonlyArray<number>) => void
}

interface WasmBackend {
  readonly wasm: { readonly asm?: { readonly memory?: WebAssembly.Memory }; readonly wasmMemory?: WebAssembly.Memory }
  readonly dataIdMap: { readonly get: (id: object) => { readonly memoryOffset: number } }
  readonly makeOutput: (shape: ReadonlyArray<number>, dtype: "float32") => tf.TensorInfo
}

const load = (backend: WasmBackend): Kernels => {
  const memory = backend.wasm.asm?.memory ?? backend.wasm.wasmMemory
  if (memory === undefined)
    throw new TypeError("the WASM backend does not show its memory; @tensorflow/tfjs-backend-wasm must be 4.22")
  const module = new WebAssembly.Module(readFileSync(new URL("../../wasm/kernels.wasm", import.meta.url)))
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels
}

/** The fused operations on the active backend, which must be `wasm`. @category implementations */
export const make = (): Ops => {
  const backend = tf.backend() as unknown as WasmBackend
  const kernels = load(backend)
  const heap = Heap.open()
  const at = (tensor: Tensor): number => backend.dataIdMap.get(tensor.dataId).memoryOffset
  const allocate = (shape: ReadonlyArray<number>): Tensor =>
    tf.engine().makeTensorFromTensorInfo(backend.makeOutput(shape, "float32"))
  const vector = (n: number): Tensor1D => allocate([n]) as Tensor1D
  const matrix = (rows: number, columns: number): Tensor2D => allocate([rows, columns]) as Tensor2D

  const product = (x: Tensor2D, w: Tensor2D): Tensor2D => {
    const [m, k] = x.shape
    const n = w.shape[1]
    const y = matrix(m, n)
    kernels.gemm(m, n, k, at(x), at(w), at(y))
    return y
  }
  const rotate = (
    x: Tensor2D,
    { cos, sin }: { readonly cos: Tensor4D; readonly sin: Tensor4D },
    shape: { readonly sequences: number; readonly time: number; readonly heads: number; readonly headSize: number },
    sign: 1 | -1,
  ): Tensor2D => {
    const y = matrix(...x.shape)
    kernels.rope(shape.sequences, shape.time, shape.heads, shape.headSize, sign, at(x), at(cos), at(sin), at(y))
    return y
  }

  return {
    linear: (x, { bias, wT }: LinearWeight) =>
      bias === null ? product(x, wT) : tf.tidy(() => tf.add<Tensor2D>(product(x, wT), bias)),
    linearBackward: (dy, x, { bias, w }) => {
      const [m, n] = dy.shape
      const k = x.shape[1]
      const dw = matrix(n, k)
      kernels.gemmTransposed(m, k, n, at(dy), at(x), at(dw))
      return { dx: product(dy, w), dw, db: bias === null ? null : tf.tidy(() => sumRows(dy)) }
    },
    rmsNorm: (x, gain, epsilon) => {
      const [n, d] = x.shape
      const result = { y: matrix(n, d), normed: matrix(n, d), scale: matrix(n, 1) }
      kernels.rmsNorm(n, d, epsilon, at(x), at(gain), at(result.y), at(result.normed), at(result.scale))
      return result
    },
    rmsNormBackward: (dy, { normed, scale }, gain) => {
      const [n, d] = dy.shape
      const result = { dx: matrix(n, d), dGain: vector(d) }
      kernels.rmsNormBackward(n, d, at(dy), at(normed), at(scale), at(gain), at(result.dx), at(result.dGain))
      return result
    },
    rope: (x, rotary, shape) => rotate(x, rotary, shape, 1),
    ropeBackward: (dy, rotary, shape) => rotate(dy, rotary, shape, -1),
    attention: (q, k, v, shape) => {
      const { headSize, heads, kvHeads, sequences, time, window } = shape
      // The kernel looks at everything before a position.
      if (window !== null && window < time) return composed.attention(q, k, v, shape)
      const y = matrix(...q.shape)
      const probabilities = allocate([sequences, heads, time, time]) as Tensor4D
      kernels.attention(sequences, time, heads, kvHeads, headSize, at(q), at(k), at(v), at(y), at(probabilities))
      return { y, probabilities }
    },
    // A position outside the window has probability 0, and so no gradient: the kernel needs no other way.
    attentionBackward: (dy, { k, probabilities, q, v }, { headSize, heads, kvHeads, sequences, time }) => {
      const scratch = vector(time)
      const result = { dq: matrix(...q.shape), dk: matrix(...k.shape), dv: matrix(...v.shape) }
      const inputs = [dy, q, k, v, probabilities, result.dq, result.dk, result.dv, scratch].map(at)
      kernels.attentionBackward(sequences, time, heads, kvHeads, headSize, ...inputs)
      scratch.dispose()
      return result
    },
    swiGlu: (gate, up) => {
      const y = matrix(...gate.shape)
      kernels.swiGlu(gate.size, at(gate), at(up), at(y))
      return y
    },
    swiGluBackward: (dy, gate, up) => {
      const result = { dGate: matrix(...gate.shape), dUp: matrix(...up.shape) }
      kernels.swiGluBackward(dy.size, at(dy), at(gate), at(up), at(result.dGate), at(result.dUp))
      return result
    },
    decoder: (model) => FusedDecoder.make(heap, model),
  }
}
