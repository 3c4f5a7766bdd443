/**
 * The companion module on Node: read from its file, compiled once per process and shared with its worker threads.
 *
 * WebAssembly has vectors of 128 bits. V8 can pair them into the 256 bits that x86-64 processors have, which doubles the rate of
 * the products; it does so behind the flag `--experimental-wasm-revectorize`. Where that flag is known to work, it is set for
 * the compilation of this module alone, and the wide tiles are taken if they are faster on this machine and give the same bits
 * as the narrow ones. `LPO_SIMD=128` in the environment leaves the flag alone.
 */
import { readFileSync } from "node:fs"
import { setFlagsFromString } from "node:v8"
import * as Kernels from "../ops/Kernels.ts"

/** V8 13.6, that of Node 24, is the one this was tested on. */
const canWiden = (): boolean =>
  process.arch === "x64" && process.versions.v8.startsWith("13.6.") && process.env["LPO_SIMD"] !== "128"

/** Compiles eagerly with the optimising compiler, so that no later compilation sees other flags. */
const compileWide = (bytes: BufferSource): WebAssembly.Module => {
  const flags = ["experimental-wasm-revectorize", "no-liftoff", "no-wasm-lazy-compilation"]
  const undo = ["no-experimental-wasm-revectorize", "liftoff", "wasm-lazy-compilation"]
  try {
    for (const flag of flags) setFlagsFromString(`--${flag}`)
    return new WebAssembly.Module(bytes)
  } finally {
    for (const flag of undo) setFlagsFromString(`--${flag}`)
  }
}

/** The tile for this machine: the wide one when it is faster and right. */
const heightOf = (module: WebAssembly.Module): Kernels.Compiled["height"] => {
  const memory = new WebAssembly.Memory({ initial: 16 })
  const kernels = Kernels.instantiate({ module, height: 4 }, memory)
  const size = 96
  const floats = new Float32Array(memory.buffer)
  for (let i = 0; i < 2 * size * size; i++) floats[i] = Math.fround(Math.sin(i))
  const [a, b, scratch] = [0, 1, 4].map((i) => 4 * i * size * size)
  const out = (height: number) => (height === 4 ? 2 : 3) * size * size
  const best = { 4: Infinity, 6: Infinity }
  for (let i = 0; i < 40; i++) {
    for (const height of [4, 6] as const) {
      const from = performance.now()
      kernels.linear(height, size, size, size, a, b, 0, 4 * out(height), scratch)
      best[height] = Math.min(best[height], performance.now() - from)
    }
  }
  const same = [...floats.subarray(out(4), out(4) + size * size)].every((v, i) => v === floats[out(6) + i])
  return same && best[6] < 0.8 * best[4] ? 6 : 4
}

const compileFile = (): Kernels.Compiled => {
  const bytes = readFileSync(new URL("../../wasm/kernels.wasm", import.meta.url))
  const module = canWiden() ? compileWide(bytes) : new WebAssembly.Module(bytes)
  return { module, height: canWiden() ? heightOf(module) : 4 }
}

/** Makes the file the source of this thread's kernels, unless another thread has shared its own. */
export const provide = (): void => Kernels.provide(compileFile)

/** The module of this process; of the thread that started this one, if that shared it. @category constructors */
export const compile = (): Kernels.Compiled => {
  provide()
  return Kernels.compiled()
}
