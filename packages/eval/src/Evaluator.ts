/** Evaluation: sample n responses to every problem, judge them, and estimate the pass@k curve. */
import { type Completion, type Problem, type RolloutError, Sampler, type Verdict } from "@lpo/rollout"
import { Verifier } from "@lpo/verifiers"
import { Effect, Schema, Stream } from "effect"
import { Judged, type Sample, Summary, summary } from "./Metrics.ts"
import { type Count, Curve, curve } from "./PassAtK.ts"

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
  /** Names the random streams of the samples and of the bootstrap. */
  readonly seed: string
  readonly temperature?: number
  /** Texts that end a response. Default none. */
  readonly stopStrings?: ReadonlyArray<string>
  /** Called as groups finish, with how many have. */
  readonly onProgress?: (done: number, total: number) => Effect.Effect<void>
}

/** What is counted of judged samples. @category combinators */
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

/** An evaluation of samples that were judged before. @category running */
export const of = (problems: ReadonlyArray<Judged>, seed: string): Evaluation => ({
  problems,
  curve: curve(counts(problems), seed),
  summary: summary(problems),
})

const sampleOf = (completion: Completion.Completion, verdict: Verdict.Verdict): Sample => ({
  status: verdict.status,
  correct: verdict.correct,
  score: verdict.score,
  key: verdict.key,
  length: completion.tokens.length,
  truncated: completion.finish === "length",
  surprise: completion.logprobs.reduce((sum, v) => sum - v, 0) / completion.tokens.length,
})

/** Evaluates the policy behind the sampler. @category running */
export const evaluate: (
  problems: ReadonlyArray<Problem.Problem>,
  options: Options,
) => Effect.Effect<Evaluation, RolloutError.SamplerError, Sampler.Sampler | Verifier.Verifier> = Effect.fn(
  "Evaluator.evaluate",
)(function* (problems, options) {
  const sampler = yield* Sampler.Sampler
  const verifier = yield* Verifier.Verifier
  let done = 0
  const groups = sampler.sample(problems, {
    groupSize: options.samples,
    maxTokens: options.maxTokens,
    temperature: options.temperature ?? 1,
    stopStrings: options.stopStrings ?? [],
    seed: `${options.seed}/sample`,
  })
  const judged = yield* groups.pipe(
    Stream.mapEffect((group) =>
      Effect.gen(function* () {
        const verdicts = yield* Verifier.batch(
          verifier,
          group.completions.map((completion) => ({ problem: group.problem, completion })),
        )
        done++
        if (options.onProgress !== undefined) yield* options.onProgress(done, problems.length)
        const samples = group.completions.map((completion, k) => sampleOf(completion, verdicts[k]))
        return { place: group.place, problem: group.problem.id, samples }
      }),
    ),
    Stream.runCollect,
  )
  // Groups come in any order; the order of the problems keeps the bootstrap reproducible.
  const sorted = [...judged].sort((a, b) => a.place - b.place)
  return of(
    sorted.map(({ problem, samples }) => ({ problem, samples })),
    options.seed,
  )
})
