/** Measurements of the groups that a step trained on. */
import { Diagnostics } from "@lpo/simplex"
import type * as Objective from "../Objective.ts"
import { mean } from "./mean.ts"

const log = (p: Float64Array): Float64Array => p.map(Math.log)
/** KL(w* || P) of a group, nats. */
export const targetKlOf = ({ policy, target }: Objective.ObjectiveResult): number =>
  Diagnostics.kl(log(target), log(policy))
/** Effective sample size of P as a share of K. */
export const essOf = ({ policy }: Objective.ObjectiveResult): number => Diagnostics.ess(policy) / policy.length

/** The mean; null for no numbers, or with an infinite one. */
export const meanOrNull = (xs: ReadonlyArray<number>): number | null => {
  const value = mean(xs)
  return xs.length > 0 && Number.isFinite(value) ? value : null
}

/** Theorem 2 over the groups of a step. */
export const guaranteeOf = (results: ReadonlyArray<Objective.ObjectiveResult>) => {
  const all = results.flatMap(({ gained }) => (gained === undefined ? [] : [gained]))
  return {
    gain: meanOrNull(all.map(({ gain }) => gain)),
    gainBound: meanOrNull(all.map(({ bound }) => bound)),
    // Both are sums of numbers of about 1: smaller differences are rounding.
    gainSlack:
      all.length === 0
        ? null
        : all.reduce((least, { bound, gain }) => Math.min(least, Math.round((gain - bound) * 1e12) / 1e12), Infinity),
  }
}
