/**
 * WebGPU on Dawn, through the npm packages `webgpu` and `@tensorflow/tfjs-backend-webgpu`, which a user installs, with three traps
 * taken out.
 *
 * A kernel that Dawn refuses (a shader that does not compile, memory that ran out) does not throw: its result is zeros, or what a
 * used buffer held. The first such error is kept, and the next read of any tensor fails with it. A tensor above what the adapter
 * binds would end like that; it is refused before. Buffers of disposed tensors wait for another tensor of their very size, without
 * end; here those that wait are given back when they are more than those in use.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core"
import { BackendError } from "../TransformerError.ts"
import { load } from "./optionalPeer.ts"

/** What an adapter says of itself. @category models */
export interface AdapterInfo {
  readonly vendor: string
  readonly architecture: string
  readonly device: string
  readonly description: string
  readonly isFallbackAdapter?: boolean
}

type Limits = Readonly<Record<string, number>>

interface Device {
  readonly limits: Limits
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>
  readonly addEventListener: (
    type: "uncapturederror",
    listener: (event: { readonly error: Error; readonly preventDefault: () => void }) => void,
  ) => void
}

interface Adapter {
  readonly info: AdapterInfo
  readonly limits: Limits
  readonly requestDevice: (descriptor: { readonly requiredLimits: Limits }) => Promise<Device>
}

interface Gpu {
  readonly requestAdapter: (options: { readonly powerPreference: "high-performance" }) => Promise<Adapter | null>
}

interface Dawn {
  readonly create: (flags: ReadonlyArray<string>) => Gpu
  readonly globals: object
}

interface Buffer {
  readonly size: number
  readonly destroy: () => void
}

interface BufferManager {
  numBytesAllocated: number
  numBytesUsed: number
  numFreeBuffers: number
  readonly freeBuffers: Map<string, Array<Buffer>>
  acquireBuffer: (size: number, ...rest: ReadonlyArray<unknown>) => Buffer
}

interface WebGpuBackend extends tf.KernelBackend {
  readonly bufferManager: BufferManager
  readonly commandEncoder: object | null
  readonly tensorMap: { readonly get: (id: object) => { readonly dtype: tf.DataType; readonly shape: Array<number> } }
  readonly endComputePassEncoder: () => void
  readonly submitQueue: () => void
  uploadToGPU: (id: object) => void
  read: (id: object) => Promise<tf.BackendValues>
}

interface BackendPackage {
  readonly WebGPUBackend: new (device: Device, info: AdapterInfo) => WebGpuBackend
}

const install = "@tensorflow/tfjs-backend-webgpu@4.22.0 webgpu@0.6.2"

/** What the kernels of TensorFlow.js ask for above the defaults of WebGPU. */
const raised = [
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupSizeX",
  "maxComputeInvocationsPerWorkgroup",
]

const lower =
  "lower the micro-batch (memoryMiB, rowsPerMicroBatch, groupSize, maxTokens), the sequences sampled at once (maxSequences) or the model's size"

/** Bytes of buffers that may wait for a tensor of their size, however few are in use. */
const poolFloor = 2 ** 28

/** Whether an adapter computes on the processor: SwiftShader, Mesa's llvmpipe (lavapipe), Windows' WARP. @category combinators */
export const software = (info: AdapterInfo): boolean =>
  info.isFallbackAdapter === true ||
  /swiftshader|llvmpipe|lavapipe|softpipe|\bsoftware\b|\bcpu\b|\bwarp\b|basic render/i.test(
    [info.vendor, info.architecture, info.device, info.description].join(" "),
  )

/** An adapter in one line, e.g. `NVIDIA H100 (nvidia hopper, 550.54.15)`. @category combinators */
export const describe = (info: AdapterInfo): string => {
  const kind = [info.vendor, info.architecture].filter((part) => part !== "").join(" ")
  const details = [kind, info.description].filter((part) => part !== "" && part !== info.device).join(", ")
  const name = [info.device || "an adapter without a name", details === "" ? "" : `(${details})`].join(" ").trim()
  return software(info) ? `${name}, software: not a GPU` : name
}

const fail = (reason: string): BackendError => new BackendError({ backend: "webgpu", reason })

const mib = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20).toLocaleString("en")} MiB`

const memoryFull = (text: string): BackendError => fail(`the memory of the GPU is full (${text}); ${lower}`)

/** Why there is no adapter: on Linux the loader of Vulkan may be missing, which only an attempt to load it shows. */
const noAdapter = (): Error => {
  const driver =
    "no adapter: no driver for Vulkan, Metal or Direct3D 12 was found; install the GPU's driver, and give containers the graphics " +
    "capability (NVIDIA_DRIVER_CAPABILITIES=graphics,compute,utility)"
  if (process.platform !== "linux") return new Error(driver)
  try {
    process.dlopen({ exports: {} }, "libvulkan.so.1")
  } catch (cause) {
    // Once loaded it is not a Node add-on, which is the other message.
    if (/cannot open shared object|no such file/i.test((cause as Error).message))
      return new Error(
        "no adapter: libvulkan.so.1, the Vulkan loader, is not installed (Debian: apt-get install libvulkan1)",
      )
  }
  return new Error(driver)
}

/** What goes wrong on a device, and whether it is still there. */
interface Watch {
  readonly info: AdapterInfo
  lost: BackendError | null
  error: BackendError | null
}

const watch = (device: Device, info: AdapterInfo): Watch => {
  const state: Watch = { info, lost: null, error: null }
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault()
    const full = event.error.constructor.name === "GPUOutOfMemoryError"
    const text = event.error.message.trim().split("\n").slice(0, 3).join(" ")
    // The errors after the first are its consequences.
    state.error ??= full ? memoryFull(text) : fail(`a kernel was refused: ${text}`)
  })
  void device.lost.then(({ message, reason }) => {
    state.lost = fail(
      `the device was lost (${reason}: ${message}); start again, a run resumes from its last checkpoint`,
    )
  })
  return state
}

/** Throws what went wrong since the last time; a lost device stays lost. */
const check = (state: Watch): void => {
  const error = state.lost ?? state.error
  state.error = null
  if (error !== null) throw error
}

const guard = (backend: WebGpuBackend, { limits }: Device, state: Watch): void => {
  const { bufferManager } = backend
  const { read, uploadToGPU } = backend
  const { acquireBuffer } = bufferManager
  const most = Math.min(limits["maxStorageBufferBindingSize"], limits["maxBufferSize"])
  const settle = (): void => {
    // What was recorded after a refused kernel would be refused with it, and blamed on a later read.
    if (state.error !== null && backend.commandEncoder !== null) {
      backend.endComputePassEncoder()
      backend.submitQueue()
    }
    check(state)
  }
  backend.read = async (id) => {
    try {
      const values = await read.call(backend, id)
      settle()
      return values
    } catch (cause) {
      // The promise of a lost device settles after the reads that it breaks.
      await new Promise((resolve) => setImmediate(resolve))
      settle()
      throw cause
    }
  }
  backend.uploadToGPU = (id) => {
    const { dtype, shape } = backend.tensorMap.get(id)
    const bytes = (dtype === "complex64" ? 8 : 4) * shape.reduce((a, b) => a * b, 1)
    if (bytes > most)
      throw fail(
        `a tensor of shape [${shape.join(", ")}] has ${mib(bytes)}, and this adapter binds at most ${mib(most)}; ${lower}`,
      )
    uploadToGPU.call(backend, id)
  }
  bufferManager.acquireBuffer = (size, ...rest) => {
    const waiting = bufferManager.numBytesAllocated - bufferManager.numBytesUsed
    // Without an open command encoder no command still waits for one of the buffers.
    if (waiting > Math.max(poolFloor, bufferManager.numBytesUsed) && backend.commandEncoder === null)
      release(bufferManager)
    try {
      return acquireBuffer.call(bufferManager, size, ...rest)
    } catch (cause) {
      // A buffer that is mapped as it is made cannot be made invalid instead.
      throw memoryFull((cause as Error).message)
    }
  }
}

const release = (manager: BufferManager): void => {
  for (const buffers of manager.freeBuffers.values()) {
    for (const buffer of buffers.splice(0)) {
      buffer.destroy()
      manager.numFreeBuffers--
      manager.numBytesAllocated -= buffer.size
    }
  }
}

let running: Watch | null = null

/** What the adapter of the started backend says of itself; null before. @category getters */
export const adapter = (): AdapterInfo | null => running?.info ?? null

/**
 * Registers the backend and makes it active; gives the adapter that it really uses, in one line. Throws when a package is missing,
 * when there is no adapter, and when there is only a software one and `allowSoftware` is false.
 */
export const start = async ({ allowSoftware }: { readonly allowSoftware: boolean }): Promise<string> => {
  const dawn = load("webgpu", install) as Dawn
  const lost = running !== null && running.lost !== null
  if (running === null || lost) {
    Object.assign(globalThis, dawn.globals)
    // The backend asks `navigator.gpu` whether there is WebGPU; and an instance without a reference would be collected.
    Object.defineProperty(globalThis.navigator, "gpu", { value: dawn.create([]), configurable: true })
    const { gpu } = globalThis.navigator as unknown as { readonly gpu: Gpu }
    const found = await gpu.requestAdapter({ powerPreference: "high-performance" })
    if (found === null) throw noAdapter()
    refuseSoftware(found.info, allowSoftware)
    const { WebGPUBackend } = load("@tensorflow/tfjs-backend-webgpu", install) as BackendPackage
    const requiredLimits = Object.fromEntries(raised.map((name) => [name, found.limits[name]]))
    const device = await found.requestDevice({ requiredLimits })
    const backend = new WebGPUBackend(device, found.info)
    running = watch(device, found.info)
    guard(backend, device, running)
    // The package registers a factory of its own, which would ask for another device.
    tf.removeBackend("webgpu")
    tf.registerBackend("webgpu", () => backend, 3)
  }
  refuseSoftware(running.info, allowSoftware)
  await tf.setBackend("webgpu")
  return describe(running.info)
}

const refuseSoftware = (info: AdapterInfo, allowed: boolean): void => {
  if (!allowed && software(info)) throw new Error(`only a software adapter: ${describe(info)}`)
}
