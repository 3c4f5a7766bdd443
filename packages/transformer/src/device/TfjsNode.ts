/**
 * TensorFlow's C library through the npm packages `@tensorflow/tfjs-node` and `@tensorflow/tfjs-node-gpu`, which a user installs.
 *
 * They may lie in another folder with a TensorFlow.js of their own. Its engine and its kernels live on the global object, so that two
 * copies of one version are one engine, and two versions an error.
 *
 * Three traps are closed here: functions that newer versions of Node have taken away, tensors that share the memory of the array they
 * were made of, and errors of TensorFlow that name neither the operation nor what to do.
 */
import util from "node:util"
import * as tf from "@tensorflow/tfjs-core"
import * as Cores from "./Cores.ts"
import { BackendError } from "../TransformerError.ts"
import { load } from "./optionalPeer.ts"

type Name = "tfjs-node" | "tfjs-node-gpu"

interface Package {
  readonly version: Readonly<Record<string, string>>
  readonly engine: () => unknown
}

interface Binding {
  readonly TF_Version: string
  readonly createTensor: (shape: ReadonlyArray<number>, dtype: number, values: ArrayLike<unknown>) => number
  readonly executeOp: (name: string, ...rest: ReadonlyArray<unknown>) => unknown
}

interface TensorFlowBackend {
  binding: Binding
  readonly isUsingGpuDevice: boolean
  move: (id: object, values: unknown, ...rest: ReadonlyArray<unknown>) => void
}

/** TensorFlow's code for RESOURCE_EXHAUSTED. */
const outOfMemory = /^Invalid TF_Status: 8\b/

/** An error of the C library as a `BackendError` that names the operation and, when memory ran out, what to lower. */
const failure = (backend: Name, what: string, cause: unknown): BackendError => {
  const { message } = cause as Error
  const said = message.replace(/^Invalid TF_Status: \d+\s*Message:\s*/, "")
  const reason = outOfMemory.test(message)
    ? `out of memory in ${what} (${said}); lower the micro-batch (memoryMiB, rowsPerMicroBatch, groupSize, maxTokens) or the model's size`
    : `${what} failed (${said})`
  return new BackendError({ backend, reason })
}

/** Errors with a type, and tensors with memory of their own. */
const guard = (backend: TensorFlowBackend, name: Name): void => {
  const { binding, move } = backend
  const attempt = <A>(what: string, run: () => A): A => {
    try {
      return run()
    } catch (cause) {
      throw failure(name, what, cause)
    }
  }
  // The properties of the addon itself cannot be written.
  backend.binding = Object.create(binding, {
    executeOp: { value: (op: string, ...rest: Array<unknown>) => attempt(op, () => binding.executeOp(op, ...rest)) },
    createTensor: {
      value: (...args: Parameters<Binding["createTensor"]>) =>
        attempt(`a tensor of shape [${args[0].join(", ")}]`, () => binding.createTensor(...args)),
    },
  }) as Binding
  // A caller may reuse its array, and TensorFlow computes on that very memory where it is aligned.
  backend.move = (id, values, ...rest) =>
    move.call(
      backend,
      id,
      values instanceof Float32Array || values instanceof Int32Array ? values.slice() : values,
      ...rest,
    )
}

let loaded: Name | null = null

/** Loads a package with `settings` in the environment, where the user has not set them, which the C library reads while it starts. */
const loadWith = (name: Name, settings: Readonly<Record<string, string>>): Package => {
  const added = Object.keys(settings).filter((key) => process.env[key] === undefined)
  for (const key of added) process.env[key] = settings[key]
  try {
    return load(`@tensorflow/${name}`, `@tensorflow/${name}@${tf.version_core}`) as Package
  } finally {
    for (const key of added) delete process.env[key]
  }
}

const open = async (name: Name): Promise<string> => {
  if (loaded !== null && loaded !== name)
    throw new Error(`this process has loaded @tensorflow/${loaded}, and only one can be loaded; start another process`)
  // Called for the attributes of nearly every operation; Node 23 took the first away and warns of the second.
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  })
  const threads = String(Cores.allowed())
  const { engine, version } = loadWith(name, {
    TF_NUM_INTRAOP_THREADS: threads,
    // Warnings of the processor's version are about allocations, whose failures are errors here; those of the GPU's name what is missing.
    TF_CPP_MIN_LOG_LEVEL: name === "tfjs-node" ? "2" : "1",
  })
  if (version["tfjs-core"] !== tf.version_core)
    throw new Error(
      `@tensorflow/${name} brings TensorFlow.js ${version["tfjs-core"]}, and this engine is on ${tf.version_core}; npm install @tensorflow/${name}@${tf.version_core}`,
    )
  if (engine() !== tf.engine())
    throw new Error(`@tensorflow/${name} was loaded into another global object; load it in the same context`)
  if (!(await tf.setBackend("tensorflow"))) throw new Error("TensorFlow.js could not make its backend")
  const backend = tf.backend() as unknown as TensorFlowBackend
  if (loaded === null) guard(backend, name)
  loaded = name
  const { TF_Version } = backend.binding
  if (name === "tfjs-node-gpu" && !backend.isUsingGpuDevice)
    throw new Error(
      `TensorFlow ${TF_Version} sees no GPU; it needs an NVIDIA driver and the CUDA and cuDNN libraries it was built against (run with TF_CPP_MIN_LOG_LEVEL=0 to see which are missing)`,
    )
  return backend.isUsingGpuDevice
    ? `TensorFlow ${TF_Version} on a CUDA GPU`
    : `TensorFlow ${TF_Version} on the processor, ${process.env.TF_NUM_INTRAOP_THREADS ?? threads} threads`
}

/** Registers the backend and makes it active; gives what it runs on. Where it fails, the backend that was active still is. */
export const start = async (name: Name): Promise<string> => {
  const before = tf.getBackend() as string | null | undefined
  try {
    return await open(name)
  } catch (cause) {
    // Loading the package makes its backend active, before anybody can ask whether it has a GPU.
    if (typeof before === "string") await tf.setBackend(before)
    throw cause
  }
}
