/**
 * A model that is not trained: its log-probs, on workers of its own. What a KL to a reference policy is computed from.
 *
 * It takes 4 bytes per parameter in the heap of every worker, beside the activations of a micro-batch, and 4 outside for a copy
 * of the parameters where they are not shared.
 *
 * @module
 */
import { Learner } from "@lpo/trainer"
import { Effect, type Scope } from "effect"
import * as KernelFile from "./device/KernelFile.ts"
import * as Memory from "./device/Memory.ts"
import type { ModelConfig } from "./model/ModelConfig.ts"
import * as Assemble from "./policy/Assemble.ts"
import { defaultWorkers } from "./Policy.ts"
import { EngineError } from "./TransformerError.ts"
import { cut, type Limits } from "./train/MicroBatch.ts"
import * as Pack from "./train/Pack.ts"
import type * as Pool from "./workers/Pool.ts"
import * as Threads from "./workers/Threads.ts"

/** @category models */
export interface Options extends Limits {
  /** As a policy's; 0 works in the caller's thread. */
  readonly workers?: number
  /** Nobody will change the parameters, so that those in shared memory need no copy. Default false. */
  readonly unchanging?: boolean
}

/**
 * The log-probs of a model with these parameters, as they are now; see `LearnerService.logprobs`. The workers end with the scope.
 *
 * @category constructors
 */
export const logprobs = Effect.fn("Frozen.logprobs")(function* (
  config: ModelConfig,
  values: Float32Array,
  { unchanging = false, workers = defaultWorkers(), ...limits }: Options = {},
): Effect.fn.Return<Learner.LearnerService["logprobs"], EngineError, Scope.Scope> {
  const shared =
    unchanging && values.buffer instanceof SharedArrayBuffer && values.byteLength === values.buffer.byteLength
  const own = shared ? values : new Float32Array(new SharedArrayBuffer(values.byteLength))
  if (!shared) own.set(values)
  const given = { config, values: own, adapter: null, checkpointActivations: false }
  const pool: Pool.Pool = yield* workers === 0
    ? Assemble.inThread()(given)
    : Threads.make(workers, {
        ...given,
        values: own.buffer as SharedArrayBuffer,
        kernels: KernelFile.compile(),
      })
  const fail = ({ message }: { readonly message: string }) =>
    new Learner.LearnerError({ operation: "logprobs", reason: `of the reference policy: ${message}` })
  return (sequences) => {
    const refusal = Pack.refusal(sequences)
    if (refusal !== null) return Effect.fail(fail({ message: refusal }))
    return cut(sequences, (s) => [s], Memory.bytesPerToken(config, true), limits).pipe(
      Effect.flatMap(
        Effect.forEach((pairs) => pool.withWorker((lease) => lease.run({ kind: "logprobs", version: 0, pairs })), {
          concurrency: pool.size,
        }),
      ),
      Effect.map((parts) => parts.flatMap((rows) => rows as ReadonlyArray<Float32Array>)),
      Effect.mapError(fail),
    )
  }
})
