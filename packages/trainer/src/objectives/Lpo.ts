/**
 * Listwise Policy Optimization: the target is `softmax(R / tau + s_t)` (Theorem 1), and c_k the coefficient of its projection under
 * forward KL (eq. 10), reverse KL (eq. 11) or any other divergence (C.6). A token of response k weighs -c_k / |y_k| where log pi(y)
 * is the mean over tokens, as in the paper (eq. 2 and 3), and -c_k if it is the sum.
 *
 * @module
 */
import { Divergence, Guarantee, OffPolicy, Projection, Target, Temperature } from "@lpo/simplex"
import * as Objective from "../Objective.ts"
import * as Curriculum from "./Curriculum.ts"
import { define } from "./Definition.ts"
import * as Settings from "./Options.ts"
import { Schema } from "effect"

/** @category models */
export interface Options {
  /** A divergence of `@lpo/simplex` or your own; `forward` and `reverse` are the paper's two. */
  readonly divergence: "forward" | "reverse" | Divergence.Divergence
  /** A positive number, the group's own statistic, `std` (as GRPO) or `mean` (as MaxRL), or any temperature of `@lpo/simplex`. */
  readonly tau: number | "std" | "mean" | Temperature.Temperature
  /** Default Gibbs (Theorem 1); `Target.chi2Target` is GOPO's sparse one, for divergences that allow zeros. */
  readonly target?: Target.Target
  /** What to do with a group that has no signal; default `drop`. */
  readonly zeroVariance?: Target.ZeroVariance
  /** How log pi(y) is computed, in s and in the gradient: `sum` over tokens (default), or `mean`, the paper's. */
  readonly reduction?: OffPolicy.Reduction
  /**
   * Tokens whose ratio to pi_b has left [1 - clip, 1 + clip] weigh 0 (appendix D.3); default null, no limit. The paper's is 0.2.
   */
  readonly clip?: number | null
  readonly name?: string
}

const divergences = { forward: Divergence.forwardKl, reverse: Divergence.reverseKl }

const temperature = (tau: Options["tau"]): Temperature.Temperature =>
  typeof tau === "object" ? tau : Settings.readTau(tau)

const nameOf = ({ name }: Divergence.Divergence): string =>
  name === "forward-kl" ? "lpo-fwd" : name === "reverse-kl" ? "lpo-rev" : `lpo-${name}`

/** @category constructors */
export const make = ({
  clip = null,
  divergence,
  name,
  reduction = "sum",
  target = Target.gibbsTarget,
  tau,
  zeroVariance = "drop",
}: Options): Objective.Objective => {
  const project = typeof divergence === "string" ? divergences[divergence] : divergence
  const read = temperature(tau)
  return Objective.make({
    name: name ?? nameOf(project),
    zeroVariance,
    evaluate: (input) => {
      const { anchor, batch, behaviour, current, rewards } = input
      const s = OffPolicy.logRatios(current, behaviour, reduction)
      const start = OffPolicy.logRatios(anchor, behaviour, reduction)
      const t = read.of(rewards, { anchor: start, ...batch })
      if (Objective.isSilent(zeroVariance, input, t)) return Objective.silent(input)
      const logTarget = Target.resolve({ target, rewards, tau: t, anchor: start })
      const coefficients = Projection.coefficients(project, s, logTarget)
      return {
        weights: Objective.perToken(coefficients, input, { reduction, clip }),
        coefficients,
        target: logTarget.map(Math.exp),
        policy: Target.listwise(s),
        ...(target === Target.gibbsTarget && typeof t === "number"
          ? { gained: Guarantee.gained({ rewards, tau: t, s, anchor: start }) }
          : {}),
      }
    },
  })
}

const targets = { gibbs: Target.gibbsTarget, chi2: Target.chi2Target }

/** @category settings */
export const definition = define({
  name: "lpo",
  summary: "listwise: projects the policy onto the target of the group's rewards",
  weight: "-c_k (sum) or -c_k / T_k (mean)",
  options: {
    divergence: Settings.optional(Curriculum.Divergence, "forward-kl"),
    tau: Settings.optional(Curriculum.Tau, "std"),
    target: Settings.optional(Schema.Literals(["gibbs", "chi2"]), "gibbs"),
    reduction: Settings.optional(Settings.Reduction, "sum"),
    clip: Settings.optional(
      Schema.NullOr(
        Schema.Finite.pipe(
          Schema.check(Schema.isBetween({ minimum: 0, maximum: 1, exclusiveMinimum: true, exclusiveMaximum: true })),
        ),
      ),
      null,
    ),
    zeroVariance: Settings.optional(Settings.ZeroVariance, "drop"),
  },
  make: (options) =>
    Curriculum.make(options, ({ divergence, target, tau, ...rest }) =>
      make({
        ...rest,
        divergence: Settings.readDivergence(divergence),
        tau: Settings.readTau(tau),
        target: targets[target],
      }),
    ),
})
