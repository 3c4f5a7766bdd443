/** Evaluation: sample n responses to every problem, judge them, and estimate the pass@k curve. */
import { type Problem, type RolloutError, Sampler } from "@lpo/rollout"
import { Verifier } from "@lpo/verifiers"
import { Effect, Schema, Stream } from "effect"
import { bootstrap, Estimate } from "./Interval.ts"
import { Count, ks, passAtK } from "./PassAtK.ts"

/** pass@k by k. @category models */
export const Curve = Schema.Record(Schema.String, Estimate)
/** @category models */
export type Curve = typeof Curve.Type

/** @category models */
export const Evaluation = Schema.Struct({
  counts: Schema.Array(Count),
  curve: Curve,
  /** Responses whose verdict was `error` or `timeout`, left out of n. */
  masked: Schema.Int,
  /** Mean response length, tokens. */
  responseLength: Schema.Finite,
})
/** @category models */
export interface Evaluation extends Schema.Schema.Type<typeof Evaluation> {}

/** @category models */
export interface Options {
  /** n, responses per problem. */
  readonly samples: number
  readonly maxTokens: number
  /** Names the random streams of the samples and of the bootstrap. */
  readonly seed: string
  readonly temperature?: number
  /** Texts that end a response. Default none. */
  readonly stopStrings?: ReadonlyArray<string>
  /** Called as groups finish, with how many have. */
  readonly onProgress?: (done: number, total: number) => Effect.Effect<void>
}

/** The pass@k curve of these counts; k goes up to the smallest n. @category estimators */
export const curve = (counts: ReadonlyArray<Count>, seed: string): Curve => {
  const n = Math.min(...counts.map((c) => c.samples))
  return Object.fromEntries(
    ks(n).map((k) => [
      String(k),
      bootstrap(
        counts.map((c) => passAtK(c.samples, c.correct, k)),
        { seed: `${seed}/pass@${k}` },
      ),
    ]),
  )
}

/** Evaluates the policy behind the sampler. Problems without a single verdict are left out of the curve. @category running */
export const evaluate: (
  problems: ReadonlyArray<Problem.Problem>,
  options: Options,
) => Effect.Effect<Evaluation, RolloutError.SamplerError, Sampler.Sampler | Verifier.Verifier> = Effect.fn(
  "Evaluator.evaluate",
)(function* (problems, options) {
  const sampler = yield* Sampler.Sampler
  const verifier = yield* Verifier.Verifier
  let done = 0
  let tokens = 0
  const groups = sampler.sample(problems, {
    groupSize: options.samples,
    maxTokens: options.maxTokens,
    temperature: options.temperature ?? 1,
    stopStrings: options.stopStrings ?? [],
    seed: `${options.seed}/sample`,
  })
  const counts = yield* groups.pipe(
    Stream.mapEffect((group) =>
      Effect.gen(function* () {
        const verdicts = yield* Verifier.batch(
          verifier,
          group.completions.map((completion) => ({ problem: group.problem, completion })),
        )
        tokens += group.completions.reduce((sum, c) => sum + c.tokens.length, 0)
        done++
        if (options.onProgress !== undefined) yield* options.onProgress(done, problems.length)
        const ok = verdicts.filter((v) => v.status === "ok")
        return {
          place: group.place,
          count: {
            problem: group.problem.id,
            samples: ok.length,
            correct: ok.filter((v) => v.correct).length,
          } satisfies Count,
        }
      }),
    ),
    Stream.runCollect,
  )
  // Groups come in any order; the order of the problems keeps the bootstrap reproducible.
  const sorted = [...counts].sort((a, b) => a.place - b.place).map(({ count }) => count)
  const judged = sorted.filter((c) => c.samples > 0)
  return {
    counts: sorted,
    curve: judged.length === 0 ? {} : curve(judged, options.seed),
    masked: sorted.reduce((sum, c) => sum + options.samples - c.samples, 0),
    responseLength: tokens / Math.max(1, problems.length * options.samples),
  } satisfies Evaluation
})
