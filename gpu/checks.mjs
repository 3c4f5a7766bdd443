/** What only the WebGPU backend has to show: errors of the device that would otherwise be zeros, memory, a lost device. */
import * as tf from "@tensorflow/tfjs-core"
import { Backend } from "@lpo/transformer"
import * as WebGpu from "@lpo/transformer/backends/WebGpu"
import { Effect } from "effect"

const expectError = async (run, pattern) => {
  const error = await Promise.resolve()
    .then(run)
    .then(
      () => null,
      (cause) => cause,
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

export const checks = [
  { name: "adds two vectors on the device", run: addition },
  {
    name: "a kernel that the driver refuses fails the next read, and the one after it works",
    run: async () => {
      // A pad of rank 5 has a shader that does not compile.
      const pad = Array.from({ length: 5 }, () => [1, 1])
      const padded = tf.tidy(() => tf.pad(tf.ones([2, 2, 2, 2, 2]), pad))
      await expectError(() => padded.data(), /a kernel was refused/)
      padded.dispose()
      await addition()
    },
  },
  {
    name: "a tensor above what the adapter binds is refused by its shape",
    run: async () => {
      const rows = Math.ceil((tf.backend().device.limits.maxStorageBufferBindingSize + 1) / 4096)
      tf.engine().startScope()
      await expectError(() => tf.fill([rows, 1024], 1), new RegExp(`\\[${rows}, 1024\\].*lower`))
      tf.engine().endScope()
      await addition()
    },
  },
  {
    name: "buffers of disposed tensors are given back",
    run: async () => {
      // Every size is another one, as with ragged batches; together 512 MiB.
      for (let i = 0; i < 8; i++) {
        tf.tidy(() => tf.slice(tf.tensor1d(new Float32Array(2 ** 24 + i)), [0], [1]))
        await addition()
      }
      const { numBytesAllocatedInGPU } = tf.memory()
      if (numBytesAllocatedInGPU > 384 * 2 ** 20) throw new Error(`${numBytesAllocatedInGPU} bytes are still allocated`)
    },
  },
  {
    name: "auto takes this adapter if it is a GPU, and passes over software",
    run: async () => {
      const { device, name, reason } = await Effect.runPromise(Backend.auto)
      await Effect.runPromise(Backend.start("webgpu"))
      if (WebGpu.software(WebGpu.adapter())) {
        if (name === "webgpu" || !/webgpu: .*software/.test(reason)) throw new Error(`auto took ${name}: ${reason}`)
      } else if (name !== "webgpu") throw new Error(`auto took ${name} on ${device}: ${reason}`)
    },
  },
  {
    name: "a lost device is an error until the backend is started again",
    run: async () => {
      const tensor = tf.tensor1d([1])
      tf.backend().device.destroy()
      await expectError(() => tf.add(tensor, 1).data(), /the device was lost/)
      await expectError(() => tensor.data(), /the device was lost/)
      await Effect.runPromise(Backend.start("webgpu"))
      await addition()
    },
  },
]
