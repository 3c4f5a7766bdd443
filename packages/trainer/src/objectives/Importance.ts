/**
 * Importance sampling for the policy-gradient methods, from the policy that sampled to the one that is updated. The method's own ratio is
 * then pi_theta / pi_t, which its clip keeps near 1, and each token's weight is multiplied by r = pi_t / pi_b, limited as follows:
 *
 *     truncated (TIS)   min(r, cap)
 *     masked (MIS)      r where 1 / cap <= r <= cap, else 0
 *
 * r is a token's ratio or a whole response's, the product over its tokens. It is a constant of the loss: nothing is differentiated
 * through it. The listwise objectives do not need it: s_t is in their target, and the softmax normalises the ratios.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { OffPolicy, Target } from "@lpo/simplex"
import { Schema } from "effect"
import * as Objective from "../Objective.ts"

/** @category settings */
export const Importance = Schema.Struct({
  kind: Schema.Literals(["truncated", "masked"]),
  level: Schema.Literals(["token", "sequence"]),
  /** Largest ratio, >= 1. */
  cap: Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(1))),
})
/** @category settings */
export interface Importance extends Schema.Schema.Type<typeof Importance> {}

/** The limited ratio, from its logarithm. @category combinators */
export const factor = ({ cap, kind }: Importance, logRatio: number): number => {
  const ratio = Math.exp(logRatio)
  if (kind === "truncated") return Math.min(ratio, cap)
  return ratio >= 1 / cap && ratio <= cap ? ratio : 0
}

/** A policy-gradient objective with importance sampling from pi_b to pi_t. @category combinators */
export const correct = (objective: Objective.Objective, importance: Importance): Objective.Objective => ({
  ...objective,
  needsBehaviour: true,
  evaluate: (input) => {
    const { anchor, behaviour, current } = input
    const result = objective.evaluate({ ...input, behaviour: anchor })
    const whole = OffPolicy.logRatios(anchor, behaviour)
    return {
      ...result,
      policy: Target.listwise(OffPolicy.logRatios(current, behaviour)),
      weights: result.weights.map((row, k) =>
        row.map((w, t) => {
          if (w === 0) return 0
          return w * factor(importance, importance.level === "sequence" ? whole[k] : anchor[k][t] - behaviour[k][t])
        }),
      ),
    }
  },
})
