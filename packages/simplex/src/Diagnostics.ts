/**
 * How two distributions on the simplex differ, and how concentrated one is: the numbers to log at every step.
 *
 * @module
 */
import { relativeEntropy } from "./divergence/Kullback.ts"
import { checkLogProbabilities, checkProbabilities } from "./SimplexError.ts"

/**
 * KL(p || q) in nats, from log-probabilities [K]; -Infinity is a probability of 0, and the result is Infinity where q is 0
 * and p is not. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Diagnostics.ts#import,kl}
 *
 * @category diagnostics
 */
export const kl = (logP: ArrayLike<number>, logQ: ArrayLike<number>): number => {
  const p = checkLogProbabilities("log p", logP)
  return relativeEntropy(p, checkLogProbabilities("log q", logQ, p.length))
}

/**
 * Total variation 1/2 sum |p - q| between two distributions [K], in [0, 1]. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Diagnostics.ts#import,totalVariation}
 *
 * @category diagnostics
 */
export const totalVariation = (p: ArrayLike<number>, q: ArrayLike<number>): number => {
  const a = checkProbabilities("p", p)
  const b = checkProbabilities("q", q, a.length)
  return Math.min(1, a.reduce((sum, v, k) => sum + Math.abs(v - b[k]), 0) / 2)
}

/**
 * Effective sample size 1 / sum p^2 of a distribution [K]: K when uniform, 1 when one-hot. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Diagnostics.ts#import,ess}
 *
 * @category diagnostics
 */
export const ess = (p: ArrayLike<number>): number => {
  const a = checkProbabilities("p", p)
  return 1 / a.reduce((sum, v) => sum + v * v, 0)
}

/**
 * Entropy -sum p log p of a distribution [K] over the group's responses, nats, in [0, log K]. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Diagnostics.ts#import,entropy}
 *
 * @category diagnostics
 */
export const entropy = (p: ArrayLike<number>): number => {
  const a = checkProbabilities("p", p)
  return a.reduce((sum, v) => (v > 0 ? sum - v * Math.log(v) : sum), 0)
}
