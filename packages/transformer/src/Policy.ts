/**
 * The policy: the parameters, optimiser state and gradient of one model, shared by the sampler and the learner. The work is done
 * by a pool of replicas: one in this thread, or one in each of several worker threads over the same shared parameters.
 *
 * Results do not depend on the number of workers: samples come from streams of their own, and a step's micro-batches are divided
 * into shards in the same way for all; a worker adds up a shard's gradients in its own memory, and those of the shards are added in
 * their order.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Effect, Scope } from "effect"
import * as Cores from "./device/Cores.ts"
import type * as Engine from "./device/Engine.ts"
import * as KernelFile from "./device/KernelFile.ts"
import type * as Lora from "./model/Lora.ts"
import type { ModelConfig } from "./model/ModelConfig.ts"
import * as Assemble from "./policy/Assemble.ts"
import type { PolicyService } from "./policy/Service.ts"
import type { TokenizerService } from "./tokenizer/Tokenizer.ts"
import type { EngineError } from "./TransformerError.ts"
import * as Threads from "./workers/Threads.ts"

export { type GenerateOptions, Policy, type PolicyService } from "./policy/Service.ts"

/** @category models */
export interface Options {
  /**
   * Worker threads, each with a WASM backend of its own; 0 works in the caller's thread on the backend that was started.
   * Default: as many as there are cores for this process, and 0 where that is one.
   */
  readonly workers?: number
  /** What an in-process replica runs on, by default the fastest on the backend. */
  readonly engine?: Engine.Engine
  /** Keep only the inputs of the layers for the backward pass, and compute the rest again: less memory, a third more time. */
  readonly checkpointActivations?: boolean
  /** Train this adapter and leave the parameters as they are. */
  readonly lora?: Lora.Adapter
}

/** As many workers as cores that this process may use (container limits count). @category combinators */
export const defaultWorkers = (): number => {
  const cores = Cores.allowed()
  return cores > 1 ? cores : 0
}

/**
 * A policy that starts from `values`, with `lora` from that adapter on top of them. They are copied, unless they lie in shared
 * memory as those of an opened `Checkpoint` do: the policy then works on them. The workers end with the scope.
 *
 * @category constructors
 */
export const make = (
  config: ModelConfig,
  tokenizer: TokenizerService,
  values: Float32Array,
  options: Options = {},
): Effect.Effect<PolicyService, EngineError, Scope.Scope> => {
  const { engine, workers = defaultWorkers(), ...rest } = options
  const onWasm = workers > 0 || tf.getBackend() === "wasm"
  return Assemble.make(
    config,
    tokenizer,
    values,
    { ...rest, onWasm },
    workers === 0
      ? Assemble.inThread(engine)
      : ({ adapter, values: base, ...given }) =>
          Threads.make(workers, {
            ...given,
            values: base.buffer as SharedArrayBuffer,
            adapter: adapter && { config: adapter.config, values: adapter.values.buffer as SharedArrayBuffer },
            kernels: KernelFile.compile(),
          }),
  )
}
