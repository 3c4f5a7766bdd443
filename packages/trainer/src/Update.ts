/**
 * The update of a step: E epochs of mini-batches over the kept groups. Here, and only here, a group's rewards, log-probs and
 * anchor become an objective's input, and its weights the ones that the engine applies.
 */
import { Group, Seed } from "@lpo/rollout"
import { OffPolicy } from "@lpo/simplex"
import { Effect } from "effect"
import { Learner, type Weigh } from "./Learner.ts"
import type { ObjectiveResult } from "./Objective.ts"
import * as Selection from "./Selection.ts"
import type { TrainConfig } from "./TrainConfig.ts"
import { TrainingError } from "./TrainerError.ts"

/** What an update did. @category models */
export interface Updated {
  /** The last result of every group: weights, w*, P and c at the theta they were computed at. */
  readonly results: ReadonlyMap<Group.ScoredGroup, ObjectiveResult>
  readonly gradNorms: ReadonlyArray<number>
  /** Tokens that went through the model. */
  readonly tokens: number
  /** Of the policy that the update published. */
  readonly version: number
  /** Effective sample size of P_t as a share of K, least of all groups. */
  readonly anchorEss: number
  /** Largest |s_t| of any response, nats. */
  readonly anchorLogRatio: number
}

/** The learning rate of a step: linear warm-up to the peak, then constant. @category schedules */
export const learningRate = ({ optimizer }: TrainConfig, step: number): number =>
  optimizer.learningRate * Math.min(1, (step + 1) / (optimizer.warmupSteps + 1))

const behaviourOf = ({ completions }: Group.ScoredGroup) => completions.map((c) => c.logprobs)

/** Algorithm 1 of the paper on the kept groups of a step, and the publication of the new policy. @category running */
export const run = Effect.fn("Update.run")(function* (
  config: TrainConfig,
  kept: ReadonlyArray<Group.ScoredGroup>,
  step: number,
) {
  const learner = yield* Learner
  const anchors =
    config.anchor === "sampled"
      ? kept.map(behaviourOf)
      : yield* Effect.forEach(kept, (group) => learner.logprobs(Group.sequences(group)))
  const groups = kept.map((group, i) => ({ group, anchor: anchors[i] }))
  const batch = Selection.statistics(kept, config.promptsPerStep)
  // 1/B over all prompts of the mini-batch: a dropped group counts as the zero gradient it has (Algorithm 1).
  const scale = config.miniBatches / config.promptsPerStep
  const results = new Map<Group.ScoredGroup, ObjectiveResult>()
  const weighIn =
    (part: typeof groups): Weigh =>
    (index, current) => {
      const { anchor, group } = part[index]
      const input = { rewards: Selection.rewards(group), behaviour: behaviourOf(group), anchor, current, batch }
      const result = config.objective.evaluate(input)
      results.set(group, result)
      return result.weights.map((row) => row.map((w) => w * scale))
    }
  const gradNorms: Array<number> = []
  let tokens = 0
  for (let epoch = 0; epoch < config.epochs; epoch++) {
    const order = Seed.shuffle(groups, `${config.seed}/mini-batch/${step}/${epoch}`)
    for (let m = 0; m < config.miniBatches; m++) {
      const part = order.filter((_, i) => i % config.miniBatches === m)
      if (part.length === 0) continue
      const stats = yield* learner.accumulate(
        part.map(({ group }) => Group.sequences(group)),
        weighIn(part),
      )
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
    OffPolicy.staleness(OffPolicy.logRatios(anchor, behaviourOf(group))),
  )
  return {
    results,
    gradNorms,
    tokens,
    version: yield* learner.publish,
    anchorEss: staleness.reduce((least, { ess }, i) => Math.min(least, ess / groups[i].anchor.length), 1),
    anchorLogRatio: staleness.reduce((most, { maxAbs }) => Math.max(most, maxAbs), 0),
  } satisfies Updated
})
