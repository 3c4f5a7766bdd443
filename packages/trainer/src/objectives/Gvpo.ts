/**
 * Group Variance Policy Optimization (arXiv 2504.19599): the squared error between centred rewards and the centred implied
 * rewards beta log(pi_theta / pi_t). No importance weights, so old groups are allowed.
 */
import { Sibling, Target } from "@lpo/simplex"
import { logRatios, type Objective, perResponse } from "../Objective.ts"

/** `beta` > 0, units of reward per nat, default 1. Its minimum is LPO's target at tau = beta. @category constructors */
export const make = ({ beta = 1 }: { readonly beta?: number } = {}): Objective => ({
  name: "gvpo",
  evaluate: ({ anchor, behaviour, current, rewards }) => {
    const coefficients = Sibling.gvpo({ rewards, s: logRatios(current, anchor), beta })
    return {
      weights: perResponse(current, coefficients),
      coefficients,
      target: Target.gibbs(rewards, beta, logRatios(anchor, behaviour)),
      policy: Target.listwise(logRatios(current, behaviour)),
    }
  },
})
