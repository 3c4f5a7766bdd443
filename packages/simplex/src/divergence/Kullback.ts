/**
 * The two Kullback-Leibler divergences of the paper and their sum. With u = log(P / w):
 *
 *     forward   KL(w || P) = sum w (-u)          c = P - w                     (eq. 10)
 *     reverse   KL(P || w) = sum P u             c = P (d - sum_j P_j d_j)     (eq. 11), d = u up to a constant
 *     Jeffreys  the sum of both
 */
import type { Divergence } from "./Definition.ts"
import { expm1mx } from "../internal/exponential.ts"
import { refuse, separable } from "../internal/separable.ts"
import { SimplexError } from "../SimplexError.ts"

const forwardGap = (logP: number, logW: number): number => {
  if (logW === -Infinity) return Math.exp(logP)
  const u = logP - logW
  // w (e^u - 1 - u); the first form where e^u could overflow, the second where digits would cancel.
  return u > 1 ? Math.exp(logP) - Math.exp(logW) * (1 + u) : Math.exp(logW) * expm1mx(u)
}

const forward = /* @__PURE__ */ separable({
  name: "forward-kl",
  term: forwardGap,
  gradient: (logP, logW) => -Math.expm1(logW - logP),
  slope: (logP, logW) => Math.exp(logP) - Math.exp(logW),
})

/**
 * KL(w* || P), LPO-fwd (eq. 10): covers every response the target wants. Each coefficient is in [-1, 1] and their
 * magnitudes sum to at most 2. A target of exactly 0 is fine.
 *
 * {@includeCode ../../examples/Divergence.ts#import,group,forwardKl}
 *
 * @category divergences
 */
export const forwardKl: Divergence = {
  ...forward,
  coefficients: (logP, logW, out = new Float64Array(logP.length)) => {
    for (let k = 0; k < logP.length; k++) {
      const c = Math.exp(logP[k]) - Math.exp(logW[k])
      if (!Number.isFinite(c)) throw refuse("forward-kl", "c", k, logP[k], logW[k], c)
      out[k] = c
    }
    return out
  },
}

const reverse = /* @__PURE__ */ separable({
  name: "reverse-kl",
  term: (logP, logW) => (logP === -Infinity ? Math.exp(logW) : forwardGap(logW, logP)),
  gradient: (logP, logW) => logP - logW,
  slope: (logP, logW) => (logP === -Infinity ? 0 : Math.exp(logP) * (logP - logW)),
})

/**
 * KL(P || w*), LPO-rev (eq. 11): concentrates on what the target wants most, and has an entropy bonus. Coefficients are
 * not bounded by a constant. Throws `SimplexError` for a target of exactly 0, because it is infinite there.
 *
 * {@includeCode ../../examples/Divergence.ts#import,group,reverseKl}
 *
 * @category divergences
 */
export const reverseKl: Divergence = {
  ...reverse,
  coefficients: (logP, logW, out = new Float64Array(logP.length)) => {
    let mean = 0
    let lost = 0
    for (let k = 0; k < logP.length; k++) {
      const v = logP[k] === -Infinity ? 0 : Math.exp(logP[k]) * (logP[k] - logW[k])
      if (!Number.isFinite(v)) throw refuse("reverse-kl", "P dD/dP", k, logP[k], logW[k], v)
      const next = mean + v
      lost += Math.abs(mean) >= Math.abs(v) ? mean - next + v : v - next + mean
      mean = next
    }
    if (logP.length > 128) mean += lost
    let top = 0
    let others = 0
    for (let k = 0; k < logP.length; k++) {
      const p = Math.exp(logP[k])
      if (p > 1 - 1e-6) top = k + 1
      const c = p === 0 ? 0 : p * (logP[k] - logW[k] - mean)
      if (top !== k + 1) others += c
      out[k] = c
    }
    // A response with nearly all of P has d = mean up to rounding: it takes what the others leave.
    if (top > 0) out[top - 1] = -others
    return out
  },
}

/**
 * Jeffreys' divergence KL(w* || P) + KL(P || w*), also the bracket of Theorem 2. Throws `SimplexError` for a target of
 * exactly 0.
 *
 * {@includeCode ../../examples/Divergence.ts#import,group,jeffreys}
 *
 * @category divergences
 */
export const jeffreys: Divergence = /* @__PURE__ */ separable({
  name: "jeffreys",
  term: (logP, logW) => {
    const u = logP - logW
    return Math.abs(u) <= 1 ? Math.exp(logW) * Math.expm1(u) * u : Math.exp(logP) * u - Math.exp(logW) * u
  },
  gradient: (logP, logW) => logP - logW - Math.expm1(logW - logP),
  slope: (logP, logW) => {
    const u = logP - logW
    return Math.abs(u) <= 1 ? Math.exp(logP) * (u - Math.expm1(-u)) : Math.exp(logP) * (1 + u) - Math.exp(logW)
  },
})

/** KL(p || q) in nats of two log-probability vectors; infinite if q is 0 where p is not. @category divergences */
export const relativeEntropy = (logP: Float64Array, logQ: Float64Array): number => {
  for (let k = 0; k < logP.length; k++) if (logP[k] > -Infinity && logQ[k] === -Infinity) return Infinity
  const value = forward.value(logQ, logP)
  if (Number.isNaN(value)) throw new SimplexError("the relative entropy of these log-probabilities is not a number")
  return value
}
