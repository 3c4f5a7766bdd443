/**
 * Evaluation: sample n responses to every problem, judge them, and estimate the pass@k curve.
 *
 * @module
 */
import { type Completion, type Problem, type RolloutError, Sampler, type Verdict, Verifier } from "@lpo/rollout"
import { Effect, Schema, Stream } from "effect"
import { Judged, Summary, summary } from "./Metrics.ts"
import { type Count, Curve, curve } from "./PassAtK.ts"
import { judgedOf, type Response, type Row } from "./Samples.ts"

/** @category models */
export const Evaluation = Schema.Struct({
  /** In the order of the problems. */
  problems: Schema.Array(Judged),
  curve: Curve,
  summary: Summary,
})
/** @category models */
export interface Evaluation extends Schema.Schema.Type<typeof Evaluation> {}

/** @category models */
export interface Options {
  /** n, responses per problem. */
  readonly samples: number
  readonly maxTokens: number
  /** The seed of the samples and of the bootstrap. */
  readonly seed: string
  readonly temperature?: number
  /** Texts that end a response. Default none. */
  readonly stopStrings?: ReadonlyArray<string>
  /** Called as groups finish, with the number finished so far. */
  readonly onProgress?: (done: number, total: number) => Effect.Effect<void>
}

/** The counts of judged samples. @category combinators */
export const counts = (problems: ReadonlyArray<Judged>): ReadonlyArray<Count> =>
  problems.map(({ problem, samples }) => {
    const judged = samples.filter(({ status }) => status === "ok")
    return {
      problem,
      samples: judged.length,
      correct: judged.filter(({ correct }) => correct).length,
      unjudged: samples.length - judged.length,
    }
  })

/** An evaluation of samples that are already judged. @category running */
export const of = (problems: ReadonlyArray<Judged>, seed: string): Evaluation => ({
  problems,
  curve: curve(counts(problems), seed),
  summary: summary(problems),
})

const responseOf = (completion: Completion.Completion, verdict: Verdict.Verdict): Response => {
  const { extracted, reason } = verdict
  return {
    status: verdict.status,
    correct: verdict.correct,
    score: verdict.score,
    key: verdict.key,
    length: completion.tokens.length,
    truncated: completion.finish === "length",
    surprise: completion.logprobs.reduce((sum, v) => sum - v, 0) / completion.tokens.length,
    text: completion.text,
    ...(extracted === undefined ? {} : { extracted }),
    ...(reason === undefined ? {} : { reason }),
  }
}

/**
 * Samples and judges problem by problem, in the order in which they finish. The draws of a problem depend on the seed and its id,
 * not on the other problems, so you can evaluate in parts.
 *
 * @category running
 */
export const stream = (
  problems: ReadonlyArray<Problem.Problem>,
  options: Options,
): Stream.Stream<Row, RolloutError.SamplerError, Sampler.Sampler | Verifier.Verifier> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const sampler = yield* Sampler.Sampler
      const verifier = yield* Verifier.Verifier
      const { maxTokens, samples, seed, stopStrings = [], temperature = 1 } = options
      return sampler
        .sample(problems, { groupSize: samples, maxTokens, temperature, stopStrings, seed: `${seed}/sample` })
        .pipe(
          Stream.mapEffect(({ completions, place, problem }) =>
            Effect.map(
              Verifier.batch(
                verifier,
                completions.map((completion) => ({ problem, completion })),
              ),
              (verdicts): Row => ({
                place,
                problem: problem.id,
                samples: completions.map((completion, k) => responseOf(completion, verdicts[k])),
              }),
            ),
          ),
        )
    }),
  )

/** Evaluates the policy behind the sampler. @category running */
export const evaluate: (
  problems: ReadonlyArray<Problem.Problem>,
  options: Options,
) => Effect.Effect<Evaluation, RolloutError.SamplerError, Sampler.Sampler | Verifier.Verifier> = Effect.fn(
  "Evaluator.evaluate",
)(function* (problems, options) {
  let done = 0
  const judged = yield* stream(problems, options).pipe(
    Stream.mapEffect((row) =>
      Effect.gen(function* () {
        done++
        if (options.onProgress !== undefined) yield* options.onProgress(done, problems.length)
        return { place: row.place, judged: judgedOf(row) }
      }),
    ),
    Stream.runCollect,
  )
  // Groups come in any order; the order of the problems keeps the bootstrap reproducible.
  const sorted = [...judged].sort((a, b) => a.place - b.place)
  return of(
    sorted.map((one) => one.judged),
    options.seed,
  )
})
