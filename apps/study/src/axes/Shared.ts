/** Shared by several axes: the arms of the core comparison, and helpers to write arms and claims. */
import type { Arm } from "../Arm.ts"
import { bound, type Claim } from "../Axis.ts"

export const countdown = ["countdown-tiny"]

/** The baselines, and the LPO of each: the same temperature. */
export const pairs = [
  { baseline: "GRPO", objective: "grpo", tau: "std", fwd: "LPO-fwd, τ = σ", rev: "LPO-rev, τ = σ" },
  { baseline: "Dr.GRPO", objective: "dr-grpo", tau: "1", fwd: "LPO-fwd, τ = 1", rev: "LPO-rev, τ = 1" },
  { baseline: "MaxRL", objective: "maxrl", tau: "mean", fwd: "LPO-fwd, τ = μ", rev: "LPO-rev, τ = μ" },
] as const
export const [grpo, fwd, rev] = [pairs[0].baseline, pairs[0].fwd, pairs[0].rev]

/** Methods, each of which has one learning rate. */
export const [baselines, forward, reverse] = ["baseline", "LPO-fwd", "LPO-rev"]

export const arm = (name: string, objective: Arm["objective"], method: string, more: Partial<Arm> = {}): Arm => ({
  name,
  objective,
  method,
  ...more,
})
export const shared = {
  grpo: arm(grpo, "grpo", baselines, { tunes: true }),
  fwd: arm(fwd, "lpo-fwd", forward, { tau: "std", tunes: true }),
  rev: arm(rev, "lpo-rev", reverse, { tau: "std", tunes: true }),
  one: arm(pairs[1].fwd, "lpo-fwd", forward, { tau: "1", tunes: true }),
}

export const claim = (
  says: string,
  by: Claim["by"],
  metric: Claim["metric"],
  contrast: Claim["contrast"],
  expects: Claim["expects"],
  within: number = bound,
): Claim => ({ says, by, metric, contrast, expects, bound: within })

/** The same sentence about pass@1 and pass@16. */
export const both = (says: string, by: Claim["by"], contrast: Claim["contrast"], expects: Claim["expects"]) =>
  (["pass@1", "pass@16"] as const).map((metric) => claim(`${says}: ${metric}`, by, metric, contrast, expects))
