/**
 * Any objective kept near a reference policy: the KL to it subtracted from the reward, or added to the loss of every token. On all
 * groups, or on those that the policy masters: prompts on which every response earns `mastered` or more, with nothing to
 * gain and something to forget.
 *
 * @module
 */
import { Reference } from "@lpo/simplex"
import { Schema } from "effect"
import * as Objective from "../Objective.ts"
import * as Options from "./Options.ts"

const shared = {
  /** >= 0, units of reward per nat. */
  beta: Options.NotNegative,
  on: Options.optional(Schema.Literals(["all", "mastered"]), "all"),
  /** The reward from which a prompt counts as mastered. */
  mastered: Options.optional(Schema.Finite, 1),
}

/** The option `kl` of every objective. @category settings */
export const Kl = Schema.Union([
  Schema.Struct({
    in: Schema.Literal("reward"),
    /** Default k1, the sequence's own log-ratio. */
    estimator: Options.optional(Schema.Literals(["k1", "k3"]), "k1"),
    ...shared,
  }),
  Schema.Struct({
    in: Schema.Literal("loss"),
    /** Default k2, whose gradient is that of KL(pi || pi_ref); see `Reference` of `@lpo/simplex`. */
    estimator: Options.optional(Schema.Literals(["k1", "k2", "k3"]), "k2"),
    aggregation: Options.optional(Options.Aggregation, "sequence-mean"),
    ...shared,
  }),
])
/** @category settings */
export type Kl = typeof Kl.Type

/** Log-probs under the reference, or the policy's if the two differ only by rounding: standardised, noise would be a signal. */
const settled = (
  reference: ReadonlyArray<Float32Array>,
  policy: ReadonlyArray<Float32Array>,
): ReadonlyArray<Float32Array> =>
  reference.map((row, k) => row.map((v, t) => (Math.abs(v - policy[k][t]) <= Objective.ROUNDING ? policy[k][t] : v)))

const add = (result: Objective.ObjectiveResult, term: ReadonlyArray<Float64Array>): Objective.ObjectiveResult => ({
  ...result,
  weights: result.weights.map((row, k) => row.map((w, t) => w + term[k][t])),
})

/**
 * The objective with a penalty. It needs `input.reference`, and sees groups of equal rewards, which may still be penalised: a
 * group that the objective drops gets only the weights of the penalty. Statistics of the batch are those of the original
 * rewards.
 *
 * @category combinators
 */
export const penalise = (objective: Objective.Objective, kl: Kl): Objective.Objective => {
  const { curriculum } = objective
  return {
    ...objective,
    zeroVariance: "anchor",
    needsReference: true,
    ...(curriculum === undefined
      ? {}
      : {
          curriculum: {
            ...curriculum,
            at: (moment) => {
              const { objective: now, values } = curriculum.at(moment)
              return { objective: penalise(now, kl), values }
            },
          },
        }),
    evaluate: (input) => {
      const { batch, behaviour, current, rewards } = input
      if (kl.on === "mastered" && !rewards.every((r) => r >= kl.mastered)) return objective.evaluate(input)
      const reference = Objective.need(
        `${objective.name} with a KL penalty`,
        "the reference policy's log-probs",
        input.reference,
        "give `reference`, or leave `kl` out",
      )
      if (kl.in === "reward")
        return objective.evaluate({
          ...input,
          rewards: Reference.rewards({
            rewards,
            beta: kl.beta,
            behaviour,
            reference: settled(reference, behaviour),
            estimator: kl.estimator,
          }),
        })
      const { aggregation, beta, estimator } = kl
      const term = Reference.weights({
        aggregation,
        beta,
        current,
        estimator,
        reference: settled(reference, current),
        ...(batch === undefined ? {} : { batch }),
      })
      return add(objective.evaluate(input), term)
    },
  }
}
