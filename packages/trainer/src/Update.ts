/**
 * The update of a step: E epochs of mini-batches over the groups to train on. Only here do a group's rewards, log-probs and
 * anchor become an objective's input, and its weights the ones that the engine applies.
 *
 * @module
 */
import * as Group from "@lpo/rollout/Group"
import * as Seed from "@lpo/rollout/Seed"
import { OffPolicy } from "@lpo/simplex"
import { Effect } from "effect"
import { Learner, type Weigh } from "./Learner.ts"
import type { Objective, ObjectiveResult } from "./Objective.ts"
import * as Selection from "./Selection.ts"
import type { TrainConfig } from "./TrainConfig.ts"
import { TrainingError } from "./TrainerError.ts"

/** A group with the log-probs of its tokens under the policy just before the update. @category models */
export interface Anchored {
  readonly group: Group.ScoredGroup
  /** Token log-probs, K arrays of [T_k], nats. */
  readonly anchor: ReadonlyArray<Float32Array>
  /** The same under the reference policy, if the objective needs it. */
  readonly reference?: ReadonlyArray<Float32Array>
  /** The problem's expected reward before this group, if the objective needs it. */
  readonly baseline?: number
}

/** The result of an update. @category models */
export interface Updated {
  /** The last result of every group: weights, w*, P and c, each at the theta of its computation. */
  readonly results: ReadonlyMap<Group.ScoredGroup, ObjectiveResult>
  readonly gradNorms: ReadonlyArray<number>
  /** Tokens processed by the model. */
  readonly tokens: number
  /** The version of the policy that the update published. */
  readonly version: number
}

/** @category models */
export interface Limits {
  /** The largest accepted norm of a gradient. */
  readonly gradNorm: number
  /** Called before each optimiser step, and for a broken policy: from then on the policy has changed. */
  readonly onMove: () => void
}

/** The first of these that is not finite; null if all are. */
const strange = (rows: ReadonlyArray<Float32Array>): number | null => {
  for (const row of rows) {
    const value = row.find((x) => !Number.isFinite(x))
    if (value !== undefined) return value
  }
  return null
}

/** The learning rate of a step (from 0): linear warm-up to the peak, then as `decay` says. @category schedules */
export const learningRate = ({ optimizer, steps }: TrainConfig, step: number): number => {
  const { decay = "constant", learningRate: peak, warmupSteps } = optimizer
  if (step < warmupSteps) return (peak * (step + 1)) / (warmupSteps + 1)
  if (decay === "constant") return peak
  const share = (step - warmupSteps) / Math.max(1, steps - warmupSteps)
  return peak * (decay === "linear" ? 1 - share : (1 + Math.cos(Math.PI * share)) / 2)
}

const behaviourOf = ({ completions }: Group.ScoredGroup) => completions.map((c) => c.logprobs)

/**
 * The groups with their anchors: the recorded log-probs if the sampler used these weights, otherwise the learner's.
 *
 * @category running
 */
export const anchored = Effect.fn("Update.anchored")(function* (
  groups: ReadonlyArray<Group.ScoredGroup>,
  anchor: TrainConfig["anchor"],
) {
  const learner = yield* Learner
  return yield* Effect.forEach(groups, (group) =>
    anchor === "sampled"
      ? Effect.succeed<Anchored>({ group, anchor: behaviourOf(group) })
      : Effect.map(learner.logprobs(Group.sequences(group)), (logprobs): Anchored => ({
          group,
          anchor: Group.gather(group, logprobs),
        })),
  )
})

/** The distance of the anchors from the sampling policies. @category metrics */
export const drift = (groups: ReadonlyArray<Anchored>) => {
  const staleness = groups.map(({ anchor, group }) =>
    OffPolicy.staleness(OffPolicy.logRatios(anchor, behaviourOf(group))),
  )
  return {
    /** Effective sample size of P_t as a share of K, the smallest over all groups. */
    anchorEss: staleness.reduce((least, { ess }, i) => Math.min(least, ess / groups[i].anchor.length), 1),
    /** Largest |s_t| of any response, nats. */
    anchorLogRatio: staleness.reduce((most, { maxAbs }) => Math.max(most, maxAbs), 0),
  }
}

/**
 * KL(sampler || learner) per token, nats, from tokens that the sampler drew: the mean of r - 1 - log r with r = pi_t / pi_b, which is
 * never negative and has little variance. 0 for no tokens.
 *
 * @category metrics
 */
export const samplerKl = (groups: ReadonlyArray<Anchored>): number => {
  let sum = 0
  let tokens = 0
  for (const { anchor, group } of groups)
    for (const [k, behaviour] of behaviourOf(group).entries())
      for (const [t, logprob] of behaviour.entries()) {
        const logRatio = anchor[k][t] - logprob
        sum += Math.expm1(logRatio) - logRatio
        tokens++
      }
  return tokens === 0 ? 0 : sum / tokens
}

/** Algorithm 1 of the paper on the groups of a step, and the publication of the new policy. @category running */
export const run = Effect.fn("Update.run")(function* (
  config: TrainConfig,
  groups: ReadonlyArray<Anchored>,
  step: number,
  objective: Objective = config.objective,
  limits: Limits = { gradNorm: Number.POSITIVE_INFINITY, onMove: () => {} },
) {
  const learner = yield* Learner
  const batch = Selection.statistics(
    groups.map(({ group }) => group),
    config.promptsPerStep,
  )
  // 1/B over all prompts of the mini-batch: a dropped group counts as the zero gradient it has (Algorithm 1).
  const scale = config.miniBatches / config.promptsPerStep
  const results = new Map<Group.ScoredGroup, ObjectiveResult>()
  let onPolicy = true
  let moves = false
  /** Why the results of the learner or the objective cannot be learned from. */
  let fault: string | null = null
  const weighIn =
    (part: ReadonlyArray<Anchored>): Weigh =>
    (index, rows) => {
      const { group, ...known } = part[index]
      const current = Group.gather(group, rows)
      const nothing = () => rows.map((row) => new Float32Array(row.length))
      const spoilt = (what: string) => {
        fault ??= `problem ${group.problem.id}: ${what}; lower the learning rate (${config.optimizer.learningRate})`
        return nothing()
      }
      const bad = strange(current)
      // Whatever it is, it is not a policy worth keeping.
      if (bad !== null) limits.onMove()
      if (bad !== null) return spoilt(`a log-prob under the policy is ${bad}, which must be finite`)
      const rewards = Selection.rewards(group)
      let result: ObjectiveResult
      try {
        result = objective.evaluate({ rewards, behaviour: behaviourOf(group), current, batch, onPolicy, ...known })
      } catch (cause) {
        return spoilt((cause as Error).message)
      }
      results.set(group, result)
      const wrong = strange(result.weights)
      if (wrong !== null) return spoilt(`a weight of ${config.objective.name} is ${wrong}, which must be finite`)
      moves ||= result.weights.some((row) => row.some((w) => w !== 0))
      return Group.scatter(
        group,
        result.weights.map((row) => row.map((w) => w * scale)),
      )
    }
  const gradNorms: Array<number> = []
  let tokens = 0
  for (let epoch = 0; epoch < config.epochs; epoch++) {
    const order = Seed.shuffle(groups, `${config.seed}/mini-batch/${step}/${epoch}`)
    for (let m = 0; m < config.miniBatches; m++) {
      const part = order.filter((_, i) => i % config.miniBatches === m)
      if (part.length === 0) continue
      moves = false
      const stats = yield* learner.accumulate(
        part.map(({ group }) => Group.sequences(group)),
        weighIn(part),
      )
      tokens += stats.tokens
      if (fault !== null) return yield* new TrainingError({ step: step + 1, reason: fault })
      // If no group has an effect, the optimiser's momentum and decay should have none either.
      if (!moves) continue
      limits.onMove()
      const { gradNorm } = yield* learner.step({ ...config.optimizer, learningRate: learningRate(config, step) })
      onPolicy = false
      if (gradNorm === null) continue
      if (!(gradNorm <= limits.gradNorm) || !Number.isFinite(gradNorm)) {
        const more = Number.isFinite(gradNorm) ? `, above the limit ${limits.gradNorm.toPrecision(3)} of this run` : ""
        return yield* new TrainingError({
          step: step + 1,
          reason: `the gradient norm is ${gradNorm}${more}; lower the learning rate (${config.optimizer.learningRate})`,
        })
      }
      gradNorms.push(gradNorm)
    }
  }
  // In the order of the groups: the learner weighs them as they become ready, and a sum must not depend on that.
  const ordered = new Map(
    groups.flatMap(({ group }) => {
      const result = results.get(group)
      return result === undefined ? [] : [[group, result] as const]
    }),
  )
  return { results: ordered, gradNorms, tokens, version: yield* learner.publish } satisfies Updated
})
