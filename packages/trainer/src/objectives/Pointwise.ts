/**
 * The paper's pointwise ablation: the same target, matched by `-sum_k w*_k log pi(y_k)` without the simplex. Nothing is pushed
 * down, so nothing stops it; it is here to be compared against.
 */
import { OffPolicy, Sibling, Target, type Temperature } from "@lpo/simplex"
import * as Objective from "../Objective.ts"

/** @category constructors */
export const make = ({ temperature }: { readonly temperature: Temperature.Temperature }): Objective.Objective =>
  Objective.make({
    name: "pointwise",
    evaluate: (input) => {
      const { anchor, batch, behaviour, current, rewards } = input
      const start = OffPolicy.logRatios(anchor, behaviour)
      const tau = temperature.of(rewards, { anchor: start, ...batch })
      if (tau === "zero-signal") return Objective.silent(input)
      const coefficients = Sibling.pointwise(rewards, tau, start)
      return {
        weights: Objective.perResponse(current, coefficients),
        coefficients,
        target: coefficients.map((c) => -c),
        policy: Target.listwise(OffPolicy.logRatios(current, behaviour)),
      }
    },
  })
