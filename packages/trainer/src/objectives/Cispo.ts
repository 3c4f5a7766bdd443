/**
 * CISPO: the clipped ratio is a constant weight, so no token is ever dropped; by default bounded only above.
 *
 * @module
 */
import { PolicyGradient as Method } from "@lpo/simplex"
import type { Objective } from "../Objective.ts"
import { define } from "./Definition.ts"
import * as Options from "./Options.ts"
import * as PolicyGradient from "./PolicyGradient.ts"

/** @category constructors */
export const make = (options?: Parameters<typeof Method.cispo>[0]): Objective =>
  PolicyGradient.make(Method.cispo(options))

/** @category settings */
export const definition = define({
  name: "cispo",
  summary: "holds the ratio at its clip instead of dropping the token",
  weight: "min(max(rho_i, 1 - low), 1 + high) A_k / N; A = (R - mean) / std",
  options: {
    clip: Options.optional(Options.Clip, { low: 1, high: 0.28 }),
    aggregation: Options.optional(Options.Aggregation, "group-token-mean"),
    importance: PolicyGradient.importance,
  },
  make,
})
