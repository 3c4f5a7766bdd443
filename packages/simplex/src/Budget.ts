/**
 * Temperatures set by limits on the target instead of the rewards' statistics. With beta = 1 / tau and the
 * Gibbs target w(beta) = softmax(beta R + s_t):
 *
 *     klBudget   the tau at which KL(w || P_t) = epsilon, as in relative entropy policy search. The KL rises with beta,
 *                from 0 to -log P_t(best responses)
 *     essFloor   the smallest tau at which the effective sample size 1 / sum w_k^2 is still n. On a fresh group it falls as
 *                beta rises, from K to the number of best responses; on a stale one it may rise first
 *
 * If the value cannot be reached, `reached` is false and the answer is the nearest possible. Values are reached
 * within 1e-9 for log-ratios up to about 1e3 nats; beyond, beta itself has too few digits.
 *
 * @module
 */
import { expm1mx } from "./internal/exponential.ts"
import { logSoftmax, logSumExp } from "./internal/softmax.ts"
import { badValue, checkPositive, checkVector, SimplexError } from "./SimplexError.ts"
import { hasSignal } from "./Target.ts"

/** A solved temperature. @category models */
export interface Solution {
  /** tau > 0, in units of reward; Infinity if only the anchor itself is close enough (the group then has no signal). */
  readonly tau: number
  /** KL in nats for `klBudget`, effective sample size for `essFloor`, of the target at `tau`. */
  readonly value: number
  /** Whether `value` is the requested one; otherwise it is the nearest that any tau gives. */
  readonly reached: boolean
}

interface Scaled {
  /** Rewards counted from the best in units of their range, in [-1, 0], [K]. */
  readonly r: Float64Array
  /** log P_t, [K]. */
  readonly logP: Float64Array
  /** The range of the rewards; tau = range / beta. */
  readonly range: number
  /** Beyond this beta the mass of the others is below float64. */
  readonly betaMax: number
}

const scale = (rewards: ArrayLike<number>, anchor: ArrayLike<number> | undefined): Scaled | null => {
  const rewardsK = checkVector("rewards", rewards)
  const s = anchor === undefined ? new Float64Array(rewardsK.length) : checkVector("anchor", anchor, rewardsK.length)
  const best = rewardsK.reduce((a, b) => Math.max(a, b))
  const worst = rewardsK.reduce((a, b) => Math.min(a, b))
  if (!hasSignal(rewardsK)) return null
  const range = best - worst
  if (range === Infinity) {
    throw new SimplexError(`the rewards range from ${worst} to ${best}, beyond float64; scale them down`, {
      input: "rewards",
      value: range,
    })
  }
  const r = rewardsK.map((v) => (v - best) / range)
  const logP = logSoftmax(s)
  const gap = r.reduce((a, v) => (v < 0 ? Math.min(a, -v) : a), 1)
  const spread = logP.reduce((a, b) => Math.max(a, b)) - logP.reduce((a, b) => Math.min(a, b))
  return { r, logP, range, betaMax: Math.min(1e300, (spread + 50) / gap) }
}

/** KL(w || P) of Gibbs' w: as a sum of terms w (P/w - 1 - log P/w), none negative, so small ones keep their digits. */
const klAt = (scaled: Scaled, beta: number): number => {
  const { logP, r } = scaled
  // log(w_k / P_k) = beta r_k - log sum P e^(beta r), using log1p for the logarithm while beta is small.
  const shift =
    beta < 0.5
      ? Math.log1p(logP.reduce((sum, v, k) => sum + Math.exp(v) * Math.expm1(beta * r[k]), 0))
      : logSumExp(logP.map((v, k) => v + beta * r[k]))
  return logP.reduce((sum, v, k) => {
    const u = shift - beta * r[k]
    // P - w (1 + u) where e^u might overflow.
    const term = u > 1 ? Math.exp(v) - Math.exp(v - u) * (1 + u) : Math.exp(v - u) * expm1mx(u)
    return sum + term
  }, 0)
}

const answer = ({ range }: Scaled, beta: number, value: number, reached: boolean): Solution => {
  const tau = range / beta
  if (!(tau > 0) || (tau === Infinity && beta > 0))
    throw badValue("the temperature", tau, `the rewards' range is ${range}; scale them`)
  return { tau, value, reached }
}

/**
 * The temperature at which the target spends `epsilon` nats of KL from the anchor. `epsilon` > 0. If epsilon is not
 * below -log P_t(best responses), which only tau = 0 reaches, the answer is a tau so small that all other responses have no mass.
 * Null for equal rewards. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Budget.ts#import,klBudget}
 *
 * @category solvers
 */
export const klBudget = (rewards: ArrayLike<number>, epsilon: number, anchor?: ArrayLike<number>): Solution | null => {
  checkPositive("epsilon", epsilon)
  const scaled = scale(rewards, anchor)
  if (scaled === null) return null
  let high = scaled.betaMax
  const most = klAt(scaled, high)
  if (epsilon >= most) return answer(scaled, high, most, false)
  // KL is about beta^2 Var / 2 near 0, with Var <= 1/4: it cannot reach epsilon before beta = sqrt(8 epsilon).
  let low = Math.min(Math.sqrt(8 * epsilon) / 2, high / 2)
  while (klAt(scaled, low) > epsilon) low /= 2
  while (high > low * (1 + 4e-16)) {
    const middle = high > 4 * low ? Math.sqrt(low) * Math.sqrt(high) : low + (high - low) / 2
    if (middle <= low || middle >= high) break
    if (klAt(scaled, middle) > epsilon) high = middle
    else low = middle
  }
  return answer(scaled, low, klAt(scaled, low), true)
}

/** log of the effective sample size of w(beta), and the pieces that bound it over an interval. */
const essAt = ({ logP, r }: Scaled, beta: number) => {
  const x = logP.map((v, k) => v + beta * r[k])
  const doubled = x.map((v) => 2 * v)
  const logZ = logSumExp(x)
  const logZ2 = logSumExp(doubled)
  // d/dbeta of log sum e^(2x): convex in beta, so its tangents are below it.
  const slope = 2 * r.reduce((sum, v, k) => sum + Math.exp(doubled[k] - logZ2) * v, 0)
  return { logEss: 2 * logZ - logZ2, logZ, logZ2, slope }
}

/**
 * The largest beta in [a, b] with log ESS >= level, or null. log ESS = 2 L(beta) - M(beta) with L and M convex: chords are
 * above L and tangents below M, so 2 chord - tangent is a linear bound that proves an interval empty.
 */
const lastAtLeast = (scaled: Scaled, level: number, a: number, b: number): number | null => {
  const atB = essAt(scaled, b)
  if (atB.logEss >= level) return b
  const atA = essAt(scaled, a)
  const middle = a === 0 || b > 4 * a ? (a === 0 ? b / 1024 : Math.sqrt(a) * Math.sqrt(b)) : a + (b - a) / 2
  if (!(middle > a && middle < b) || b - a < 4e-16 * b || b < 1e-300) return atA.logEss >= level ? a : null
  const within = [atA, atB].some((touch, i) => {
    const at = i === 0 ? a : b
    const bound = (x: number, logZ: number) => 2 * logZ - (touch.logZ2 + touch.slope * (x - at))
    return bound(a, atA.logZ) < level && bound(b, atB.logZ) < level
  })
  if (within) return null
  return lastAtLeast(scaled, level, middle, b) ?? lastAtLeast(scaled, level, a, middle)
}

/**
 * The smallest temperature at which the target's effective sample size is `n` (1 <= n). If even tau = 0 reaches n, because
 * that many responses tie for the best, the answer is a tau so small that the others have no mass, with `reached` false; if
 * no tau reaches it, the answer is the anchor's own: tau = Infinity. Null for equal rewards. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Budget.ts#import,essFloor}
 *
 * @category solvers
 */
export const essFloor = (rewards: ArrayLike<number>, n: number, anchor?: ArrayLike<number>): Solution | null => {
  if (!(n >= 1) || n === Infinity)
    throw badValue("the floor n", n, "an effective sample size is at least 1, and finite")
  const scaled = scale(rewards, anchor)
  if (scaled === null) return null
  const atEnd = Math.exp(essAt(scaled, scaled.betaMax).logEss)
  if (atEnd >= n) return answer(scaled, scaled.betaMax, atEnd, Math.abs(atEnd - n) < 1e-9)
  const beta = lastAtLeast(scaled, Math.log(n), 0, scaled.betaMax)
  if (beta === null || beta === 0) {
    const value = Math.exp(essAt(scaled, 0).logEss)
    return { tau: Infinity, value, reached: Math.abs(value - n) < 1e-9 }
  }
  return answer(scaled, beta, Math.exp(essAt(scaled, beta).logEss), true)
}
