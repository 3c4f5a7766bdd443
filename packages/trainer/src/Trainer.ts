/**
 * Algorithm 1 of the paper: sample a batch from the policy, score it, build the target, and project onto it in E epochs
 * of mini-batches with P_theta recomputed at the current theta; then publish the new policy.
 *
 * A step depends on the run's seed, its index and the learner's state, on nothing else; a run resumed from a checkpoint
 * therefore ends like one that was never stopped. Sampling and verification can be interrupted; the update cannot, and
 * an interrupted run leaves a checkpoint of its last whole step.
 */
import { Dataset, type Group, type Problem, Sampler, Seed, type Verdict } from "@lpo/rollout"
import { Verifier } from "@lpo/verifiers"
import { Effect, Stream } from "effect"
import * as Batch from "./Batch.ts"
import * as Checkpoint from "./Checkpoint.ts"
import { Learner, type TrainGroup } from "./Learner.ts"
import { mean } from "./internal/mean.ts"
import { type ObjectiveResult, withBatch } from "./Objective.ts"
import type { Row, Run } from "./RunStore.ts"
import type { TrainConfig } from "./TrainConfig.ts"
import { TrainingError } from "./TrainerError.ts"

/** What is reported after every step, and written to events.jsonl. @category models */
export interface StepReport extends Row {
  readonly reward: number
  readonly passRate: number
  readonly entropy: number
  readonly responseLength: number
  /** Mean global gradient norm of the step's optimiser steps, before clipping; null where the engine does not tell. */
  readonly gradNorm: number | null
  /** KL(w* || P_theta) in nats, mean over the last mini-batches' groups. */
  readonly targetKl: number
  /** Effective sample size of P_theta as a share of K, mean over groups. */
  readonly ess: number
  readonly masked: number
  readonly tooSmall: number
  readonly zeroVariance: number
  readonly secondsSampling: number
  readonly secondsVerifying: number
  readonly secondsLearning: number
  readonly tokensPerSecond: number
}

const seconds = (from: number): number => (performance.now() - from) / 1000

const score = (group: Group.Group, verdicts: ReadonlyArray<Verdict.Verdict>): Group.ScoredGroup => ({
  ...group,
  verdicts,
})

/** Samples and scores the groups of one step, in the order of its problems. */
const rollOut = Effect.fn("Trainer.rollOut")(function* (
  config: TrainConfig,
  problems: ReadonlyArray<Problem.Problem>,
  step: number,
) {
  const sampler = yield* Sampler.Sampler
  const verifier = yield* Verifier.Verifier
  const batch = Dataset.batch(problems, { step, size: config.promptsPerStep, seed: config.seed })
  const startedSampling = performance.now()
  const sampled = yield* sampler
    .sample(batch, { groupSize: config.groupSize, maxTokens: config.maxTokens, seed: `${config.seed}/sample/${step}` })
    .pipe(Stream.runCollect)
  const secondsSampling = seconds(startedSampling)
  const order = new Map(batch.map((problem, i) => [problem.id, i]))
  const place = (group: Group.Group): number => order.get(group.problem.id) ?? batch.length
  const startedVerifying = performance.now()
  const inPlace = [...sampled].sort((a, b) => place(a) - place(b))
  const items = inPlace.flatMap(({ completions, problem }) =>
    completions.map((completion) => ({ problem, completion })),
  )
  const verdicts = yield* Verifier.batch(verifier, items, {
    concurrency: config.verifyConcurrency,
    deadline: `${config.verifySeconds} seconds`,
  })
  let at = 0
  const groups = inPlace.map((group) => score(group, verdicts.slice(at, (at += group.completions.length))))
  return { groups, secondsSampling, secondsVerifying: seconds(startedVerifying) }
})

/** The learning rate of a step: linear warm-up to the peak, then constant. */
const learningRate = ({ optimizer }: TrainConfig, step: number): number =>
  optimizer.learningRate * Math.min(1, (step + 1) / (optimizer.warmupSteps + 1))

/** E epochs of mini-batches over the kept groups; the last result of every group, and the gradient norms. */
const learn = Effect.fn("Trainer.learn")(function* (
  config: TrainConfig,
  kept: ReadonlyArray<Group.ScoredGroup>,
  step: number,
) {
  const learner = yield* Learner
  const anchors =
    config.anchor === "sampled"
      ? kept.map((g) => g.completions.map((c) => c.logprobs))
      : yield* Effect.forEach(kept, (g) =>
          learner.logprobs(g.completions.map((c) => ({ prompt: g.promptTokens, completion: c.tokens }))),
        )
  const objective = withBatch(config.objective, Batch.statistics(kept, config.promptsPerStep))
  const groups = kept.map((group, i): TrainGroup => ({ group, anchor: anchors[i] }))
  const results = new Map<Group.ScoredGroup, ObjectiveResult>()
  const gradNorms: Array<number> = []
  let tokens = 0
  for (let epoch = 0; epoch < config.epochs; epoch++) {
    const order = Seed.shuffle(groups, `${config.seed}/mini-batch/${step}/${epoch}`)
    for (let m = 0; m < config.miniBatches; m++) {
      const part = order.filter((_, i) => i % config.miniBatches === m)
      if (part.length === 0) continue
      // 1/B over all prompts of the mini-batch: a dropped group counts as the zero gradient it has (Algorithm 1).
      const scale = config.miniBatches / config.promptsPerStep
      const stats = yield* learner.accumulate(part, objective, scale)
      for (const [i, result] of stats.results.entries()) results.set(part[i].group, result)
      tokens += stats.tokens
      const { gradNorm } = yield* learner.step({ ...config.optimizer, learningRate: learningRate(config, step) })
      if (gradNorm === null) continue
      if (!Number.isFinite(gradNorm)) {
        return yield* new TrainingError({
          step: step + 1,
          reason: `the gradient norm is ${gradNorm}; lower the learning rate (${config.optimizer.learningRate}) and resume from the last checkpoint`,
        })
      }
      gradNorms.push(gradNorm)
    }
  }
  yield* learner.publish
  return { results, gradNorms, tokens }
})

const klOf = ({ policy, target }: ObjectiveResult): number =>
  target.reduce((sum, w, k) => (w > 0 ? sum + w * Math.log(w / Math.max(policy[k], Number.MIN_VALUE)) : sum), 0)
const essOf = ({ policy }: ObjectiveResult): number => 1 / policy.reduce((sum, p) => sum + p * p, 0) / policy.length

/** A group as completions.jsonl keeps it: why this reward, why this gradient. */
const describe = (step: number, group: Group.ScoredGroup, result: ObjectiveResult): Row => ({
  step,
  problem: group.problem.id,
  prompt: group.problem.prompt,
  completions: group.completions.map((completion, k) => ({
    text: completion.text,
    reward: group.verdicts[k].score,
    correct: group.verdicts[k].correct,
    reason: group.verdicts[k].reason ?? "",
    target: result.target[k],
    policy: result.policy[k],
    coefficient: result.coefficients[k],
  })),
})

/**
 * Trains from the run's last checkpoint (or from the learner's present weights) to `config.steps`. `onStep` is called
 * after every step. Ends with a checkpoint, also when interrupted or when a step fails before its update.
 *
 * @category running
 */
export const train = Effect.fn("Trainer.train")(function* (options: {
  readonly config: TrainConfig
  readonly problems: ReadonlyArray<Problem.Problem>
  readonly run: Run
  readonly onStep?: (report: StepReport) => Effect.Effect<void>
}) {
  const { config, problems, run } = options
  const learner = yield* Learner
  if (run.resumeFrom !== null) yield* learner.restore(run.resumeFrom.path)
  let taken = run.resumeFrom?.step ?? 0
  let saved = taken
  const checkpoint = Effect.suspend(() =>
    saved === taken
      ? Effect.void
      : Checkpoint.write({ folder: run.checkpoints, step: taken, learner, keep: 2 }).pipe(
          Effect.andThen(Effect.sync(() => (saved = taken))),
        ),
  )
  let whole = true
  const update = (step: number, rolled: Effect.Success<ReturnType<typeof rollOut>>) =>
    Effect.gen(function* () {
      const started = performance.now()
      const { kept, ...dropped } = Batch.select(rolled.groups, config.objective.zeroVariance)
      for (const group of rolled.groups) {
        const reason = Batch.objection(group)
        if (reason !== null) return yield* new TrainingError({ step: step + 1, reason })
      }
      whole = false
      const { gradNorms, results, tokens } = yield* learn(config, kept, step)
      taken = step + 1
      whole = true
      const secondsLearning = seconds(started)
      const metrics = Batch.metrics(rolled.groups)
      const report: StepReport = {
        step: taken,
        ...metrics,
        ...dropped,
        gradNorm: gradNorms.length === 0 ? null : mean(gradNorms),
        learningRate: learningRate(config, step),
        targetKl: mean([...results.values()].map(klOf)),
        ess: mean([...results.values()].map(essOf)),
        secondsSampling: rolled.secondsSampling,
        secondsVerifying: rolled.secondsVerifying,
        secondsLearning,
        tokensPerSecond: (metrics.responseTokens + tokens) / Math.max(1e-9, secondsLearning + rolled.secondsSampling),
      }
      const logged = kept.slice(0, config.groupsLogged).flatMap((group) => {
        const result = results.get(group)
        return result === undefined ? [] : [describe(taken, group, result)]
      })
      yield* run.appendCompletions(logged)
      yield* run.appendEvent(report)
      if (taken % config.checkpointEvery === 0) yield* checkpoint
      return report
    })
  const loop = Effect.gen(function* () {
    for (let step = taken; step < config.steps; step++) {
      const rolled = yield* rollOut(config, problems, step)
      const report = yield* Effect.uninterruptible(update(step, rolled))
      if (options.onStep !== undefined) yield* options.onStep(report)
      yield* Effect.yieldNow
    }
  })
  // A step that failed half way has changed the weights: only whole steps are worth a checkpoint.
  yield* loop.pipe(Effect.onExit(() => Effect.suspend(() => (whole ? Effect.ignore(checkpoint) : Effect.void))))
  yield* checkpoint
  return taken
})
