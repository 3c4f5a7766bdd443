/** A policy as a `Learner`: groups are weighed by the log-probs of the very pass that is differentiated. */
import type { Sequence } from "@lpo/rollout"
import * as Learner from "@lpo/trainer/Learner"
import { Effect, Layer } from "effect"
import { Policy, type PolicyService } from "./Service.ts"
import type { ModelError } from "../TransformerError.ts"
import { cut, type Limits } from "../train/MicroBatch.ts"

/** Where what exact resume needs is kept: the trained parameters and the optimiser's state, by path. */
export interface Keeper {
  readonly save: (policy: PolicyService, path: string) => Effect.Effect<void, ModelError>
  readonly restore: (policy: PolicyService, path: string) => Effect.Effect<void, ModelError>
}

/** A whole group always goes together. */
export const layer = (limits: Limits, keeper: Keeper): Layer.Layer<Learner.Learner, never, Policy> =>
  Layer.effect(
    Learner.Learner,
    Effect.gen(function* () {
      const policy = yield* Policy
      type Operation = Learner.LearnerError["operation"]
      const fail = (operation: Operation) => (cause: unknown) =>
        new Learner.LearnerError({ operation, reason: (cause as Error).message })
      return Learner.Learner.of({
        tempers: true,
        logprobs: (sequences) =>
          cut(sequences, (s) => [s], policy.bytesPerToken, limits).pipe(
            Effect.flatMap(Effect.forEach(policy.logprobs, { concurrency: policy.parallelism })),
            Effect.map((parts) => parts.flat()),
            Effect.mapError(fail("logprobs")),
          ),
        accumulate: (groups, weigh) =>
          Effect.gen(function* () {
            const parts = yield* cut(groups, (group) => group, policy.bytesPerToken, limits)
            let first = 0
            const starts = parts.map((part) => (first += part.length) - part.length)
            const weighPart = (index: number, logprobs: ReadonlyArray<Float32Array>) => {
              let at = 0
              return parts[index].flatMap((group, i) =>
                weigh(starts[index] + i, logprobs.slice(at, (at += group.length))),
              )
            }
            const batches = parts.map((part): ReadonlyArray<Sequence.Sequence> => part.flat())
            yield* policy.accumulate(batches, weighPart)
            const tokens = batches.flat().reduce((sum, p) => sum + p.prompt.length + p.completion.length, 0)
            return { tokens }
          }).pipe(Effect.mapError(fail("accumulate"))),
        step: (options) =>
          policy.step(options).pipe(
            Effect.map((gradNorm) => ({ gradNorm })),
            Effect.mapError(fail("step")),
          ),
        publish: Effect.sync(() => ++policy.version),
        save: (folder) => keeper.save(policy, folder).pipe(Effect.mapError(fail("save"))),
        restore: (folder) => keeper.restore(policy, folder).pipe(Effect.mapError(fail("restore"))),
      })
    }),
  )
