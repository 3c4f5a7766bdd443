/**
 * The policy-gradient methods, from GRPO to CISPO: any `Baseline` of `@lpo/simplex` as an objective. By default GRPO,
 * Dr.GRPO, MaxRL, RLOO and REINFORCE++ sum over tokens, undivided by length, so that at equal temperature the first update
 * is LPO-rev's (Proposition 1).
 */
import { type Baseline, Target } from "@lpo/simplex"
import { logRatios, type Objective } from "../Objective.ts"

/** `PolicyGradient.make(Baseline.grpo({ clip: null }))`. @category constructors */
export const make = (baseline: Baseline.Baseline): Objective => ({
  name: baseline.name,
  evaluate: (input) => {
    const a = baseline.advantages(input.rewards, input.batch)
    return {
      weights: baseline.coefficients(input).map((c) => Float32Array.from(c, (v) => (v === 0 ? 0 : -v))),
      // On policy and summed over tokens, which is what the methods have in common.
      coefficients: a.map((v) => -v / a.length),
      target: Target.gibbs(a, 1),
      policy: Target.listwise(logRatios(input.current, input.behaviour)),
    }
  },
})
