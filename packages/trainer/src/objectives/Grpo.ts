/**
 * GRPO: standardised rewards, PPO's clip. `aggregation: "sequence-mean"` is the published loss (eq. 2 of the LPO paper).
 *
 * @module
 */
import { PolicyGradient as Method } from "@lpo/simplex"
import type { Objective } from "../Objective.ts"
import { define } from "./Definition.ts"
import * as PolicyGradient from "./PolicyGradient.ts"

/** @category constructors */
export const make = (options?: Method.Options): Objective => PolicyGradient.make(Method.grpo(options))

/** @category settings */
export const definition = define({
  name: "grpo",
  summary: "policy gradient, standardised rewards, clipped ratios",
  weight: "rho_i A_k / N, 0 where clipped; A = (R - mean) / std",
  options: PolicyGradient.options({ clip: PolicyGradient.ppoClip, aggregation: "token-sum" }),
  make,
})
