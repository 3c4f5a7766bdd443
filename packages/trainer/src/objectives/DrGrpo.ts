/**
 * Dr.GRPO: centred rewards, PPO's clip, tokens summed.
 *
 * @module
 */
import { PolicyGradient as Method } from "@lpo/simplex"
import type { Objective } from "../Objective.ts"
import { define } from "./Definition.ts"
import * as PolicyGradient from "./PolicyGradient.ts"

/** @category constructors */
export const make = (options?: Method.Options): Objective => PolicyGradient.make(Method.drGrpo(options))

/** @category settings */
export const definition = define({
  name: "dr-grpo",
  summary: "GRPO without length or difficulty bias",
  weight: "rho_i A_k / N, 0 where clipped; A = R - mean",
  options: PolicyGradient.options({ clip: PolicyGradient.ppoClip, aggregation: "token-sum" }),
  make,
})
