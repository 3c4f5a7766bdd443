/**
 * The paper's pointwise ablation: the same target, matched by `-sum_k w*_k log pi(y_k)` without the simplex. Nothing is pushed
 * down, so nothing stops it; it is here for comparison.
 *
 * @module
 */
import { OffPolicy, Sibling, Target, type Temperature } from "@lpo/simplex"
import * as Objective from "../Objective.ts"
import * as Curriculum from "./Curriculum.ts"
import { define } from "./Definition.ts"
import * as Settings from "./Options.ts"

/** @category models */
export interface Options {
  readonly temperature: Temperature.Temperature
  /** How log pi(y) is computed, in s_t and in the gradient; default `sum`. */
  readonly reduction?: OffPolicy.Reduction
}

/** @category constructors */
export const make = ({ reduction = "sum", temperature }: Options): Objective.Objective =>
  Objective.make({
    name: "pointwise",
    evaluate: (input) => {
      const { anchor, batch, behaviour, current, rewards } = input
      const start = OffPolicy.logRatios(anchor, behaviour, reduction)
      const tau = temperature.of(rewards, { anchor: start, ...batch })
      if (tau === "zero-signal") return Objective.silent(input)
      const coefficients = Sibling.pointwise(rewards, tau, start)
      return {
        weights: Objective.perToken(coefficients, input, { reduction, clip: null }),
        coefficients,
        target: coefficients.map((c) => -c),
        policy: Target.listwise(OffPolicy.logRatios(current, behaviour, reduction)),
      }
    },
  })

/** @category settings */
export const definition = define({
  name: "pointwise",
  summary: "the paper's ablation: cross entropy to the target without the simplex",
  weight: "w*_k (sum) or w*_k / T_k (mean)",
  options: {
    tau: Settings.optional(Curriculum.Tau, "std"),
    reduction: Settings.optional(Settings.Reduction, "sum"),
  },
  make: (options) =>
    Curriculum.make(options, ({ reduction, tau }) => make({ temperature: Settings.readTau(tau), reduction })),
})
