/**
 * Listwise Policy Optimization: the target is `softmax(R / tau + s_t)` (Theorem 1); every token of response k weighs
 * -c_k, the coefficient of the projection under forward KL (eq. 10), reverse KL (eq. 11) or any other divergence (C.6). No
 * clipping.
 */
import { Divergence, OffPolicy, Projection, Target, Temperature } from "@lpo/simplex"
import * as Objective from "../Objective.ts"

/** @category models */
export interface Options {
  /** A divergence of `@lpo/simplex` or of your own; `forward` and `reverse` are the paper's two. */
  readonly divergence: "forward" | "reverse" | Divergence.Divergence
  /** A positive number, the group's own statistic, `std` (as GRPO) or `mean` (as MaxRL), or any temperature of `@lpo/simplex`. */
  readonly tau: number | "std" | "mean" | Temperature.Temperature
  /** Default Gibbs (Theorem 1); `Target.chi2Target` is GOPO's sparse one, for divergences that bear zeros. */
  readonly target?: Target.Target
  /** What to do with a group that has no signal; default `drop`. */
  readonly zeroVariance?: Target.ZeroVariance
  /** How token log-ratios become a response's; default `sum`, the paper's. */
  readonly reduction?: OffPolicy.Reduction
  readonly name?: string
}

const divergences = { forward: Divergence.forwardKl, reverse: Divergence.reverseKl }

const temperature = (tau: Options["tau"]): Temperature.Temperature =>
  tau === "std"
    ? Temperature.std()
    : tau === "mean"
      ? Temperature.mean
      : typeof tau === "number"
        ? Temperature.fixed(tau)
        : tau

const nameOf = (divergence: Options["divergence"]): string =>
  divergence === "forward" ? "lpo-fwd" : divergence === "reverse" ? "lpo-rev" : `lpo-${divergence.name}`

/** @category constructors */
export const make = ({
  divergence,
  name = nameOf(divergence),
  reduction = "sum",
  target = Target.gibbsTarget,
  tau,
  zeroVariance = "drop",
}: Options): Objective.Objective => {
  const project = typeof divergence === "string" ? divergences[divergence] : divergence
  const read = temperature(tau)
  return Objective.make({
    name,
    zeroVariance,
    evaluate: (input) => {
      const { anchor, batch, behaviour, current, rewards } = input
      const s = OffPolicy.logRatios(current, behaviour, reduction)
      const start = OffPolicy.logRatios(anchor, behaviour, reduction)
      const t = read.of(rewards, { anchor: start, ...batch })
      if (Target.isSilent(zeroVariance, rewards, t)) return Objective.silent(input)
      const logTarget = Target.resolve({ target, rewards, tau: t, anchor: start })
      const coefficients = Projection.coefficients(project, s, logTarget)
      return {
        weights: Objective.perResponse(current, coefficients),
        coefficients,
        target: logTarget.map(Math.exp),
        policy: Target.listwise(s),
      }
    },
  })
}
