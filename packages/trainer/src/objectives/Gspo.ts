/**
 * GSPO: one importance ratio per response, the exp of its mean token log-ratio, clipped within a few 1e-4.
 *
 * @module
 */
import { PolicyGradient as Method } from "@lpo/simplex"
import type { Objective } from "../Objective.ts"
import { define } from "./Definition.ts"
import * as Options from "./Options.ts"
import * as PolicyGradient from "./PolicyGradient.ts"

/** @category constructors */
export const make = (options?: Parameters<typeof Method.gspo>[0]): Objective =>
  PolicyGradient.make(Method.gspo(options))

/** @category settings */
export const definition = define({
  name: "gspo",
  summary: "one ratio per response, clipped tightly",
  weight: "rho A_k / N with rho = exp(S_k / T_k), 0 where clipped; A = (R - mean) / std",
  options: {
    clip: Options.optional(Options.Clip, { low: 3e-4, high: 4e-4 }),
    aggregation: Options.optional(Options.Aggregation, "sequence-mean"),
    importance: PolicyGradient.importance,
  },
  make,
})
