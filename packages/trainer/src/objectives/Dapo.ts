/**
 * DAPO: GRPO's advantage, a clip that is wider above, the mean over all tokens of the batch.
 *
 * @module
 */
import { PolicyGradient as Method } from "@lpo/simplex"
import type { Objective } from "../Objective.ts"
import { define } from "./Definition.ts"
import * as PolicyGradient from "./PolicyGradient.ts"

/** @category constructors */
export const make = (options?: Method.Options): Objective => PolicyGradient.make(Method.dapo(options))

/** @category settings */
export const definition = define({
  name: "dapo",
  summary: "GRPO with the mean over the batch's tokens",
  weight: "rho_i A_k / N, 0 where clipped; A = (R - mean) / std",
  options: PolicyGradient.options({ clip: PolicyGradient.ppoClip, aggregation: "batch-token-mean" }),
  make,
})
