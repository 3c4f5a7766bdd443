/**
 * The WASM backend without its traps: process-wide listeners that turn any rejection into a crash, and tensors silently placed at
 * address 0 when the heap is full.
 */
import { createRequire } from "node:module"
import * as tf from "@tensorflow/tfjs-core"
import { BackendError } from "../TransformerError.ts"

interface WasmBackend {
  readonly dataIdMap: { readonly get: (id: object) => { readonly memoryOffset: number | null } }
  makeOutput: (...args: ReadonlyArray<unknown>) => { readonly dataId: object; readonly shape: ReadonlyArray<number> }
  move: (dataId: object, ...rest: ReadonlyArray<unknown>) => void
}

/** Makes the heap's silent out-of-memory (an allocation at address 0) a `BackendError`. */
const guardHeap = (backend: WasmBackend): void => {
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

const events = ["uncaughtException", "unhandledRejection"] as const
const require = createRequire(import.meta.url)
let guarded = false

/** Registers the backend and makes it active. */
export const start = async (): Promise<string> => {
  const before = events.map((event) => process.listeners(event as "uncaughtException"))
  require("@tensorflow/tfjs-backend-wasm")
  const set = await tf.setBackend("wasm")
  await tf.ready()
  for (const [i, event] of events.entries()) {
    for (const listener of process.listeners(event as "uncaughtException")) {
      if (!before[i].includes(listener)) process.removeListener(event, listener)
    }
  }
  if (set && !guarded) {
    guardHeap(tf.backend() as unknown as WasmBackend)
    guarded = true
  }
  return "WebAssembly with the companion kernels"
}
