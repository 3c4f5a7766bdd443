/** The embedded engine as a `Learner`: the objective is evaluated on the log-probs of the very pass that is differentiated. */
import { Learner, type Objective } from "@lpo/trainer"
import { Effect, Layer } from "effect"
import * as AdamW from "./AdamW.ts"
import * as ModelFiles from "./ModelFiles.ts"
import { type Pair, Policy } from "./Policy.ts"

/** @category models */
export interface Options {
  /** Padded tokens per micro-batch; a whole group always goes together. Default 2048, which keeps the activations of a small model in the processor's caches. */
  readonly tokensPerMicroBatch?: number
}

const paddedTokens = (pairs: ReadonlyArray<Pair>): number =>
  pairs.length * Math.max(0, ...pairs.map((p) => p.prompt.length + p.completion.length))

/** Consecutive items in parts of at most `budget` padded tokens, at least one item each. */
const microBatches = <A>(
  items: ReadonlyArray<A>,
  pairs: (item: A) => ReadonlyArray<Pair>,
  budget: number,
): Array<Array<A>> => {
  const out: Array<Array<A>> = []
  let current: Array<A> = []
  for (const item of items) {
    if (current.length > 0 && paddedTokens([...current, item].flatMap(pairs)) > budget) {
      out.push(current)
      current = []
    }
    current.push(item)
  }
  if (current.length > 0) out.push(current)
  return out
}

const pairsOf = ({ group }: Learner.TrainGroup): ReadonlyArray<Pair> =>
  group.completions.map((c) => ({ prompt: group.promptTokens, completion: c.tokens }))

/** @category layers */
export const layer = ({ tokensPerMicroBatch = 2048 }: Options = {}): Layer.Layer<Learner.Learner, never, Policy> =>
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
          Effect.forEach(
            microBatches(sequences, (s) => [s], tokensPerMicroBatch),
            (part) => attempt("logprobs", () => policy.logprobs(part)),
          ).pipe(Effect.map((parts) => parts.flat())),
        accumulate: (groups, objective, scale) =>
          Effect.gen(function* () {
            const results: Array<Objective.ObjectiveResult> = []
            let tokens = 0
            for (const part of microBatches(groups, pairsOf, tokensPerMicroBatch)) {
              const pairs = part.flatMap(pairsOf)
              tokens += pairs.reduce((sum, p) => sum + p.prompt.length + p.completion.length, 0)
              yield* attempt("accumulate", () =>
                policy.accumulate(pairs, (logprobs) => {
                  let at = 0
                  return part.flatMap(({ anchor, group }) => {
                    const current = logprobs.slice(at, (at += group.completions.length))
                    const result = objective.evaluate({
                      rewards: Float64Array.from(group.verdicts, (v) => v.score),
                      behaviour: group.completions.map((c) => c.logprobs),
                      anchor,
                      current,
                    })
                    results.push(result)
                    return result.weights.map((row) => row.map((w) => w * scale))
                  })
                }),
              )
            }
            return { results, tokens }
          }),
        step: (options) =>
          attempt("step", () => {
            // The weights point uphill; the optimiser descends.
            for (let i = 0; i < policy.gradient.length; i++) policy.gradient[i] = -policy.gradient[i]
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
