/**
 * Group Variance Policy Optimization (arXiv 2504.19599): the squared error between centred rewards and the centred implied
 * rewards beta log(pi_theta / pi_t). No importance weights, so old groups are allowed.
 */
import { OffPolicy, Sibling, Target } from "@lpo/simplex"
import * as Objective from "../Objective.ts"

/** `beta` > 0, units of reward per nat, default 1. Its minimum is LPO's target at tau = beta. @category constructors */
export const make = ({ beta = 1 }: { readonly beta?: number } = {}): Objective.Objective =>
  Objective.make({
    name: "gvpo",
    evaluate: ({ anchor, behaviour, current, rewards }) => {
      const coefficients = Sibling.gvpo({ rewards, s: OffPolicy.logRatios(current, anchor), beta })
      return {
        weights: Objective.perResponse(current, coefficients),
        coefficients,
        target: Target.gibbs(rewards, beta, OffPolicy.logRatios(anchor, behaviour)),
        policy: Target.listwise(OffPolicy.logRatios(current, behaviour)),
      }
    },
  })
