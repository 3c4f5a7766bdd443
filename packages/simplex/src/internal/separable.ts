/** Divergences that are a sum over the responses of a function of (log P_k, log w_k). */
import type { Divergence } from "../divergence/Definition.ts"
import { badEntry, SimplexError } from "../SimplexError.ts"

/** One response's share, all from u = log P - log w, evaluated so that it cannot overflow before the result does. */
export interface Elementwise {
  readonly name: string
  /** Its share of D. */
  readonly term: (logP: number, logW: number) => number
  /** dD/dP_k, chosen 0 at P = w. */
  readonly gradient: (logP: number, logW: number) => number
  /** P_k dD/dP_k, which stays finite where dD/dP_k does not. */
  readonly slope: (logP: number, logW: number) => number
}

/** Throws for a share beyond float64: the divergence is infinite there. */
export const refuse = (
  name: string,
  what: string,
  k: number,
  logP: number,
  logW: number,
  value: number,
): SimplexError =>
  badEntry(
    `${what} of ${name}`,
    k,
    value,
    `log P is ${logP} and log w is ${logW} there, where it is infinite or beyond float64; give both distributions full support, or use a bounded divergence (jensenShannon, hellinger2, totalVariation)`,
  )

/** Neither distribution gives the response any mass, so it has no part in the divergence. */
const shareless = (logP: number, logW: number): boolean => logP === -Infinity && logW === -Infinity

/** A Neumaier sum for use in a loop: plain numbers, no allocation. */
const total = (
  d: Elementwise,
  f: Elementwise["term"],
  what: string,
  logP: Float64Array,
  logW: Float64Array,
): number => {
  let sum = 0
  let lost = 0
  for (let k = 0; k < logP.length; k++) {
    const v = shareless(logP[k], logW[k]) ? 0 : f(logP[k], logW[k])
    if (!Number.isFinite(v)) throw refuse(d.name, what, k, logP[k], logW[k], v)
    const next = sum + v
    lost += Math.abs(sum) >= Math.abs(v) ? sum - next + v : v - next + sum
    sum = next
  }
  return sum + lost
}

export const argmax = (x: ArrayLike<number>): number => {
  let best = 0
  for (let k = 1; k < x.length; k++) if (x[k] > x[best]) best = k
  return best
}

export const separable = (d: Elementwise): Divergence => ({
  name: d.name,
  value: (logP, logW) => {
    const value = total(d, d.term, "the value", logP, logW)
    if (!Number.isFinite(value)) throw new SimplexError(`the value of ${d.name} is ${value}, beyond float64`)
    return Math.max(0, value)
  },
  gradient: (logP, logW, out = new Float64Array(logP.length)) => {
    for (let k = 0; k < logP.length; k++) {
      const v = shareless(logP[k], logW[k]) ? 0 : d.gradient(logP[k], logW[k])
      if (!Number.isFinite(v)) throw refuse(d.name, "dD/dP", k, logP[k], logW[k], v)
      out[k] = v
    }
    return out
  },
  coefficients: (logP, logW, out = new Float64Array(logP.length)) => {
    const slopes = total(d, d.slope, "P dD/dP", logP, logW)
    if (!Number.isFinite(slopes)) throw new SimplexError(`the sum of P dD/dP of ${d.name} is ${slopes}, beyond float64`)
    // The most probable response gets minus the sum of the others: its own formula would subtract two nearly equal numbers.
    const top = argmax(logP)
    let others = 0
    let lost = 0
    for (let k = 0; k < logP.length; k++) {
      if (k === top) continue
      const c = shareless(logP[k], logW[k]) ? 0 : d.slope(logP[k], logW[k]) - Math.exp(logP[k]) * slopes
      out[k] = c
      const next = others + c
      lost += Math.abs(others) >= Math.abs(c) ? others - next + c : c - next + others
      others = next
    }
    out[top] = -(others + lost)
    return out
  },
})
