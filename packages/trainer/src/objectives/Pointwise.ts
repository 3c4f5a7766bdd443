/**
 * The paper's pointwise ablation: the same target, matched by `-sum_k w*_k log pi(y_k)` without the simplex. Nothing is pushed
 * down, so nothing stops it; it is here to be compared against.
 */
import { Sibling, Target, type Temperature } from "@lpo/simplex"
import { logRatios, type Objective, perResponse } from "../Objective.ts"

/** @category constructors */
export const make = ({ temperature }: { readonly temperature: Temperature.Temperature }): Objective => ({
  name: "pointwise",
  evaluate: ({ anchor, batch, behaviour, current, rewards }) => {
    const start = logRatios(anchor, behaviour)
    const policy = Target.listwise(logRatios(current, behaviour))
    const tau = temperature.of(rewards, { anchor: start, ...batch })
    const silent = tau === "zero-signal" || !Target.hasSignal(rewards)
    const coefficients = silent ? new Float64Array(rewards.length) : Sibling.pointwise(rewards, tau, start)
    return {
      weights: perResponse(current, coefficients),
      coefficients,
      target: silent ? policy : coefficients.map((c) => -c),
      policy,
    }
  },
})
