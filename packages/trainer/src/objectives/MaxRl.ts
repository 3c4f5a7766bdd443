/**
 * MaxRL: centred rewards over their mean, PPO's clip.
 *
 * @module
 */
import { PolicyGradient as Method } from "@lpo/simplex"
import type { Objective } from "../Objective.ts"
import { define } from "./Definition.ts"
import * as PolicyGradient from "./PolicyGradient.ts"

/** @category constructors */
export const make = (options?: Method.Options): Objective => PolicyGradient.make(Method.maxRl(options))

/** @category settings */
export const definition = define({
  name: "maxrl",
  summary: "favours hard prompts; rewards must not be negative",
  weight: "rho_i A_k / N, 0 where clipped; A = (R - mean) / mean",
  options: PolicyGradient.options({ clip: PolicyGradient.ppoClip, aggregation: "token-sum" }),
  make,
})
