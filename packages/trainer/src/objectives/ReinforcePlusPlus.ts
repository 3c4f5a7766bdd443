/**
 * REINFORCE++ with baseline: centred on the group, scaled by the batch.
 *
 * @module
 */
import { PolicyGradient as Method } from "@lpo/simplex"
import type { Objective } from "../Objective.ts"
import { define } from "./Definition.ts"
import * as PolicyGradient from "./PolicyGradient.ts"

/** @category constructors */
export const make = (options?: Method.Options): Objective => PolicyGradient.make(Method.reinforcePlusPlus(options))

/** @category settings */
export const definition = define({
  name: "reinforce++",
  summary: "group baseline, the batch's standard deviation",
  weight: "rho_i A_k / N, 0 where clipped; A = (R - mean) / batch std",
  options: PolicyGradient.options({ clip: PolicyGradient.ppoClip, aggregation: "token-sum" }),
  make,
})
