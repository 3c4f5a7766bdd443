/**
 * The embedded engine in a browser, on a page or in a worker of it: the backend, a policy on it, its sampler and its learner. Nothing
 * here needs Node.
 *
 * A page that shares no memory with workers (most pages: it takes the headers of cross-origin isolation) works in one thread; start the
 * engine in a worker of your own, so that the page stays quick.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core"
import { Effect, Layer, type Scope } from "effect"
import type { Learner } from "@lpo/trainer"
import type * as Sampler from "@lpo/rollout/Sampler"
import * as HeapGuard from "./device/HeapGuard.ts"
import { decode } from "./files/SafetensorsFormat.ts"
import * as Slots from "./files/Slots.ts"
import type { ModelConfig } from "./model/ModelConfig.ts"
import * as Parameters from "./model/Parameters.ts"
import * as Kernels from "./ops/Kernels.ts"
import * as Assemble from "./policy/Assemble.ts"
import { Policy, type PolicyService } from "./policy/Service.ts"
import type { TokenizerService } from "./tokenizer/Tokenizer.ts"
import * as Learn from "./policy/Learn.ts"
import type { Limits } from "./train/MicroBatch.ts"
import * as TransformerSampler from "./TransformerSampler.ts"
import { BackendError, type EngineError, ModelError } from "./TransformerError.ts"

/** @category models */
export interface StartOptions {
  /**
   * The companion kernels, `@lpo/transformer/kernels.wasm`: where they are, or their bytes. Without them, and in a browser that
   * does not know relaxed SIMD, TensorFlow.js' own kernels do the work, much slower.
   */
  readonly kernels: string | URL | BufferSource
  /** The `.wasm` files of `@tensorflow/tfjs-backend-wasm`: the folder, ending in a slash, or the address of each by its name. */
  readonly tensorflow: string | Readonly<Record<string, string>>
}

/** What runs. @category models */
export interface Started {
  /** One line for people. */
  readonly device: string
}

const fail = (cause: unknown) =>
  new BackendError({ backend: "wasm", reason: `cannot start (${(cause as Error).message})` })

const compile = async (kernels: StartOptions["kernels"]): Promise<WebAssembly.Module> => {
  if (!(typeof kernels === "string" || kernels instanceof URL)) return WebAssembly.compile(kernels)
  const response = await fetch(kernels)
  if (!response.ok) throw new Error(`${String(kernels)}: HTTP ${response.status}`)
  return WebAssembly.compile(await response.arrayBuffer())
}

/** Why the kernels are not used; null when they are. */
const shareKernels = async (kernels: StartOptions["kernels"]): Promise<string | null> => {
  try {
    Kernels.share({ module: await compile(kernels), height: 4 })
    return null
  } catch (cause) {
    return (cause as Error).message
  }
}

/** Starts TensorFlow.js' WebAssembly backend in this thread. Fails with a `BackendError`. @category constructors */
export const start = Effect.fn("Browser.start")(function* ({ kernels, tensorflow }: StartOptions) {
  tf.enableProdMode()
  const [started, missing] = yield* Effect.all(
    [
      Effect.tryPromise({
        // Loaded here, because on Node it would listen to the whole process as soon as it is imported.
        try: async () => {
          const { setWasmPaths } = await import("@tensorflow/tfjs-backend-wasm")
          // Its threads share their memory, and the companion kernels import one that is not shared.
          tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false)
          setWasmPaths(
            typeof tensorflow === "string"
              ? tensorflow
              : { "tfjs-backend-wasm-threaded-simd.wasm": "not loaded", ...tensorflow },
          )
          return tf.setBackend("wasm")
        },
        catch: fail,
      }),
      Effect.promise(() => shareKernels(kernels)),
    ],
    { concurrency: 2 },
  )
  if (!started)
    return yield* new BackendError({
      backend: "wasm",
      reason: `cannot start; give as \`tensorflow\` where the .wasm files of @tensorflow/tfjs-backend-wasm 4.22 are`,
    })
  HeapGuard.set()
  return {
    device:
      missing === null
        ? "WebAssembly with the companion kernels"
        : `WebAssembly without the companion kernels (${missing})`,
  } satisfies Started
})

/**
 * The parameters of `config` in the bytes of a safetensors file, as a flat vector for {@link policy}; every tensor must be there with
 * its shape, and no other. `source` names the file in errors. Fails with a `ModelError`.
 *
 * @category io
 */
export const readModel = Effect.fn("Browser.readModel")(function* (
  config: ModelConfig,
  bytes: Uint8Array,
  source = "the model",
) {
  const slots = Parameters.layout(config)
  const { tensors } = yield* decode(bytes, source)
  const reason = Slots.refusal(slots, new Map([...tensors.values()].map(({ name, shape }) => [name, shape])))
  if (reason !== null) return yield* new ModelError({ reason: `${source}: ${reason}` })
  const values = new Float32Array(Parameters.count(slots))
  for (const { name, offset } of slots) values.set(tensors.get(name)?.data ?? [], offset)
  return values
})

/** A policy in this thread that starts from `values`, which are copied. Its memory is given back with the scope. @category constructors */
export const policy = (
  config: ModelConfig,
  tokenizer: TokenizerService,
  values: Float32Array,
): Effect.Effect<PolicyService, EngineError, Scope.Scope> =>
  Assemble.make(config, tokenizer, values, { onWasm: tf.getBackend() === "wasm" }, Assemble.inThread())

/** Checkpoints in memory, one a path. */
const inMemory = (): Learn.Keeper => {
  const kept = new Map<string, Pick<PolicyService, "values" | "version"> & Pick<PolicyService, "optimizer">>()
  return {
    save: ({ optimizer: { m, steps, v }, values, version }, path) =>
      Effect.sync(() => {
        kept.set(path, { values: values.slice(), version, optimizer: { m: m.slice(), v: v.slice(), steps } })
      }),
    restore: (to, path) =>
      Effect.suspend(() => {
        const from = kept.get(path)
        if (from === undefined) return Effect.fail(new ModelError({ reason: `${path}: nothing was saved there` }))
        to.values.set(from.values)
        to.optimizer.m.set(from.optimizer.m)
        to.optimizer.v.set(from.optimizer.v)
        to.optimizer.steps = from.optimizer.steps
        to.version = from.version
        to.changed()
        return Effect.void
      }),
  }
}

/**
 * A policy as a `Sampler` and a `Learner`, for `Trainer.train`. The learner saves itself in memory, so that a run of `Run.held` which was
 * interrupted goes on where it stopped.
 *
 * @category layers
 */
export const layer = (
  policy: PolicyService,
  options: TransformerSampler.Options & Limits = {},
): Layer.Layer<Sampler.Sampler | Learner.Learner> =>
  Layer.merge(TransformerSampler.layer(options), Learn.layer(options, inMemory())).pipe(
    Layer.provide(Layer.succeed(Policy, policy)),
  )
