/**
 * The rollouts of a step: its problems sampled and scored, and how many steps' rollouts may be in progress while the learner
 * works.
 *
 * Step s is trained on samples of the policy after `s - maxLag` steps (after none if that is negative), whatever
 * finishes first: the step is fixed before anything is sampled, and nothing is dropped for being stale, which
 * would favour short responses. With `maxLag` 0 sampling and learning take turns, strictly on policy.
 *
 * @module
 */
import type { Dataset, Group, Problem, RolloutError, Verdict } from "@lpo/rollout"
import * as Problems from "@lpo/rollout/Problems"
import * as Sampler from "@lpo/rollout/Sampler"
import * as Verifier from "@lpo/rollout/Verifier"
import { Effect, Fiber, Semaphore, Stream } from "effect"
import * as Clock from "./internal/clock.ts"
import * as Noise from "./Noise.ts"
import * as Selection from "./Selection.ts"
import type { TrainConfig } from "./TrainConfig.ts"

/** A problem that was skipped. @category models */
export interface LeftOut {
  readonly problem: string
  readonly reason: string
}

/** The training data of a step. @category models */
export interface Rolled {
  readonly step: number
  /** Steps that the sampling policy had taken. */
  readonly policyStep: number
  /** Problems drawn from the dataset up to here, over the whole run. */
  readonly drawn: number
  /** In the order of the step's problems, with replacements for others last. */
  readonly groups: ReadonlyArray<Group.ScoredGroup>
  /** Problems that the sampler refused. */
  readonly leftOut: ReadonlyArray<LeftOut>
  /** How many of the groups replace silent ones. */
  readonly resampled: number
  /** From the first request to the last group, seconds. */
  readonly secondsSampling: number
  /** From the last group to the last verdict, seconds: verdicts are reached while other groups are sampled. */
  readonly secondsVerifying: number
}

/** What can stop the rollouts of a step. @category errors */
export type RolloutFailure = RolloutError.SamplerError | RolloutError.DatasetError

/** Scores a group; a verdict's deadline starts when its turn comes. */
const judging = Effect.fn("Rollout.judging")(function* (config: TrainConfig, step: number) {
  const { noise = null, seed, verifyConcurrency, verifySeconds } = config
  const verifier = yield* Verifier.Verifier
  const turns = yield* Semaphore.make(verifyConcurrency)
  const judge = (problem: Problem.Problem, completion: Group.Group["completions"][number]) =>
    Verifier.batch(verifier, [{ problem, completion }], { deadline: `${verifySeconds} seconds` }).pipe(
      Effect.map(([verdict]): Verdict.Verdict => verdict),
      turns.withPermits(1),
    )
  return (group: Group.Group): Effect.Effect<Group.ScoredGroup> =>
    Effect.forEach(group.completions, (completion) => judge(group.problem, completion), {
      concurrency: "unbounded",
    }).pipe(
      Effect.map((verdicts) => ({ ...group, verdicts })),
      Effect.map((scored) => (noise === null ? scored : Noise.apply(noise, scored, seed, step))),
    )
})

/** Samples and scores groups; each is verified as soon as it is sampled. */
const sampleAndScore = Effect.fn("Rollout.sampleAndScore")(function* (
  config: TrainConfig,
  problems: ReadonlyArray<Problem.Problem>,
  step: number,
  seed: string,
) {
  const sampler = yield* Sampler.Sampler
  const judge = yield* judging(config, step)
  const { groupSize, maxTokens, stopStrings = [], temperature = 1 } = config
  const options: Sampler.SampleOptions = {
    groupSize,
    maxTokens,
    stopStrings,
    seed,
    ...(temperature === 1 ? {} : { temperature, logprobsOf: "processed" }),
  }
  const reasons = yield* Effect.forEach(
    problems,
    (problem) => sampler.refusal?.(problem, options) ?? Effect.succeed(null),
  )
  const leftOut = problems.flatMap(({ id }, i): ReadonlyArray<LeftOut> => {
    const reason = reasons[i]
    return reason === null ? [] : [{ problem: id, reason }]
  })
  const started = yield* Clock.now
  let sampled = started
  const groups = yield* sampler
    .sample(
      problems.filter((_, i) => reasons[i] === null),
      options,
    )
    .pipe(
      Stream.tap(() => Effect.map(Clock.now, (time) => (sampled = time))),
      Stream.mapEffect(judge, { concurrency: "unbounded", unordered: true }),
      Stream.runCollect,
    )
  return {
    groups: [...groups].sort((a, b) => a.place - b.place),
    leftOut,
    secondsSampling: sampled - started,
    secondsVerifying: yield* Clock.since(sampled),
  }
})

/** Whether there are verdicts, and all are missing. @category predicates */
export const isUnjudged = ({ groups }: Rolled): boolean => {
  const verdicts = groups.flatMap((group) => group.verdicts)
  return verdicts.length > 0 && verdicts.every(({ status }) => status !== "ok")
}

const judgeAgain = Effect.fn("Rollout.judgeAgain")(function* (config: TrainConfig, rolled: Rolled) {
  const judge = yield* judging(config, rolled.step)
  const groups = yield* Effect.forEach(rolled.groups, judge, { concurrency: "unbounded" })
  return { ...rolled, groups } satisfies Rolled
})

/** The groups of one step, from the problems after the `drawn` ones that were taken before. @category running */
export const rollOut = Effect.fn("Rollout.rollOut")(function* (
  config: TrainConfig,
  problems: Dataset.Problems,
  step: number,
  policyStep: number,
  drawn: number,
) {
  const { promptsPerStep: size, resampleRounds = 3, seed, silentGroups = "drop" } = config
  const draw = (count: number) => {
    const from = drawn
    drawn += count
    return Problems.draw(problems, { from, size: count, seed })
  }
  const rounds = [yield* sampleAndScore(config, yield* draw(size), step, `${seed}/sample/${step}`)]
  const lacking = (): number =>
    size -
    Selection.select(
      rounds.flatMap((round) => round.groups),
      config.objective,
    ).kept.length
  const most = silentGroups === "resample" ? resampleRounds : 0
  for (let round = 1; round <= most && lacking() > 0; round++)
    rounds.push(yield* sampleAndScore(config, yield* draw(lacking()), step, `${seed}/resample/${step}/${round}`))
  const groups = rounds.flatMap((round) => round.groups)
  return {
    step,
    policyStep,
    drawn,
    groups,
    leftOut: rounds.flatMap(({ leftOut }) => leftOut),
    resampled: groups.length - rounds[0].groups.length,
    secondsSampling: rounds.reduce((sum, round) => sum + round.secondsSampling, 0),
    secondsVerifying: rounds.reduce((sum, round) => sum + round.secondsVerifying, 0),
  } satisfies Rolled
})

/** Rollouts in progress, oldest first. @category models */
export interface Rollouts {
  /** Starts the rollouts of every step that the policy, which has taken `taken` steps, may sample for. */
  readonly admit: (taken: number) => Effect.Effect<void, never, Sampler.Sampler | Verifier.Verifier>
  /** Waits for the rollouts of the next training step; they stay until that step is complete. */
  readonly take: Effect.Effect<Rolled, RolloutFailure>
  /** Their step is complete. */
  readonly drop: Effect.Effect<void>
  /**
   * Waits for rollouts of an older policy, which the policy of `taken` steps could not sample again; they stay to be
   * taken. Those of the next step are among them when they are there already.
   */
  readonly pending: (taken: number) => Effect.Effect<ReadonlyArray<Rolled>, RolloutFailure>
  /** Seconds since the last call in which nothing was sampled or verified. */
  readonly idle: Effect.Effect<number>
}

/**
 * The rollouts of a run from step `from` on, when `drawn` problems were taken from the dataset; `pending` are those that a
 * checkpoint kept. Its fibers end with the caller's.
 *
 * @category constructors
 */
export const make = Effect.fn("Rollout.make")(function* (
  config: TrainConfig,
  problems: Dataset.Problems,
  from: number,
  pending: ReadonlyArray<Rolled>,
  drawn: number,
) {
  interface Waiting {
    readonly policyStep: number
    readonly rolled: Effect.Effect<Rolled, RolloutFailure>
  }
  const verifier = yield* Verifier.Verifier
  const queue: Array<Waiting> = []
  for (const rolled of pending) {
    // Rollouts without a verdict wait for a verifier that works.
    const judged = yield* Effect.cached(
      isUnjudged(rolled)
        ? Effect.provideService(judgeAgain(config, rolled), Verifier.Verifier, verifier)
        : Effect.succeed(rolled),
    )
    queue.push({ policyStep: rolled.policyStep, rolled: judged })
  }
  /** The last rollouts taken, whether their step completed or not. */
  let arrived: Waiting | null = null
  let next = from + pending.length
  // Steps that are sampled ahead draw as many problems as there are prompts; one that may draw more is not sampled ahead.
  let ahead = pending.at(-1)?.drawn ?? drawn
  let active = 0
  let idleSince = yield* Clock.now
  let idle = 0
  const begin = Effect.map(Clock.now, (time) => {
    if (active++ === 0) idle += time - idleSince
  })
  const end = Effect.map(Clock.now, (time) => {
    if (--active === 0) idleSince = time
  })
  const rollouts: Rollouts = {
    admit: (taken) =>
      Effect.gen(function* () {
        for (; next <= taken + config.maxLag && next < config.steps; next++) {
          const rolling = begin.pipe(
            Effect.andThen(rollOut(config, problems, next, taken, ahead)),
            Effect.tap((rolled) => Effect.sync(() => (ahead = Math.max(ahead, rolled.drawn)))),
            Effect.ensuring(end),
          )
          if (config.maxLag > 0) ahead += config.promptsPerStep
          // At once: the last published policy samples.
          const fiber = yield* Effect.forkChild(rolling, { startImmediately: true })
          queue.push({ policyStep: taken, rolled: Fiber.join(fiber) })
        }
      }),
    take: Effect.suspend(() => {
      const first = queue[0]
      if (first === undefined) return Effect.die(new Error("no rollouts were admitted"))
      return first.rolled.pipe(Effect.tap(() => Effect.sync(() => void (arrived = first))))
    }),
    drop: Effect.sync(() => void queue.shift()),
    pending: (taken) =>
      Effect.suspend(() =>
        Effect.forEach(
          queue.filter((waiting) => waiting === arrived || waiting.policyStep < taken),
          ({ rolled }) => rolled,
        ),
      ),
    idle: Effect.map(Clock.now, (time) => {
      const total = idle + (active === 0 ? time - idleSince : 0)
      idle = 0
      idleSince = time
      return total
    }),
  }
  return rollouts
})
