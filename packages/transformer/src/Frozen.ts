/**
 * A model that is not trained: its log-probs, on workers of its own. What a KL to a reference policy is computed from.
 *
 * It takes 4 bytes per parameter in the heap of every worker, beside the activations of a micro-batch, and 4 outside for a copy
 * of the parameters where they are not shared.
 */
import { Learner } from "@lpo/trainer"
import { Effect, type Scope } from "effect"
import * as Memory from "./device/Memory.ts"
import type { ModelConfig } from "./model/ModelConfig.ts"
import * as Kernels from "./ops/Kernels.ts"
import { defaultWorkers } from "./Policy.ts"
import { EngineError } from "./TransformerError.ts"
import { cut, type Limits } from "./train/MicroBatch.ts"
import * as Pack from "./train/Pack.ts"
import * as Pool from "./workers/Pool.ts"
import * as Replica from "./workers/Replica.ts"
import { makeRunner } from "./workers/Runner.ts"

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
  const buffer = shared ? values.buffer : new SharedArrayBuffer(values.byteLength)
  const own = new Float32Array(buffer)
  if (!shared) own.set(values)
  const pool = yield* workers === 0
    ? Effect.acquireRelease(
        Effect.sync(() => Replica.make(config, own)),
        (replica) => Effect.sync(replica.dispose),
      ).pipe(Effect.map((replica) => Pool.inProcess(makeRunner(replica))))
    : Pool.make(workers, {
        config,
        values: buffer,
        adapter: null,
        checkpointActivations: false,
        kernels: Kernels.compile(),
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
