/**
 * Group Variance Policy Optimization (arXiv 2504.19599): the squared error between centred rewards and the centred implied
 * rewards beta log(pi_theta / pi_t). No importance weights, so old groups are allowed.
 *
 * @module
 */
import { OffPolicy, Sibling, Target } from "@lpo/simplex"
import * as Objective from "../Objective.ts"
import { define } from "./Definition.ts"
import * as Settings from "./Options.ts"

/** @category models */
export interface Options {
  /** > 0, units of reward per nat, default 1. The minimum is LPO's target at tau = beta. */
  readonly beta?: number
  /** How log pi(y) is computed, in the implied reward and in the gradient; default `sum`. */
  readonly reduction?: OffPolicy.Reduction
}

/** @category constructors */
export const make = ({ beta = 1, reduction = "sum" }: Options = {}): Objective.Objective =>
  Objective.make({
    name: "gvpo",
    evaluate: (input) => {
      const { anchor, behaviour, current, rewards } = input
      const coefficients = Sibling.gvpo({ rewards, s: OffPolicy.logRatios(current, anchor, reduction), beta })
      return {
        weights: Objective.perToken(coefficients, input, { reduction, clip: null }),
        coefficients,
        target: Target.gibbs(rewards, beta, OffPolicy.logRatios(anchor, behaviour, reduction)),
        policy: Target.listwise(OffPolicy.logRatios(current, behaviour, reduction)),
      }
    },
  })

/** @category settings */
export const definition = define({
  name: "gvpo",
  summary: "squared error between rewards and the policy's implied rewards, both centred",
  weight: "beta [(R_k - mean R) - (r_k - mean r)] / (K - 1) with r = beta (log pi - log pi_t)",
  options: {
    beta: Settings.optional(Settings.Positive, 1),
    reduction: Settings.optional(Settings.Reduction, "sum"),
  },
  make,
})
