/**
 * The listwise Gibbs target (Theorem 1): the unique maximiser over the simplex of
 * `sum_k w_k R_k - tau KL(w || P_t)` is `w* = softmax(phi)` with `phi_k = R_k / tau + s_t,k`.
 */
import { logSoftmax } from "./internal/softmax.ts"
import { checkVector, SimplexError } from "./SimplexError.ts"

/**
 * log w*, [K], in nats. `rewards` [K]; `tau` > 0, in units of reward; `anchor` [K] is s_t, the log-ratio of the anchor
 * to the behaviour policy, 0 for a fresh group. Throws `SimplexError`.
 *
 * @category targets
 */
export const logGibbs = (rewards: ArrayLike<number>, tau: number, anchor?: ArrayLike<number>): Float64Array => {
  const r = checkVector("rewards", rewards)
  const s = anchor === undefined ? new Float64Array(r.length) : checkVector("anchor", anchor, r.length)
  if (!(tau > 0) || tau === Infinity) throw new SimplexError(`tau is ${tau}; it must be positive and finite`)
  // Rewards are centred on the best first, so that huge ones over a tiny tau cannot overflow to infinity minus infinity.
  const best = r.reduce((a, b) => Math.max(a, b))
  return logSoftmax(r.map((v, k) => Math.max((v - best) / tau, -1e300) + s[k]))
}

/** w* itself: {@link logGibbs} exponentiated, [K], sums to 1. @category targets */
export const gibbs = (rewards: ArrayLike<number>, tau: number, anchor?: ArrayLike<number>): Float64Array =>
  logGibbs(rewards, tau, anchor).map(Math.exp)

/** P = softmax(s), [K], the listwise distribution of log-ratios `s`. @category targets */
export const listwise = (s: ArrayLike<number>): Float64Array => logSoftmax(checkVector("log-ratios", s)).map(Math.exp)
