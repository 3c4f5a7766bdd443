/**
 * The policy-gradient methods, from GRPO to CISPO: any `PolicyGradient.Method` of `@lpo/simplex` as an objective. By default
 * GRPO, Dr.GRPO, MaxRL, RLOO and REINFORCE++ sum over tokens, undivided by length, so that at equal temperature the first update
 * is LPO-rev's (Proposition 1).
 */
import { OffPolicy, PolicyGradient, Target } from "@lpo/simplex"
import * as Objective from "../Objective.ts"

/** A method of your own. @category constructors */
export const make = (method: PolicyGradient.Method): Objective.Objective =>
  Objective.make({
    name: method.name,
    evaluate: (input) => {
      const a = method.advantages(input.rewards, input.batch)
      return {
        weights: method.weights(input).map((row) => Float32Array.from(row)),
        // On policy and summed over tokens, which is what the methods have in common.
        coefficients: a.map((v) => -v / a.length),
        target: Target.gibbs(a, 1),
        policy: Target.listwise(OffPolicy.logRatios(input.current, input.behaviour)),
      }
    },
  })

/** `PolicyGradient.grpo({ clip: null })`. @category methods */
export const grpo = (options?: PolicyGradient.Options): Objective.Objective => make(PolicyGradient.grpo(options))

/** @category methods */
export const drGrpo = (options?: PolicyGradient.Options): Objective.Objective => make(PolicyGradient.drGrpo(options))

/** @category methods */
export const maxRl = (options?: PolicyGradient.Options): Objective.Objective => make(PolicyGradient.maxRl(options))

/** @category methods */
export const rloo = (options?: PolicyGradient.Options): Objective.Objective => make(PolicyGradient.rloo(options))

/** @category methods */
export const dapo = (options?: PolicyGradient.Options): Objective.Objective => make(PolicyGradient.dapo(options))

/** @category methods */
export const reinforcePlusPlus = (options?: PolicyGradient.Options): Objective.Objective =>
  make(PolicyGradient.reinforcePlusPlus(options))

/** @category methods */
export const gspo = (options?: Parameters<typeof PolicyGradient.gspo>[0]): Objective.Objective =>
  make(PolicyGradient.gspo(options))

/** @category methods */
export const cispo = (options?: Parameters<typeof PolicyGradient.cispo>[0]): Objective.Objective =>
  make(PolicyGradient.cispo(options))
