/** What the paper proves about an update, as functions that can be evaluated on a group. */
import { logGibbs } from "./Target.ts"
import { logSoftmax } from "./internal/softmax.ts"
import { checkVector, SimplexError } from "./SimplexError.ts"

/** KL(p || q) in nats, from log-probabilities. @category diagnostics */
export const kl = (logP: Float64Array, logQ: Float64Array): number =>
  logP.reduce((sum, v, k) => (v === -Infinity ? sum : sum + Math.exp(v) * (v - logQ[k])), 0)

/** Total variation between two distributions, in [0, 1]. @category diagnostics */
export const totalVariation = (p: ArrayLike<number>, q: ArrayLike<number>): number => {
  const a = checkVector("p", p)
  const b = checkVector("q", q, a.length)
  return a.reduce((sum, v, k) => sum + Math.abs(v - b[k]), 0) / 2
}

/**
 * Theorem 2: the gain in expected reward over the group that an update is guaranteed to reach when it ends within
 * `epsilon` of the target in total variation: `tau [KL(w*||P_t) + KL(P_t||w*)] - 2 R_max epsilon`, in units of reward.
 * `anchor` [K] is s_t, 0 for a fresh group. Throws `SimplexError`.
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
  if (!(epsilon >= 0 && epsilon <= 1)) throw new SimplexError(`epsilon is ${epsilon}; a total variation is in [0, 1]`)
  const anchor = checkVector("anchor", options.anchor ?? new Float64Array(rewards.length), rewards.length)
  const target = logGibbs(rewards, tau, anchor)
  const start = logSoftmax(anchor)
  const rMax = rewards.reduce((a, v) => Math.max(a, Math.abs(v)), 0)
  return tau * (kl(target, start) + kl(start, target)) - 2 * rMax * epsilon
}
