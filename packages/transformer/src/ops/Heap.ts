/**
 * The memory of the TensorFlow.js WASM backend: areas asked of the backend, so that its guard against a full heap holds, and the
 * kernels (`assembly/`) that work on them by address.
 */
import * as tf from "@tensorflow/tfjs-core"
import * as Kernels from "./Kernels.ts"
import { BackendError } from "../TransformerError.ts"

/** Bytes of the heap, holding whatever was there before. @category models */
export interface Area {
  /** A multiple of 64. */
  readonly address: number
  readonly free: () => void
}

/** @category models */
export interface Heap {
  /** Grows, and its buffer is another one then. */
  readonly memory: WebAssembly.Memory
  readonly kernels: Kernels.Kernels
  /** Rows of a tile of products, see {@link Kernels.Compiled}. */
  readonly height: number
  /** Room for `what`. Throws a `BackendError` when the heap has none. */
  readonly allocate: (bytes: number, what: string) => Area
  /** Views of the whole heap, for as long as nothing is allocated. */
  readonly floats: () => Float32Array
  readonly doubles: () => Float64Array
  readonly ints: () => Int32Array
}

interface WasmBackend {
  readonly wasm: { readonly asm?: { readonly memory?: WebAssembly.Memory }; readonly wasmMemory?: WebAssembly.Memory }
  readonly dataIdMap: { readonly get: (id: object) => { readonly memoryOffset: number } }
  readonly makeOutput: (shape: ReadonlyArray<number>, dtype: "float32") => tf.TensorInfo
}

/** The heap of the active backend, which must be `wasm`. @category constructors */
export const open = (compiled: Kernels.Compiled = Kernels.compiled()): Heap => {
  const backend = tf.backend() as unknown as WasmBackend
  const memory = backend.wasm.asm?.memory ?? backend.wasm.wasmMemory
  if (memory === undefined)
    throw new TypeError("the WASM backend does not show its memory; @tensorflow/tfjs-backend-wasm must be 4.22")
  const kernels = Kernels.instantiate(compiled, memory)
  let floats = new Float32Array(memory.buffer)
  let doubles = new Float64Array(memory.buffer)
  let ints = new Int32Array(memory.buffer)
  const refresh = (): void => {
    if (floats.buffer === memory.buffer) return
    floats = new Float32Array(memory.buffer)
    doubles = new Float64Array(memory.buffer)
    ints = new Int32Array(memory.buffer)
  }
  return {
    memory,
    kernels,
    height: compiled.height,
    allocate: (bytes, what) => {
      const fail = () =>
        new BackendError({
          backend: "wasm",
          reason: `${what} of ${(bytes / 2 ** 20).toFixed(1)} MiB do not fit into what is left of the 4 GiB heap; lower maxTokens, maxSequences or the model's size`,
        })
      // The backend would ask for the size modulo 4 GiB.
      if (bytes > 2 ** 32 - 2 ** 16) throw fail()
      let tensor: tf.Tensor
      try {
        tensor = tf.engine().makeTensorFromTensorInfo(backend.makeOutput([Math.ceil(bytes / 4) + 16], "float32"))
      } catch {
        throw fail()
      }
      tf.keep(tensor)
      return {
        address: Math.ceil(backend.dataIdMap.get(tensor.dataId).memoryOffset / 64) * 64,
        free: () => tensor.dispose(),
      }
    },
    floats: () => (refresh(), floats),
    doubles: () => (refresh(), doubles),
    ints: () => (refresh(), ints),
  }
}

/** Cuts an area of known size into parts: first every part is asked for, then the area, then each part has its address. */
export const plan = () => {
  let bytes = 0
  return {
    /** Room for `floats` numbers of 4 bytes; gives its distance from the start, a multiple of 64. */
    add: (floats: number): number => {
      const at = bytes
      bytes += Math.ceil(floats / 16) * 64
      return at
    },
    bytes: () => bytes,
  }
}
