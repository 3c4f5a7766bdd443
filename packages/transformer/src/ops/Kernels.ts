/** The companion module: what it exports, and the one compilation of it that this process or page works with. */
import { BackendError } from "../TransformerError.ts"

type Kernel = (...args: ReadonlyArray<number>) => void

/** The exports of `assembly/index.ts`. @category models */
export interface Kernels {
  readonly gemm: Kernel
  readonly linear: Kernel
  readonly linearInput: Kernel
  readonly linearWeight: Kernel
  readonly attention: Kernel
  readonly attentionBackward: Kernel
  readonly rmsNorm: Kernel
  readonly rmsNormBackward: Kernel
  readonly rope: Kernel
  readonly glu: Kernel
  readonly gluBackward: Kernel
  readonly softCap: Kernel
  readonly softCapBackward: Kernel
  readonly add: Kernel
  readonly addRows: Kernel
  readonly addToRows: Kernel
  readonly gatherRows: Kernel
  readonly scatterRows: Kernel
  readonly headForward: Kernel
  readonly headBackward: Kernel
  readonly panelProduct: Kernel
  readonly addBias: Kernel
  readonly decodeEmbed: Kernel
  readonly decodeNorm: Kernel
  readonly decodeNormAdd: Kernel
  readonly decodeCap: Kernel
  readonly decodeHeadNorm: Kernel
  readonly decodeRotate: Kernel
  readonly decodeStore: Kernel
  readonly decodeAttend: Kernel
  readonly decodeGate: Kernel
  readonly drawMasses: Kernel
  readonly drawTokens: Kernel
}

/** @category models */
export interface Compiled {
  readonly module: WebAssembly.Module
  /** Rows of a tile: 6 with vectors of 256 bits, 4 with 128. */
  readonly height: 4 | 6
}

export const instantiate = ({ module }: Compiled, memory: WebAssembly.Memory): Kernels =>
  new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels

let shared: Compiled | null = null
let source: (() => Compiled) | null = null

/** Says how the module is compiled once it is needed; one that is there already stays. */
export const provide = (compile: () => Compiled): void => {
  source = compile
}

/** Takes a module that was compiled elsewhere: in another thread, or while a page loads. */
export const share = (compiled: Compiled): void => {
  shared = compiled
}

/** Whether there is a module, or a way to one. */
export const available = (): boolean => shared !== null || source !== null

/** The module. Throws a `BackendError` where there is none. @category constructors */
export const compiled = (): Compiled => {
  shared ??= source?.() ?? null
  if (shared === null)
    throw new BackendError({
      backend: "wasm",
      reason:
        "the companion kernels are not loaded; start the backend with Backend.start, in a browser with Browser.start",
    })
  return shared
}
