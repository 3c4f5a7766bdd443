/** Checks for WebGPU only: errors of the device that would otherwise be zeros, memory, a lost device. */
import * as tf from "@tensorflow/tfjs-core"
import { Backend, WebGpu } from "@lpo/transformer"
import { Effect } from "effect"
import { tensorBytes } from "../../bench/transformer/Rates.ts"
import type { Check } from "../shared/Report.ts"

interface Device {
  readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number }
  readonly destroy: () => void
}

/** The device of the active backend, which must be `webgpu`. */
export const active = (): Device => (tf.backend() as unknown as { readonly device: Device }).device

const expectError = async (run: () => unknown, pattern: RegExp): Promise<void> => {
  const error = await Promise.resolve()
    .then(run)
    .then(
      () => null,
      (cause: Error & { readonly _tag?: string }) => cause,
    )
  if (error === null) throw new Error(`no error; expected one like ${pattern}`)
  if (error._tag !== "BackendError" || !pattern.test(error.message))
    throw new Error(`expected a BackendError like ${pattern}, got ${error}`)
}

const addition = async () => {
  const sum = tf.tidy(() => tf.add(tf.tensor1d([1, 2]), tf.tensor1d([3, 4])))
  const values = await sum.data()
  sum.dispose()
  if (values[0] !== 4 || values[1] !== 6) throw new Error(`1 + 3 and 2 + 4 are ${values.join(" and ")}`)
}

/** The programs that TensorFlow.js has for a product, by the number that forces each; by default it takes one by the sizes. */
const products = { reduce: 0, "split k": 1, "small output": 2, packed: 3 }

/** Rows times columns in plain JavaScript. */
const product = (a: Float32Array, b: Float32Array, [m, k, n]: readonly [number, number, number]) =>
  Float64Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n]
    return Array.from({ length: k }, (__, l) => a[i * k + l] * b[l * n + j]).reduce((x, y) => x + y, 0)
  })

export const checks: ReadonlyArray<Check> = [
  { name: "adds two vectors on the device", run: addition },
  {
    name: "every program for products gives the product",
    run: async () => {
      const sizes = [5, 36, 9] as const
      const [m, k, n] = sizes
      const a = Float32Array.from({ length: m * k }, (_, i) => Math.sin(i))
      const b = Float32Array.from({ length: k * n }, (_, i) => Math.cos(i))
      const truth = product(a, b, sizes)
      const before = tf.env().get("WEBGPU_MATMUL_PROGRAM_TYPE")
      for (const [name, type] of Object.entries(products)) {
        tf.env().set("WEBGPU_MATMUL_PROGRAM_TYPE", type)
        const [x, y] = [tf.tensor2d(a, [m, k]), tf.tensor2d(b, [k, n])]
        const out = tf.matMul(x, y)
        const values = await out.data()
        tf.dispose([x, y, out])
        const gap = Math.max(...truth.map((v, i) => Math.abs(v - values[i])))
        if (!(gap < 1e-4)) throw new Error(`${name} is off by ${gap}`)
      }
      tf.env().set("WEBGPU_MATMUL_PROGRAM_TYPE", before)
    },
  },
  {
    name: "a kernel that the driver refuses fails the next read, and the one after it works",
    run: async () => {
      // A pad of rank 5 has a shader that does not compile.
      const pad = Array.from({ length: 5 }, (): [number, number] => [1, 1])
      const padded = tf.tidy(() => tf.pad(tf.ones([2, 2, 2, 2, 2]), pad))
      await expectError(() => padded.data(), /a kernel was refused/)
      padded.dispose()
      await addition()
    },
  },
  {
    name: "a tensor above what the adapter binds is refused by its shape",
    run: async () => {
      const rows = Math.ceil((active().limits.maxStorageBufferBindingSize + 1) / 4096)
      tf.engine().startScope()
      await expectError(
        () => {
          tf.tile(tf.zeros([1, 1024]), [rows, 1])
        },
        new RegExp(`\\[${rows}, 1024\\].*lower`),
      )
      tf.engine().endScope()
      await addition()
    },
  },
  {
    name: "buffers of disposed tensors are released",
    run: async () => {
      // Every size is another one, as with ragged batches; together 512 MiB.
      for (let i = 0; i < 8; i++) {
        tf.tidy(() => tf.slice(tf.tensor1d(new Float32Array(2 ** 24 + i)), [0], [1]))
        await addition()
      }
      const bytes = tensorBytes()
      if (bytes > 384 * 2 ** 20) throw new Error(`${bytes} bytes are still allocated`)
    },
  },
  {
    name: "auto uses this adapter if it is a GPU, and skips software",
    run: async () => {
      const { device, name, reason } = await Effect.runPromise(Backend.auto)
      await Effect.runPromise(Backend.start("webgpu"))
      const info = WebGpu.adapter()
      if (info === null) throw new Error("WebGPU started without an adapter")
      if (WebGpu.software(info)) {
        if (name === "webgpu" || !/webgpu: .*software/.test(reason)) throw new Error(`auto took ${name}: ${reason}`)
      } else if (name !== "webgpu") throw new Error(`auto took ${name} on ${device}: ${reason}`)
    },
  },
  {
    name: "a lost device is an error until the backend is started again",
    run: async () => {
      const tensor = tf.tensor1d([1])
      active().destroy()
      await expectError(() => tf.add(tensor, 1).data(), /the device was lost/)
      await expectError(() => tensor.data(), /the device was lost/)
      await Effect.runPromise(Backend.start("webgpu"))
      await addition()
    },
  },
]
