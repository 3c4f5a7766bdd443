/** The embedded engine as a `Learner`: the objective is evaluated on the log-probs of the very pass that is differentiated. */
import { Learner, type Objective } from "@lpo/trainer"
import { Effect, Layer } from "effect"
import * as AdamW from "./AdamW.ts"
import { cut, type Limits } from "./MicroBatch.ts"
import * as ModelFiles from "./ModelFiles.ts"
import { type Pair, Policy } from "./Policy.ts"

/** A whole group always goes together. @category models */
export type Options = Limits

const pairsOf = ({ group }: Learner.TrainGroup): ReadonlyArray<Pair> =>
  group.completions.map((c) => ({ prompt: group.promptTokens, completion: c.tokens }))

/** @category layers */
export const layer = (limits: Options = {}): Layer.Layer<Learner.Learner, never, Policy> =>
  Layer.effect(
    Learner.Learner,
    Effect.gen(function* () {
      const policy = yield* Policy
      type Operation = Learner.LearnerError["operation"]
      const fail = (operation: Operation) => (cause: unknown) =>
        new Learner.LearnerError({ operation, reason: (cause as Error).message })
      const attempt = <A>(operation: Operation, run: () => A) =>
        Effect.yieldNow.pipe(Effect.andThen(Effect.try({ try: run, catch: fail(operation) })))
      return Learner.Learner.of({
        logprobs: (sequences) =>
          cut(sequences, (s) => [s], policy.bytesPerToken, limits).pipe(
            Effect.flatMap(Effect.forEach(policy.logprobs, { concurrency: policy.parallelism })),
            Effect.map((parts) => parts.flat()),
            Effect.mapError(fail("logprobs")),
          ),
        accumulate: (groups, objective, scale) =>
          Effect.gen(function* () {
            const parts = yield* cut(groups, pairsOf, policy.bytesPerToken, limits)
            const batches = parts.map((part) => part.flatMap(pairsOf))
            const results: Array<ReadonlyArray<Objective.ObjectiveResult>> = []
            const weigh = (index: number, logprobs: ReadonlyArray<Float32Array>): ReadonlyArray<Float32Array> => {
              let at = 0
              results[index] = parts[index].map(({ anchor, group }) =>
                objective.evaluate({
                  rewards: Float64Array.from(group.verdicts, (v) => v.score),
                  behaviour: group.completions.map((c) => c.logprobs),
                  anchor,
                  current: logprobs.slice(at, (at += group.completions.length)),
                }),
              )
              // The weights point uphill; the optimiser descends.
              return results[index].flatMap(({ weights }) => weights.map((row) => row.map((w) => -w * scale)))
            }
            yield* policy.accumulate(batches, weigh)
            const tokens = batches.flat().reduce((sum, p) => sum + p.prompt.length + p.completion.length, 0)
            return { results: results.flat(), tokens }
          }).pipe(Effect.mapError(fail("accumulate"))),
        step: (options) =>
          attempt("step", () => {
            const gradNorm = AdamW.step(policy.values, policy.gradient, policy.optimizer, options)
            policy.gradient.fill(0)
            policy.changed()
            return { gradNorm }
          }),
        publish: Effect.sync(() => ++policy.version),
        save: (folder) => ModelFiles.save(policy, folder, { optimizer: true }).pipe(Effect.mapError(fail("save"))),
        restore: (folder) =>
          ModelFiles.restore(policy, folder, { optimizer: true }).pipe(Effect.mapError(fail("restore"))),
      })
    }),
  )
