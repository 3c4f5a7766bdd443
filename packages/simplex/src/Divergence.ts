/**
 * How far the policy P is from the target w*. Divergences are plain values: anything with these three functions can be projected
 * under, and every trainer that takes coefficients can train with it.
 *
 *     value         D(w*, P), nats or a pure number
 *     gradient      dD/dP_k
 *     coefficients  c_k = P_k (dD/dP_k - sum_j P_j dD/dP_j), so that grad D = sum_k c_k grad log pi(y_k)   (C.6)
 *
 * Both distributions are given as natural logarithms, with -Infinity for a probability of exactly 0, and everything is evaluated in
 * log space: P = 1e-300 gives the right number. If a divergence is infinite, or beyond float64, its functions throw a
 * `SimplexError` that names the response; none returns NaN.
 *
 * On the simplex dD/dP is defined up to a constant, which drops out of c. Ours is 0 at P = w*.
 *
 * The three functions expect normalised input; `Projection` checks and normalises it.
 *
 * @module
 */
import type { Divergence } from "./divergence/Definition.ts"
import { refuse, separable } from "./internal/separable.ts"
import { badValue } from "./SimplexError.ts"

export type { Divergence } from "./divergence/Definition.ts"
export { alpha, hellinger2, neymanChi2, pearsonChi2, renyi } from "./divergence/Alpha.ts"
export { brier, jensenShannon, totalVariation } from "./divergence/Bounded.ts"
export { forwardKl, jeffreys, reverseKl } from "./divergence/Kullback.ts"

/**
 * The f-divergence `sum_k P_k f(w_k / P_k)` of a convex generator f with derivative `df` (Csiszár): forward KL is
 * `t log t`, reverse KL `-log t`. You may add a constant and a multiple of t - 1 to f. `f` and `df` must have
 * their limits at t = 0. A ratio w / P beyond float64 is refused: t is a plain number here, unlike in the named divergences.
 *
 * {@includeCode ../examples/Divergence.ts#import,group,fromGenerator}
 *
 * @category constructors
 */
export const fromGenerator = (options: {
  readonly name: string
  readonly f: (t: number) => number
  readonly df: (t: number) => number
}): Divergence => {
  const { df, f, name } = options
  const f1 = f(1)
  const df1 = df(1)
  for (const [what, v] of [
    ["f(1)", f1],
    ["df(1)", df1],
  ] as const)
    if (!Number.isFinite(v)) throw badValue(`${what} of ${name}`, v, "a generator is finite at 1")
  // f - f(1) - f'(1)(t - 1) has the same divergence, and neither value nor slope at t = 1.
  const value = (t: number): number => f(t) - f1 - df1 * (t - 1)
  const gradient = (logP: number, logW: number): number => {
    const t = Math.exp(logW - logP)
    return value(t) - t * (df(t) - df1)
  }
  return separable({
    name,
    term: (logP, logW) => Math.exp(logP) * value(Math.exp(logW - logP)),
    gradient,
    slope: (logP, logW) => Math.exp(logP) * gradient(logP, logW),
  })
}

/**
 * `(1 - a) first + a second` for a in [0, 1]: a curriculum from one divergence to another moves a. A part of weight 0 is
 * not evaluated.
 *
 * {@includeCode ../examples/Divergence.ts#import,group,blend}
 *
 * @category combinators
 */
export const blend = (first: Divergence, second: Divergence, a: number): Divergence => {
  if (!(a >= 0 && a <= 1)) throw badValue("the weight of a blend", a, "it must be in [0, 1]")
  if (a === 0) return first
  if (a === 1) return second
  const name = `${1 - a} ${first.name} + ${a} ${second.name}`
  const mix =
    (part: "gradient" | "coefficients") =>
    (logP: Float64Array, logW: Float64Array, out: Float64Array = new Float64Array(logP.length)): Float64Array => {
      const x = first[part](logP, logW)
      const y = second[part](logP, logW)
      for (let k = 0; k < logP.length; k++) {
        const v = (1 - a) * x[k] + a * y[k]
        if (!Number.isFinite(v)) throw refuse(name, part, k, logP[k], logW[k], v)
        out[k] = v
      }
      return out
    }
  return {
    name,
    value: (logP, logW) => (1 - a) * first.value(logP, logW) + a * second.value(logP, logW),
    gradient: mix("gradient"),
    coefficients: mix("coefficients"),
  }
}
