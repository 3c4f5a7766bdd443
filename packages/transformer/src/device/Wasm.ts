/**
 * The WASM backend on Node without its traps: process-wide listeners that turn any rejection into a crash, and what
 * `HeapGuard` is against.
 */
import { createRequire } from "node:module"
import * as tf from "@tensorflow/tfjs-core"
import * as HeapGuard from "./HeapGuard.ts"
import * as KernelFile from "./KernelFile.ts"

const events = ["uncaughtException", "unhandledRejection"] as const
const require = createRequire(import.meta.url)

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
  KernelFile.provide()
  if (set) HeapGuard.set()
  return "WebAssembly with the companion kernels"
}
