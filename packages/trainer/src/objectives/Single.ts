/**
 * LPO for single responses (K = 1, appendix): each is paired with a virtual one whose reward is the prompt's baseline b,
 * its expected reward. `c = 1/2 - sigma((R - b) / tau)` while the policy has not moved; see `SmallGroup.single`. A
 * larger group gets the mean of its responses' gradients; without a baseline, each response is compared with the others' mean.
 *
 * @module
 */
import { Advantage, OffPolicy, SmallGroup, Target } from "@lpo/simplex"
import { Schema } from "effect"
import * as Objective from "../Objective.ts"
import * as Curriculum from "./Curriculum.ts"
import { define } from "./Definition.ts"
import * as Settings from "./Options.ts"

/** @category models */
export interface Options {
  /** > 0, units of reward; a single response has no statistic of its own. Default 1. */
  readonly tau?: number
  /** How log pi(y) is computed, in s and in the gradient; default `sum`. */
  readonly reduction?: OffPolicy.Reduction
  /** How much of a prompt's past its baseline keeps at each reward, in [0, 1]; default 0.9. */
  readonly decay?: number
}

/** Without an earlier baseline, the other responses of the group serve as one. */
const othersMean = (rewards: Float64Array, k: number): number =>
  rewards.length === 1
    ? Objective.need<number>(
        "lpo-single",
        "the prompt's baseline",
        undefined,
        "keep one per prompt with SmallGroup.track, or give the batch's mean reward",
      )
    : Advantage.mean(rewards.filter((_, j) => j !== k))

/** @category constructors */
export const make = ({ decay = 0.9, reduction = "sum", tau = 1 }: Options = {}): Objective.Objective =>
  Objective.make({
    name: "lpo-single",
    leastGroup: 1,
    baseline: { decay },
    evaluate: (input) => {
      const { anchor, behaviour, current, rewards } = input
      const s = OffPolicy.logRatios(current, behaviour, reduction)
      const start = OffPolicy.logRatios(anchor, behaviour, reduction)
      const still = Objective.isOnPolicy(input)
      const coefficients = rewards.map((reward, k) => {
        const baseline = input.baseline ?? othersMean(rewards, k)
        return still && !Target.hasSignal([reward, baseline])
          ? 0
          : SmallGroup.single({ reward, baseline, tau, s: s[k], anchor: start[k] }) / rewards.length
      })
      return {
        weights: Objective.perToken(coefficients, input, { reduction, clip: null }),
        coefficients,
        target: Target.gibbs(rewards, tau, start),
        policy: Target.listwise(s),
      }
    },
  })

/** @category settings */
export const definition = define({
  name: "lpo-single",
  summary: "K = 1: each response against the baseline of its prompt",
  weight: "-c_k / K; c = sigma(s_k) - sigma((R_k - b) / tau + s_t,k)",
  options: {
    tau: Settings.optional(Curriculum.Positive, 1),
    reduction: Settings.optional(Settings.Reduction, "sum"),
    decay: Settings.optional(Schema.Finite.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 1 }))), 0.9),
  },
  make: (options) => Curriculum.make(options, make),
})
