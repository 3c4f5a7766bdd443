/**
 * Algorithm 1 of the paper: sample a batch from the policy, score it, build the target, and project onto it in E epochs
 * of mini-batches with P_theta recomputed at the current theta; then publish the new policy.
 *
 * A step depends on the run's seed, its index and the learner's state, on nothing else; a run resumed from a checkpoint
 * therefore ends like one that was never stopped. Sampling and verification can be interrupted; the update cannot, and
 * an interrupted run leaves a checkpoint of its last whole step.
 */
import { type Group, type Problem, Sampler, Seed } from "@lpo/rollout"
import { OffPolicy } from "@lpo/simplex"
import { Effect } from "effect"
import * as Batch from "./Batch.ts"
import * as Checkpoint from "./Checkpoint.ts"
import { Learner, type TrainGroup } from "./Learner.ts"
import { mean } from "./internal/mean.ts"
import * as Pending from "./internal/rollouts.ts"
import { logRatios, type ObjectiveResult, withBatch } from "./Objective.ts"
import * as Rollout from "./Rollout.ts"
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
  /** Steps between the policy that sampled and the one that was trained, at most `maxLag`. */
  readonly lag: number
  /** Effective sample size of P_t as a share of K, least of all groups: 1 for fresh ones. */
  readonly anchorEss: number
  /** Largest |s_t| of any response, nats: 0 for fresh groups. */
  readonly anchorLogRatio: number
  readonly secondsSampling: number
  readonly secondsVerifying: number
  readonly secondsLearning: number
  /** Seconds that the learner waited for rollouts. */
  readonly secondsLearnerIdle: number
  /** Seconds of the step in which nothing was sampled or verified. */
  readonly secondsSamplerIdle: number
  /** Tokens sampled and learned from, by the step's whole time. */
  readonly tokensPerSecond: number
}

const seconds = (from: number): number => (performance.now() - from) / 1000

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
  const staleness = groups.map(({ anchor, group }) =>
    OffPolicy.staleness(
      logRatios(
        anchor,
        group.completions.map((c) => c.logprobs),
      ),
    ),
  )
  return {
    results,
    gradNorms,
    tokens,
    version: yield* learner.publish,
    anchorEss: staleness.reduce((least, { ess }, i) => Math.min(least, ess / groups[i].anchor.length), 1),
    anchorLogRatio: staleness.reduce((most, { maxAbs }) => Math.max(most, maxAbs), 0),
  }
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

/** Why the configuration cannot be run with this sampler; null when it can. */
const objection = (config: TrainConfig, sampler: Sampler.SamplerService): string | null => {
  if (!Number.isInteger(config.maxLag) || config.maxLag < 0)
    return `maxLag is ${config.maxLag}; give a whole number of steps, 0 for strictly on policy`
  if (config.maxLag > 0 && sampler.pinsPolicy !== true)
    return `maxLag is ${config.maxLag}, but this sampler reads the weights that are being trained; give 0`
  if (config.maxLag > 0 && config.anchor !== "recompute")
    return `maxLag is ${config.maxLag} and anchor "sampled", but the policy that sampled is not the anchor; give anchor "recompute"`
  return null
}

/** Why rollouts must not be trained on; null when nothing stands against it. */
const misgiving = ({ groups }: Rollout.Rolled, version: number): string | null => {
  for (const group of groups) {
    const reason = Batch.objection(group)
    if (reason !== null) return reason
    const other = group.completions.find((c) => c.policyVersion !== version)
    if (other !== undefined)
      return `problem ${group.problem.id} was sampled by policy ${other.policyVersion}, where ${version} was published; the sampler must use the policy that was published last`
  }
  return null
}

/**
 * Trains from the run's last checkpoint (or from the learner's present weights) to `config.steps`. `onStep` is called
 * after every step. Ends with a checkpoint, also when interrupted or when a step fails before its update; with `maxLag`
 * above 0 an interrupted run goes on from its last regular checkpoint, since its rollouts under way are lost.
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
  const refused = objection(config, yield* Sampler.Sampler)
  if (refused !== null) return yield* new TrainingError({ step: 0, reason: refused })
  let taken = run.resumeFrom?.step ?? 0
  let saved = taken
  const kept = run.resumeFrom === null ? [] : yield* Pending.read(run.resumeFrom.path, problems)
  if (run.resumeFrom !== null) yield* learner.restore(run.resumeFrom.path)
  const rollouts = Rollout.make(config, problems, taken, kept)
  /** What `publish` answered, by the number of steps the policy had taken. */
  const versions = new Map(
    kept.flatMap(({ groups, policyStep }) =>
      groups.slice(0, 1).map((g) => [policyStep, g.completions[0].policyVersion]),
    ),
  )
  versions.set(taken, yield* learner.publish)
  const checkpoint = Effect.gen(function* () {
    if (saved === taken) return
    const files = Pending.files(yield* rollouts.pending(taken))
    yield* Checkpoint.write({ folder: run.checkpoints, step: taken, learner, files, keep: 2 })
    saved = taken
  })
  let whole = true
  let lastReport = performance.now()
  const update = (rolled: Rollout.Rolled, secondsLearnerIdle: number) =>
    Effect.gen(function* () {
      const { step } = rolled
      const started = performance.now()
      const reason = misgiving(rolled, versions.get(rolled.policyStep) ?? Number.NaN)
      if (reason !== null) return yield* new TrainingError({ step: step + 1, reason })
      const { kept, ...dropped } = Batch.select(rolled.groups, config.objective.zeroVariance)
      whole = false
      const { anchorEss, anchorLogRatio, gradNorms, results, tokens, version } = yield* learn(config, kept, step)
      taken = step + 1
      versions.set(taken, version)
      whole = true
      const metrics = Batch.metrics(rolled.groups)
      const report: StepReport = {
        step: taken,
        ...metrics,
        ...dropped,
        gradNorm: gradNorms.length === 0 ? null : mean(gradNorms),
        learningRate: learningRate(config, step),
        targetKl: mean([...results.values()].map(klOf)),
        ess: mean([...results.values()].map(essOf)),
        lag: step - rolled.policyStep,
        anchorEss,
        anchorLogRatio,
        secondsSampling: rolled.secondsSampling,
        secondsVerifying: rolled.secondsVerifying,
        secondsLearning: seconds(started),
        secondsLearnerIdle,
        secondsSamplerIdle: rollouts.idle(),
        tokensPerSecond: (metrics.responseTokens + tokens) / Math.max(1e-9, seconds(lastReport)),
      }
      lastReport = performance.now()
      const logged = kept.slice(0, config.groupsLogged).flatMap((group) => {
        const result = results.get(group)
        return result === undefined ? [] : [describe(taken, group, result)]
      })
      yield* run.appendCompletions(logged)
      yield* run.appendEvent(report)
      return report
    })
  const loop = Effect.gen(function* () {
    while (taken < config.steps) {
      yield* rollouts.admit(taken)
      const waited = performance.now()
      const rolled = yield* rollouts.take
      const report = yield* Effect.uninterruptible(update(rolled, seconds(waited)))
      // The policy is published: what may be sampled ahead from it starts before anything else is done.
      if (config.maxLag > 0) yield* rollouts.admit(taken)
      if (taken % config.checkpointEvery === 0) yield* checkpoint
      if (options.onStep !== undefined) yield* options.onStep(report)
      yield* Effect.yieldNow
    }
  })
  // A step that failed half way has changed the weights: only whole steps are worth a checkpoint.
  yield* loop.pipe(
    Effect.onExit((exit) =>
      Effect.suspend(() =>
        whole && (exit._tag === "Success" || config.maxLag === 0) ? Effect.ignore(checkpoint) : Effect.void,
      ),
    ),
  )
  yield* checkpoint
  return taken
})
