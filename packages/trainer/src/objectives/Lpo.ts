/**
 * Listwise Policy Optimization: the target is `softmax(R / tau + s_t)` (Theorem 1); every token of response k weighs
 * -c_k, the coefficient of the projection under forward KL (eq. 10) or reverse KL (eq. 11). No clipping.
 */
import { Advantage, Projection, Target } from "@lpo/simplex"
import { logRatios, type Objective } from "../Objective.ts"

/** @category models */
export interface Options {
  readonly divergence: "forward" | "reverse"
  /** A positive number, or the group's own statistic: `std` (as GRPO) or `mean` (as MaxRL). */
  readonly tau: number | "std" | "mean"
}

const temperature = (tau: Options["tau"], rewards: Float64Array): number =>
  tau === "std" ? Advantage.std(rewards) : tau === "mean" ? Advantage.mean(rewards) : tau

/** @category constructors */
export const make = ({ divergence, tau }: Options): Objective => ({
  name: divergence === "forward" ? "lpo-fwd" : "lpo-rev",
  evaluate: ({ rewards, behaviour, anchor, current }) => {
    const t = temperature(tau, rewards)
    const s = logRatios(current, behaviour)
    const policy = Target.listwise(s)
    // A group whose statistic is not positive has nothing to prefer: it carries no signal rather than an infinite one.
    const silent = !(t > 0) || rewards.every((r) => r === rewards[0])
    const logTarget = silent ? policy.map(Math.log) : Target.logGibbs(rewards, t, logRatios(anchor, behaviour))
    const project = divergence === "forward" ? Projection.forwardKl : Projection.reverseKl
    const coefficients = silent ? new Float64Array(rewards.length) : project(s, logTarget)
    return {
      weights: current.map((tokens, k) => new Float32Array(tokens.length).fill(-coefficients[k])),
      coefficients,
      target: silent ? policy : logTarget.map(Math.exp),
      policy,
    }
  },
})
