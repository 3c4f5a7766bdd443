/**
 * Metrics of a policy from n judged samples per problem: pure functions of {@link Judged} records.
 *
 * Unbiased estimates have their own names (pass@k, avg@n, maj@k); verl's resampled best@n, worst@n and maj@n, which
 * differ, have verl's.
 *
 * @module
 */
import * as Seed from "@lpo/rollout/Seed"
import { Schema } from "effect"

/** The record of one sample. @category models */
export const Sample = Schema.Struct({
  /** `ok`, or why there is no verdict. */
  status: Schema.Literals(["ok", "error", "timeout"]),
  correct: Schema.Boolean,
  /** Reward. */
  score: Schema.Finite,
  /** Canonical answer; null if none was found. */
  key: Schema.NullOr(Schema.String),
  /** Tokens. */
  length: Schema.Int,
  /** Whether it was cut at the token limit. */
  truncated: Schema.Boolean,
  /** Mean of -log-prob over its tokens, nats. */
  surprise: Schema.Finite,
})
/** @category models */
export interface Sample extends Schema.Schema.Type<typeof Sample> {}

/** The samples of one problem, in the order of the requests. @category models */
export const Judged = Schema.Struct({ problem: Schema.String, samples: Schema.Array(Sample) })
/** @category models */
export interface Judged extends Schema.Schema.Type<typeof Judged> {}

/** The samples that have a verdict. @category combinators */
export const judgedOf = ({ samples }: Judged): ReadonlyArray<Sample> => samples.filter(({ status }) => status === "ok")

const mean = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b, 0) / values.length

/** Share of right answers of each problem with a verdict; their mean is avg@n, which is pass@1. @category metrics */
export const average = (problems: ReadonlyArray<Judged>): ReadonlyArray<number> =>
  problems.flatMap((problem) => {
    const samples = judgedOf(problem)
    return samples.length === 0 ? [] : [mean(samples.map(({ correct }) => (correct ? 1 : 0)))]
  })

/** The sample that a vote elects: the one with the most frequent key, ties going to the key that came first; null without a key. */
const elected = (samples: ReadonlyArray<Sample>): Sample | null => {
  const votes = new Map<string, { readonly first: Sample; count: number }>()
  for (const sample of samples) {
    if (sample.key === null) continue
    const vote = votes.get(sample.key)
    if (vote === undefined) votes.set(sample.key, { first: sample, count: 1 })
    else vote.count++
  }
  let best: { readonly first: Sample; count: number } | null = null
  for (const vote of votes.values()) if (best === null || vote.count > best.count) best = vote
  return best?.first ?? null
}

/**
 * maj@k of each problem with k verdicts or more: how often the most frequent of k answers is right, over the problem's disjoint
 * runs of k samples. Answers are counted by canonical key; a sample without a key has no vote, a tie goes to the key that came first,
 * and a vote without any keys is wrong.
 *
 * @category metrics
 */
export const majority = (problems: ReadonlyArray<Judged>, k: number): ReadonlyArray<number> =>
  problems.flatMap((problem) => {
    const samples = judgedOf(problem)
    const runs = k < 1 ? 0 : Math.floor(samples.length / k)
    if (runs === 0) return []
    return [
      mean(
        Array.from({ length: runs }, (_, i) => (elected(samples.slice(i * k, (i + 1) * k))?.correct === true ? 1 : 0)),
      ),
    ]
  })

/** Number of different canonical answers among each problem's verdicts. @category metrics */
export const distinct = (problems: ReadonlyArray<Judged>): ReadonlyArray<number> =>
  problems
    .map((problem) => judgedOf(problem))
    .filter((samples) => samples.length > 0)
    .map((samples) => new Set(samples.flatMap(({ key }) => (key === null ? [] : [key]))).size)

/** A mean over problems, and over the resamples within a problem the standard deviation. @category models */
export interface Resampled {
  readonly mean: number
  readonly std: number
}

/**
 * Mean and standard deviation of the largest of n draws with replacement from `scores`, exactly: the number that verl's 1,000
 * resamples estimate. With `-scores` and the sign changed back it gives the smallest.
 */
const largest = (scores: ReadonlyArray<number>, n: number): Resampled => {
  const sorted = [...scores].sort((a, b) => a - b)
  const share = (i: number): number => (i / sorted.length) ** n
  const moment = (power: number): number =>
    sorted.reduce((sum, score, i) => sum + score ** power * (share(i + 1) - share(i)), 0)
  const first = moment(1)
  return { mean: first, std: Math.sqrt(Math.max(0, moment(2) - first * first)) }
}

/** 1,000 votes among n draws with replacement, as in verl. */
const vote = (samples: ReadonlyArray<Sample>, n: number, seed: string): Resampled => {
  const random = Seed.stream(seed)
  const draws = Array.from({ length: 1000 }, () => {
    const drawn = Array.from({ length: n }, () => samples[random.int(0, samples.length - 1)])
    return elected(drawn)?.score ?? 0
  })
  const center = mean(draws)
  return { mean: center, std: Math.sqrt(mean(draws.map((v) => (v - center) ** 2))) }
}

/**
 * The validation metrics of verl under their names: `mean@N` and `std@N` (population), and for n = 2, 4, 8, ... N
 * `best@n/mean`, `best@n/std`, the same of `worst` and `maj`, each averaged over problems. They resample with replacement, so
 * best@n is biased low: N = 16 with one right gives 0.644 at n = 16, where the unbiased pass@16 is 1. `best` and `worst` are exact
 * here; `maj` draws from the stream of `seed`, over canonical keys instead of verl's raw strings.
 *
 * @category metrics
 */
export const verl = (problems: ReadonlyArray<Judged>, seed: string): Readonly<Record<string, number>> => {
  const judged = problems
    .map((problem) => ({ problem: problem.problem, samples: judgedOf(problem) }))
    .filter(({ samples }) => samples.length > 0)
  const out: Record<string, number> = {}
  if (judged.length === 0) return out
  const size = Math.max(...judged.map(({ samples }) => samples.length))
  const add = (name: string, of: (samples: ReadonlyArray<Sample>, problem: string) => Resampled): void => {
    const all = judged.map(({ problem, samples }) => of(samples, problem))
    out[`${name}/mean`] = mean(all.map((r) => r.mean))
    out[`${name}/std`] = mean(all.map((r) => r.std))
  }
  const scores = (samples: ReadonlyArray<Sample>) => samples.map(({ score }) => score)
  const spread = judged.map(({ samples }) => {
    const center = mean(scores(samples))
    return { mean: center, std: Math.sqrt(mean(scores(samples).map((v) => (v - center) ** 2))) }
  })
  out[`mean@${size}`] = mean(spread.map((s) => s.mean))
  out[`std@${size}`] = mean(spread.map((s) => s.std))
  const sizes: Array<number> = []
  for (let n = 2; n < size; n *= 2) sizes.push(n)
  if (size > 1) sizes.push(size)
  for (const n of sizes) {
    add(`best@${n}`, (samples) => largest(scores(samples), n))
    add(`worst@${n}`, (samples) => {
      const { mean: low, std } = largest(
        scores(samples).map((v) => -v),
        n,
      )
      return { mean: -low, std }
    })
    add(`maj@${n}`, (samples, problem) => vote(samples, n, `${seed}/maj@${n}/${problem}`))
  }
  return out
}

/** Means over all samples, with a verdict or without; `unjudged` is a count. @category models */
export const Summary = Schema.Struct({
  /** Samples. */
  samples: Schema.Int,
  /** Samples without a verdict. */
  unjudged: Schema.Int,
  /** Tokens. */
  responseLength: Schema.Finite,
  /** Share cut at the token limit. */
  truncated: Schema.Finite,
  /** Nats per token: the mean surprise of the sampled tokens, which estimates the entropy. */
  entropy: Schema.Finite,
  /** Different canonical answers per problem. */
  distinctAnswers: Schema.Finite,
})
/** @category models */
export interface Summary extends Schema.Schema.Type<typeof Summary> {}

/** @category metrics */
export const summary = (problems: ReadonlyArray<Judged>): Summary => {
  const samples = problems.flatMap((problem) => problem.samples)
  const tokens = samples.reduce((sum, { length }) => sum + length, 0)
  const share = (sum: number, of: number): number => (of === 0 ? 0 : sum / of)
  const answers = distinct(problems)
  return {
    samples: samples.length,
    unjudged: samples.filter(({ status }) => status !== "ok").length,
    responseLength: share(tokens, samples.length),
    truncated: share(samples.filter(({ truncated }) => truncated).length, samples.length),
    entropy: share(
      samples.reduce((sum, { length, surprise }) => sum + surprise * length, 0),
      tokens,
    ),
    distinctAnswers: share(
      answers.reduce((a, b) => a + b, 0),
      answers.length,
    ),
  }
}
