/** The WASM backend places tensors silently at address 0 when its heap is full; here that is an error. */
import * as tf from "@tensorflow/tfjs-core"
import { BackendError } from "../TransformerError.ts"

interface WasmBackend {
  readonly dataIdMap: { readonly get: (id: object) => { readonly memoryOffset: number | null } }
  makeOutput: (...args: ReadonlyArray<unknown>) => { readonly dataId: object; readonly shape: ReadonlyArray<number> }
  move: (dataId: object, ...rest: ReadonlyArray<unknown>) => void
}

let guarded: unknown = null

/** Makes the silent out-of-memory of the active backend, which must be `wasm`, a `BackendError`. */
export const set = (): void => {
  const backend = tf.backend() as unknown as WasmBackend
  if (guarded === backend) return
  guarded = backend
  const check = (dataId: object, what: string): void => {
    if (backend.dataIdMap.get(dataId).memoryOffset === 0) {
      throw new BackendError({
        backend: "wasm",
        reason: `the 4 GiB heap is full at ${what}; lower the micro-batch (memoryMiB, rowsPerMicroBatch, groupSize, maxTokens) or the model's size`,
      })
    }
  }
  const { makeOutput, move } = backend
  backend.makeOutput = (...args) => {
    const output = makeOutput.apply(backend, [...args])
    if (output.shape.every((n) => n > 0)) check(output.dataId, `a tensor of shape [${output.shape.join(", ")}]`)
    return output
  }
  backend.move = (dataId, ...rest) => {
    move.apply(backend, [dataId, ...rest])
    const [values, shape] = rest as [{ length: number } | null, ReadonlyArray<number>]
    if (values !== null && shape.every((n) => n > 0)) check(dataId, `a tensor of shape [${shape.join(", ")}]`)
  }
}
