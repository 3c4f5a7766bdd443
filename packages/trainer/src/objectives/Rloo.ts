/**
 * RLOO: each reward against the mean of the others; no clip unless asked.
 *
 * @module
 */
import { PolicyGradient as Method } from "@lpo/simplex"
import type { Objective } from "../Objective.ts"
import { define } from "./Definition.ts"
import * as PolicyGradient from "./PolicyGradient.ts"

/** @category constructors */
export const make = (options?: Method.Options): Objective => PolicyGradient.make(Method.rloo(options))

/** @category settings */
export const definition = define({
  name: "rloo",
  summary: "leave-one-out baseline, no clip",
  weight: "rho_i A_k / N; A = K / (K - 1) (R - mean)",
  options: PolicyGradient.options({ clip: null, aggregation: "token-sum" }),
  make,
})
