/**
 * What the paper proves about an update, as functions that you can evaluate on a group.
 *
 * @module
 */
import * as Diagnostics from "./Diagnostics.ts"
import { logSoftmax } from "./internal/softmax.ts"
import { badValue, checkVector } from "./SimplexError.ts"
import { logGibbs } from "./Target.ts"

/**
 * Theorem 2: the guaranteed gain in expected reward over the group of an update that ends within
 * `epsilon` of the target in total variation: `tau [KL(w*||P_t) + KL(P_t||w*)] - 2 R_max epsilon`, in units of reward.
 * `anchor` [K] is s_t, 0 for a fresh group. R_max is the largest |R|. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Guarantee.ts#import,gainBound}
 *
 * @category guarantees
 */
export const gainBound = (options: {
  readonly rewards: ArrayLike<number>
  readonly tau: number
  readonly epsilon: number
  readonly anchor?: ArrayLike<number>
}): number => {
  const rewards = checkVector("rewards", options.rewards)
  const { epsilon, tau } = options
  if (!(epsilon >= 0 && epsilon <= 1)) throw badValue("epsilon", epsilon, "a total variation is in [0, 1]")
  const anchor = checkVector("anchor", options.anchor ?? new Float64Array(rewards.length), rewards.length)
  const target = logGibbs(rewards, tau, anchor)
  const start = logSoftmax(anchor)
  const rMax = rewards.reduce((a, v) => Math.max(a, Math.abs(v)), 0)
  return tau * (Diagnostics.kl(target, start) + Diagnostics.kl(start, target)) - 2 * rMax * epsilon
}

/** The gain of an update, and the least gain by Theorem 2; units of reward. @category models */
export interface Gained {
  /** The expected reward over the group under P minus that under P_t. */
  readonly gain: number
  /** {@link gainBound} at the distance that P has from the target. */
  readonly bound: number
}

/**
 * Theorem 2 at any policy: `gain >= bound`, with the log-ratios `s` and `anchor` [K] of P and P_t. Both are 0
 * if the group has no signal and nothing moved. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Guarantee.ts#import,gained}
 *
 * @category guarantees
 */
export const gained = (options: {
  readonly rewards: ArrayLike<number>
  readonly tau: number
  readonly s: ArrayLike<number>
  readonly anchor?: ArrayLike<number>
}): Gained => {
  const rewards = checkVector("rewards", options.rewards)
  const anchor = checkVector("anchor", options.anchor ?? new Float64Array(rewards.length), rewards.length)
  const policy = logSoftmax(checkVector("log-ratios", options.s, rewards.length)).map(Math.exp)
  const start = logSoftmax(anchor).map(Math.exp)
  const target = logGibbs(rewards, options.tau, anchor).map(Math.exp)
  const epsilon = Diagnostics.totalVariation(policy, target)
  return {
    gain: rewards.reduce((sum, reward, k) => sum + (policy[k] - start[k]) * reward, 0),
    bound: gainBound({ rewards, tau: options.tau, epsilon, anchor }),
  }
}

/**
 * Corollary 2, the log barrier of forward KL: where w*_k >= `target` and KL(w* || P) <= `divergence` nats,
 * `P_k > target exp(-divergence / target - 1)`. A response that the target wants cannot be forgotten while the loss is
 * finite. `target` in (0, 1]. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Guarantee.ts#import,logBarrier}
 *
 * @category guarantees
 */
export const logBarrier = (target: number, divergence: number): number => {
  if (!(target > 0 && target <= 1)) throw badValue("target", target, "the target's probability is in (0, 1]")
  if (!(divergence >= 0)) throw badValue("divergence", divergence, "a KL is not negative")
  return target * Math.exp(-divergence / target - 1)
}

/**
 * Proposition 1 off policy: how far a coefficient of reverse KL with target softmax(A) can be from the importance-weighted
 * policy gradient's, `-ratio_k A_k / K`, when every ratio pi_theta / pi_b is within `delta` of 1 and A has mean zero:
 * `C delta (1 + max |A|) / K`. The paper leaves C open; here it is (1 + delta)(3 - delta) / (1 - delta)^2, by these steps:
 *
 * with ratios r, mean 1 + m, |m| <= delta, P_k = r_k / (K (1 + m)) <= (1 + delta) / (K (1 - delta)), and
 * `c_k + r_k A_k / K = P_k (s_k - sbar) + P_k (m A_k + Abar)`, where bars are means under P. Then
 * |s_k - sbar| <= log((1 + delta) / (1 - delta)) <= 2 delta / (1 - delta), and since A has mean zero
 * |Abar| <= max |A| sum |P_j - 1/K| <= max |A| 2 delta / (1 - delta).
 *
 * Infinity for delta >= 1, where a ratio may be 0. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Guarantee.ts#import,offPolicyGap}
 *
 * @category guarantees
 */
export const offPolicyGap = (options: {
  /** A, [K], of mean zero. */
  readonly advantages: ArrayLike<number>
  /** max_k |ratio_k - 1|, >= 0. */
  readonly delta: number
}): number => {
  const { delta } = options
  const a = checkVector("advantages", options.advantages)
  if (!(delta >= 0)) throw badValue("delta", delta, "a distance of ratios from 1 is not negative")
  const most = a.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
  const mean = a.reduce((sum, v) => sum + v / a.length, 0)
  if (Math.abs(mean) > 1e-9 * Math.max(1, most))
    throw badValue("the mean of the advantages", mean, "it must be 0; subtract it")
  if (delta >= 1) return Infinity
  return (((1 + delta) * (3 - delta)) / (1 - delta) ** 2) * delta * ((1 + most) / a.length)
}

/**
 * Proposition 2, the exact update of the whole response space: after t updates at fixed tau the policy is
 * `pi_0(y) exp(t R(y) / tau)`, normalised; log-probabilities [K] over the responses considered. `t` >= 0. Throws
 * `SimplexError`.
 *
 * {@includeCode ../examples/Guarantee.ts#import,exactUpdate}
 *
 * @category guarantees
 */
export const exactUpdate = (options: {
  readonly rewards: ArrayLike<number>
  readonly tau: number
  readonly updates: number
  /** log pi_0, [K]; does not have to be normalised. */
  readonly logProbs: ArrayLike<number>
}): Float64Array => {
  const { logProbs, rewards, tau, updates } = options
  if (!(updates >= 0 && updates < Infinity)) throw badValue("updates", updates, "it must be finite and not negative")
  const start = checkVector("log-probabilities", logProbs, rewards.length)
  return updates === 0 ? logSoftmax(start) : logGibbs(rewards, tau / updates, start)
}
