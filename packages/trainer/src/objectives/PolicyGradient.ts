/**
 * A policy-gradient method of `@lpo/simplex`, named or your own, as an objective. By default GRPO, Dr.GRPO, MaxRL, RLOO and
 * REINFORCE++ sum over tokens, not divided by length, so at equal temperature the first update is LPO-rev's of the same
 * reduction (Proposition 1); with `sequence-mean` it is that of `mean`.
 *
 * @module
 */
import { OffPolicy, type PolicyGradient, Target } from "@lpo/simplex"
import { Schema } from "effect"
import * as Objective from "../Objective.ts"
import { Importance } from "./Importance.ts"
import * as Options from "./Options.ts"

/** @category constructors */
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

/** Importance sampling from the policy that sampled; see `Importance`. @category settings */
export const importance = Options.optional(Schema.NullOr(Importance), null)

/** The options of methods whose clip may be null, with their defaults. @category settings */
export const options = (defaults: {
  readonly clip: PolicyGradient.Clip | null
  readonly aggregation: PolicyGradient.Aggregation
}) => ({
  clip: Options.optional(Schema.NullOr(Options.Clip), defaults.clip),
  aggregation: Options.optional(Options.Aggregation, defaults.aggregation),
  importance,
})

/** PPO's interval, wider above. @category settings */
export const ppoClip: PolicyGradient.Clip = { low: 0.2, high: 0.28 }
