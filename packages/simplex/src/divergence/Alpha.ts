/**
 * The family w^a P^(1-a), which contains most named divergences. With S_a = sum_k w_k^a P_k^(1-a) and u = log(P / w):
 *
 *     alpha      D_a = (S_a - 1) / (a (a - 1))       P dD/dP = P (1 - e^(-a u)) / a
 *     limits     a = 1 is KL(w || P), a = 0 is KL(P || w)
 *     members    a = 2 is Neyman / 2, a = -1 is Pearson / 2, a = 1/2 is 4 squared Hellinger
 *     Renyi      log(S_a) / (a - 1), whose coefficients are P - q with q proportional to w^a P^(1-a)
 */
import type { Divergence } from "./Definition.ts"
import { expm1mx } from "../internal/exponential.ts"
import { refuse, separable } from "../internal/separable.ts"
import { badValue } from "../SimplexError.ts"
import { forwardKl, reverseKl } from "./Kullback.ts"

/** log(w^a P^(1-a)), where a probability of 0 to the power 0 is 1. */
const logBlend = (a: number, logP: number, logW: number): number =>
  (a === 0 ? 0 : a * logW) + (a === 1 ? 0 : (1 - a) * logP)

/** (w^a P^(1-a) - a w - (1-a) P) / (a (a-1)): sums to D_a on the simplex, and no term is negative. */
const term = (a: number, logP: number, logW: number): number => {
  const u = logP - logW
  const scale = a * (a - 1)
  if (Math.abs(u) <= 1) return (Math.exp(logW) * (expm1mx((1 - a) * u) - (1 - a) * expm1mx(u))) / scale
  return (Math.exp(logBlend(a, logP, logW)) - a * Math.exp(logW) - (1 - a) * Math.exp(logP)) / scale
}

/** P (1 - e^(-a u)) / a: the first form where e^(-a u) could overflow, the second where digits would cancel. */
const slope = (a: number, logP: number, logW: number): number => {
  const x = a * (logW - logP)
  return x > 1 || logP === -Infinity
    ? (Math.exp(logP) - Math.exp(logBlend(a, logP, logW))) / a
    : (-Math.exp(logP) * Math.expm1(x)) / a
}

const member = (name: string, a: number, factor: number): Divergence =>
  separable({
    name,
    term: (logP, logW) => factor * term(a, logP, logW),
    gradient: (logP, logW) => (-factor * Math.expm1(a * (logW - logP))) / a,
    slope: (logP, logW) => factor * slope(a, logP, logW),
  })

/**
 * The alpha divergence `(sum w^a P^(1-a) - 1) / (a (a - 1))`, exactly forward KL at a = 1 and reverse KL at a = 0.
 * Throws `SimplexError` for an `a` that is not finite; on use, for a target of exactly 0 when a <= 0. Values lose about
 * `1 / min(|a|, |1 - a|)` in relative accuracy as a approaches a limit.
 *
 * {@includeCode ../../examples/Divergence.ts#import,group,alpha}
 *
 * @category divergences
 */
export const alpha = (a: number): Divergence => {
  if (!Number.isFinite(a)) throw badValue("alpha", a, "it must be finite")
  const limit = a === 1 ? forwardKl : a === 0 ? reverseKl : null
  return limit === null ? member(`alpha(${a})`, a, 1) : { ...limit, name: `alpha(${a})` }
}

/**
 * Pearson's chi-square `sum (P - w)^2 / w`: the reward-tilted policy's own variance around the target. Throws
 * `SimplexError` for a target of exactly 0.
 *
 * {@includeCode ../../examples/Divergence.ts#import,group,pearsonChi2}
 *
 * @category divergences
 */
export const pearsonChi2: Divergence = /* @__PURE__ */ member("pearson-chi2", -1, 2)

/**
 * Neyman's chi-square `sum (w - P)^2 / P`: the variance of the importance weights w / P. A target of exactly 0 is fine.
 *
 * {@includeCode ../../examples/Divergence.ts#import,group,neymanChi2}
 *
 * @category divergences
 */
export const neymanChi2: Divergence = /* @__PURE__ */ member("neyman-chi2", 2, 2)

/**
 * Squared Hellinger distance `1/2 sum (sqrt P - sqrt w)^2`, in [0, 1]: always finite, zeros included.
 *
 * {@includeCode ../../examples/Divergence.ts#import,group,hellinger2}
 *
 * @category divergences
 */
export const hellinger2: Divergence = /* @__PURE__ */ member("hellinger2", 0.5, 0.25)

/**
 * Rényi's divergence of order a, `log(sum w^a P^(1-a)) / (a - 1)`, a > 0; forward KL at a = 1. Its coefficients are P minus
 * the escort distribution `softmax(a log w + (1 - a) log P)`, so they are bounded like those of forward KL.
 *
 * {@includeCode ../../examples/Divergence.ts#import,group,renyi}
 *
 * @category divergences
 */
export const renyi = (a: number): Divergence => {
  if (!(a > 0) || a === Infinity) throw badValue("the order of Rényi's divergence", a, "it must be positive and finite")
  const name = `renyi(${a})`
  if (a === 1) return { ...forwardKl, name }
  const related = alpha(a)
  const blend = (logP: Float64Array, logW: Float64Array, k: number): number =>
    logP[k] === -Infinity && logW[k] === -Infinity ? -Infinity : logBlend(a, logP[k], logW[k])
  /** log S_a, in three passes that allocate nothing. */
  const logS = (logP: Float64Array, logW: Float64Array): number => {
    let top = -Infinity
    for (let k = 0; k < logP.length; k++) {
      const v = blend(logP, logW, k)
      if (!(v < Infinity)) throw refuse(name, "log(w^a P^(1-a))", k, logP[k], logW[k], v)
      if (v > top) top = v
    }
    if (top === -Infinity) throw badValue(`the overlap of ${name}`, 0, "the target and the policy share no response")
    let sum = 0
    let lost = 0
    for (let k = 0; k < logP.length; k++) {
      const v = Math.exp(blend(logP, logW, k) - top)
      const next = sum + v
      lost += sum >= v ? sum - next + v : v - next + sum
      sum = next
    }
    return top + Math.log(sum + lost)
  }
  return {
    name,
    value: (logP, logW) => {
      const log = logS(logP, logW)
      // If S is near 1, its logarithm would lose the digits that the alpha divergence keeps.
      return Math.abs(log) < 0.5 ? Math.log1p(a * (a - 1) * related.value(logP, logW)) / (a - 1) : log / (a - 1)
    },
    gradient: (logP, logW, out = new Float64Array(logP.length)) => {
      const z = logS(logP, logW)
      for (let k = 0; k < logP.length; k++) {
        const v = blend(logP, logW, k) === -Infinity ? 1 : -Math.expm1(a * (logW[k] - logP[k]) - z)
        if (!Number.isFinite(v)) throw refuse(name, "dD/dP", k, logP[k], logW[k], v)
        out[k] = v
      }
      return out
    },
    coefficients: (logP, logW, out = new Float64Array(logP.length)) => {
      const z = logS(logP, logW)
      for (let k = 0; k < logP.length; k++) {
        const q = blend(logP, logW, k) - z
        // P - q, by the form that keeps its digits when the two are close.
        out[k] =
          Math.abs(q - logP[k]) <= 1 ? -Math.exp(logP[k]) * Math.expm1(q - logP[k]) : Math.exp(logP[k]) - Math.exp(q)
      }
      return out
    },
  }
}
