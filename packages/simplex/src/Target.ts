/**
 * The target distribution w* over a group's K responses, towards which the policy moves.
 *
 * The listwise Gibbs target (Theorem 1) is the unique maximiser over the simplex of `sum_k w_k R_k - tau KL(w || P_t)`:
 * `w* = softmax(phi)` with `phi_k = R_k / tau + s_t,k`. With the chi-square divergence instead of KL, the maximiser is
 * sparse (GOPO): responses far enough below the rest get exactly 0.
 *
 * Rewards may have any sign, scale and source: w* depends only on their differences, ties share mass, nothing overflows.
 *
 * @module
 */
import { logSoftmax } from "./internal/softmax.ts"
import { checkPositive, checkVector } from "./SimplexError.ts"

/**
 * log w*, [K], in nats (Theorem 1). `rewards` [K]; `tau` > 0, in units of reward; `anchor` [K] is s_t, the log-ratio of the
 * anchor to the behaviour policy, 0 for a fresh group. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Target.ts#import,logGibbs}
 *
 * @category targets
 */
export const logGibbs = (rewards: ArrayLike<number>, tau: number, anchor?: ArrayLike<number>): Float64Array => {
  const r = checkVector("rewards", rewards)
  const s = anchor === undefined ? new Float64Array(r.length) : checkVector("anchor", anchor, r.length)
  checkPositive("tau", tau)
  // Rewards are first centred on the best, so huge ones over a tiny tau cannot overflow to infinity minus infinity.
  const best = r.reduce((a, b) => Math.max(a, b))
  return logSoftmax(r.map((v, k) => Math.max((v - best) / tau, -1e300) + s[k]))
}

/**
 * w* itself: {@link logGibbs} exponentiated, [K], sums to 1.
 *
 * {@includeCode ../examples/Target.ts#import,gibbs}
 *
 * @category targets
 */
export const gibbs = (rewards: ArrayLike<number>, tau: number, anchor?: ArrayLike<number>): Float64Array =>
  logGibbs(rewards, tau, anchor).map(Math.exp)

/** GOPO's target: the ratios rho* = w* / P_t, the threshold lambda, and log w*. @category models */
export interface Chi2Target {
  /** rho*_k = max(0, 1 + (R_k - mean - lambda) / mu), [K] */
  readonly ratios: Float64Array
  /** lambda, in units of reward, relative to the mean of R under P_t. */
  readonly lambda: number
  /** log(P_t rho*), [K]; -Infinity where the ratio is 0. */
  readonly logTarget: Float64Array
}

/**
 * The chi-square target (GOPO): the maximiser of `sum w_k R_k - mu / 2 sum (w_k - P_k)^2 / P_k` over the simplex, with P the
 * anchor. lambda makes the ratios average 1 under P; it is bracketed by bisection, then solved on the support that the
 * bisection found. `mu` > 0 in units of reward. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Target.ts#import,chi2}
 *
 * @category targets
 */
export const chi2 = (rewards: ArrayLike<number>, mu: number, anchor?: ArrayLike<number>): Chi2Target => {
  const r = checkVector("rewards", rewards)
  checkPositive("mu", mu)
  const logP = logSoftmax(anchor === undefined ? new Float64Array(r.length) : checkVector("anchor", anchor, r.length))
  const p = logP.map(Math.exp)
  // In units of mu and relative to the best reward, so neither huge rewards nor a tiny mu can overflow.
  const best = r.reduce((a, b) => Math.max(a, b))
  const a = r.map((v) => Math.max((v - best) / mu, -1e300))
  const mass = (x: number): number => a.reduce((sum, v, k) => sum + p[k] * Math.max(0, v - x), 0)
  // sum P max(0, a - x) = 1 has its root in [low, 0): at x = -1 / P(best) the best response alone gives 1 or more.
  const bestMass = p.reduce((sum, v, k) => (a[k] === 0 ? sum + v : sum), 0)
  let low = Math.max(-1 / bestMass, -1e300)
  let high = 0
  for (let i = 0; i < 200 && high - low > 1e-16 * -low; i++) {
    const middle = (low + high) / 2
    if (mass(middle) >= 1) low = middle
    else high = middle
  }
  const support = a.map((v) => (v > low ? 1 : 0))
  const inside = p.reduce((sum, v, k) => sum + v * support[k], 0)
  const x = inside > 0 ? (a.reduce((sum, v, k) => sum + (support[k] === 1 ? p[k] * v : 0), 0) - 1) / inside : low
  const ratios = a.map((v) => Math.max(0, v - x))
  const mean = p.reduce((sum, v, k) => sum + v * a[k], 0)
  return {
    ratios,
    lambda: (x + 1 - mean) * mu,
    logTarget: logSoftmax(logP.map((v, k) => v + Math.log(ratios[k]))),
  }
}

/**
 * log P = log softmax(s), [K], of log-ratios `s` in nats. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Target.ts#import,logListwise}
 *
 * @category targets
 */
export const logListwise = (s: ArrayLike<number>): Float64Array => logSoftmax(checkVector("log-ratios", s))

/**
 * P = softmax(s), [K], the listwise distribution of log-ratios `s`. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Target.ts#import,listwise}
 *
 * @category targets
 */
export const listwise = (s: ArrayLike<number>): Float64Array => logListwise(s).map(Math.exp)

/**
 * The logits that span the simplex. `anchor`: log-ratios to the behaviour policy, so a fresh group starts uniform (LPO).
 * `policy-probability`: the responses' own log-probabilities (TPO); they differ by tens of nats, so P is nearly one-hot.
 *
 * @category bases
 */
export type Base = "anchor" | "policy-probability"

/**
 * The logits [K] of a policy in a base: s = log pi(y) - log pi_b(y), or log pi(y) itself. `logProbs` and `behaviour` [K] are
 * summed log-probabilities in nats. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Target.ts#import,logits}
 *
 * @category bases
 */
export const logits = (base: Base, logProbs: ArrayLike<number>, behaviour: ArrayLike<number>): Float64Array => {
  const own = checkVector("log-probabilities", logProbs)
  const b = checkVector("behaviour", behaviour, own.length)
  return base === "anchor" ? own.map((v, k) => v - b[k]) : own
}

/**
 * What to do with a group whose rewards are all equal, or whose temperature has no signal. `drop`: no gradient. `anchor`:
 * the target is P_t, so a policy that has drifted since is pulled back (TPO keeps such groups); one that has not drifted
 * has no gradient.
 *
 * @category bases
 */
export type ZeroVariance = "drop" | "anchor"

/**
 * Rewards whose range is at most this share of the largest magnitude differ only by rounding: about 4,500 units in the last place.
 */
const ROUNDING = 1e-12

/**
 * Whether any reward differs from another by more than rounding: whether `max R - min R > 1e-12 max |R|`. So 0.1 + 0.2 and 0.3
 * are equal rewards; a bitwise comparison would turn their difference into a whole standard deviation. This is the only place that
 * defines equal rewards: `isSilent`, the advantages, the statistics and the temperatures all use it. A reward that is not finite
 * counts as a signal, so the function that uses it reports it.
 *
 * {@includeCode ../examples/Target.ts#import,hasSignal}
 *
 * @category predicates
 */
export const hasSignal = (rewards: ArrayLike<number>): boolean => {
  if (rewards.length === 0) return false
  let low = rewards[0]
  let high = rewards[0]
  for (let k = 1; k < rewards.length; k++) {
    low = Math.min(low, rewards[k])
    high = Math.max(high, rewards[k])
  }
  const size = Math.max(Math.abs(low), Math.abs(high))
  return !(high - low <= ROUNDING * size) || size === Infinity
}

/**
 * Whether a group gets no gradient: groups without a signal are dropped, and either its rewards are all equal (see
 * {@link hasSignal}) or its temperature says so. This is the only place that decides it.
 *
 * {@includeCode ../examples/Target.ts#import,isSilent}
 *
 * @category predicates
 */
export const isSilent = (
  zeroVariance: ZeroVariance,
  rewards: ArrayLike<number>,
  tau: number | "zero-signal" = 1,
): boolean => zeroVariance === "drop" && (tau === "zero-signal" || !hasSignal(rewards))

/** A kind of target: a function from rewards, temperature and anchor to log w*, [K]. @category models */
export interface Target {
  readonly name: string
  readonly of: (rewards: ArrayLike<number>, tau: number, anchor?: ArrayLike<number>) => Float64Array
}

/** {@link logGibbs} as a value. @category models */
export const gibbsTarget: Target = { name: "gibbs", of: logGibbs }

/** {@link chi2} as a value, with the temperature as mu. @category models */
export const chi2Target: Target = { name: "chi2", of: (rewards, tau, anchor) => chi2(rewards, tau, anchor).logTarget }

/**
 * log w* [K] of a group at a temperature that may be "zero-signal" (see `Temperature`). Without a signal the target is P_t,
 * exactly; {@link isSilent} says whether such a group is used at all. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Target.ts#import,resolve}
 *
 * @category targets
 */
export const resolve = (options: {
  readonly target: Target
  readonly rewards: ArrayLike<number>
  readonly tau: number | "zero-signal"
  readonly anchor?: ArrayLike<number>
}): Float64Array => {
  const { anchor, rewards, target, tau } = options
  if (tau !== "zero-signal" && hasSignal(rewards)) return target.of(rewards, tau, anchor)
  return logListwise(anchor ?? new Float64Array(checkVector("rewards", rewards).length))
}
