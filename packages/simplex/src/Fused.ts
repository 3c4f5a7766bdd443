/**
 * Target and forward-KL coefficients in one call, for trainers with very many groups: three passes over the group,
 * no allocation, a faster exponential.
 *
 *     c = softmax(s) - softmax(R / tau + s_t)                                                               (eq. 10)
 *
 * Each |c_k| is within 1e-14 of what `Projection.coefficients(Divergence.forwardKl, s, Target.logGibbs(R, tau, s_t))` gives.
 *
 * @module
 */
import { fastExp } from "./internal/fastExp.ts"
import { badEntry, checkLength, checkPositive, checkVector } from "./SimplexError.ts"

/** exp(s_k - max s) of the current group; grows to the largest group seen. */
let scratch = new Float64Array(64)

/** The slow way to say what is wrong with invalid input. */
const complain = (rewards: ArrayLike<number>, s: ArrayLike<number>, anchor: ArrayLike<number> | null): Error => {
  checkVector("rewards", rewards)
  checkVector("log-ratios", s, rewards.length)
  if (anchor !== null) checkVector("anchor", anchor, rewards.length)
  return badEntry("log-ratios", 0, s[0], "the entries span more than the range of float64")
}

/**
 * c, [K], into `out`, which is returned. `rewards` [K]; `tau` > 0; `s` [K] is s_theta and `anchor` [K] s_t, or null for a fresh
 * group, nats. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Fused.ts#import,forwardKl}
 *
 * @category coefficients
 */
export const forwardKl = (
  rewards: Float64Array,
  tau: number,
  s: Float64Array,
  anchor: Float64Array | null,
  out: Float64Array,
): Float64Array => {
  const k = rewards.length
  if (k === 0 || s.length !== k || out.length !== k || (anchor !== null && anchor.length !== k)) {
    checkLength("rewards", rewards)
    checkLength("log-ratios", s, k)
    checkLength("out", out, k)
    checkLength("anchor", anchor ?? rewards, k)
  }
  if (!(tau > 0 && tau < Infinity)) checkPositive("tau", tau)
  if (scratch.length < k) scratch = new Float64Array(2 * k)
  const p = scratch
  let best = rewards[0]
  let top = s[0]
  // x - x is 0 for a finite number and NaN otherwise.
  let sound = 0
  for (let i = 0; i < k; i++) {
    const r = rewards[i]
    const v = s[i]
    best = r > best ? r : best
    top = v > top ? v : top
    sound += r - r + (v - v)
  }
  let peak = 0
  if (anchor !== null) {
    peak = -Infinity
    for (let i = 0; i < k; i++) {
      const a = anchor[i]
      const phi = Math.max((rewards[i] - best) / tau, -1e300) + a
      peak = phi > peak ? phi : peak
      sound += a - a
    }
  }
  if (sound !== 0) throw complain(rewards, s, anchor)
  let sumW = 0
  let sumP = 0
  for (let i = 0; i < k; i++) {
    const gap = (rewards[i] - best) / tau
    const phi = anchor === null ? gap : Math.max(gap, -1e300) + anchor[i] - peak
    const w = fastExp(phi)
    const q = fastExp(s[i] - top)
    out[i] = w
    p[i] = q
    sumW += w
    sumP += q
  }
  const scaleW = 1 / sumW
  const scaleP = 1 / sumP
  for (let i = 0; i < k; i++) out[i] = p[i] * scaleP - out[i] * scaleW
  return out
}
