/**
 * Group statistics and the advantages of the policy-gradient methods, each the target of LPO at its own temperature.
 *
 * @module
 */
import { badEntry, checkPositive, checkVector, SimplexError } from "./SimplexError.ts"
import { hasSignal } from "./Target.ts"

/**
 * Mean reward of the group. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Advantage.ts#import,mean}
 *
 * @category statistics
 */
export const mean = (rewards: ArrayLike<number>): number => {
  const r = checkVector("rewards", rewards)
  // Deviations from the first reward are exactly 0 when all are equal, so rounding never looks like a signal.
  const mu = r[0] + r.reduce((sum, v) => sum + (v - r[0]), 0) / r.length
  if (Number.isFinite(mu)) return mu
  const unit = r.reduce((a, v) => Math.max(a, Math.abs(v)), 0)
  return unit * r.reduce((sum, v) => sum + v / unit / r.length, 0)
}

/**
 * Standard deviation of the group's rewards: the population's (divided by K, the default) or the sample's (divided by
 * K - 1, at least two responses). Exactly 0 when all rewards are equal, as defined by `Target.hasSignal`. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Advantage.ts#import,std}
 *
 * @category statistics
 */
export const std = (rewards: ArrayLike<number>, kind: "population" | "sample" = "population"): number => {
  const r = checkVector("rewards", rewards)
  if (kind === "sample" && r.length < 2) {
    throw new SimplexError("a sample standard deviation needs two rewards, got 1; use the population's", {
      input: "rewards",
      value: 1,
    })
  }
  if (!hasSignal(r)) return 0
  const mu = mean(r)
  const squares = r.reduce((sum, v) => sum + (v - mu) ** 2, 0)
  if (squares < Infinity && squares >= 1e-290) {
    return Math.sqrt(squares / (kind === "sample" ? r.length - 1 : r.length))
  }
  // Squares could overflow or underflow: in units of the largest deviation they do neither.
  const unit = r.reduce((a, v) => Math.max(a, Math.abs(v - mu)), 0)
  return (
    unit *
    std(
      r.map((v) => (v - mu) / unit),
      kind,
    )
  )
}

const scaled = (rewards: ArrayLike<number>, scale: number): Float64Array => {
  const mu = mean(rewards)
  if (!hasSignal(rewards)) return new Float64Array(rewards.length)
  return Float64Array.from(rewards, (v, k) => {
    const a = scale > 0 ? (v - mu) / scale : 0
    if (!Number.isFinite(a))
      throw badEntry("advantage", k, a, `(${v} - ${mu}) / ${scale} is beyond float64; scale the rewards`)
    return a
  })
}

/**
 * Dr.GRPO: `R - mean`, [K]. LPO's tau is 1. Throws `SimplexError`, as all of these do.
 *
 * {@includeCode ../examples/Advantage.ts#import,drGrpo}
 *
 * @category advantages
 */
export const drGrpo = (rewards: ArrayLike<number>): Float64Array => scaled(rewards, 1)

/**
 * GRPO and DAPO: `(R - mean) / std`, [K], with the population's std by default; all zero when the rewards are
 * equal. LPO's tau is the std.
 *
 * {@includeCode ../examples/Advantage.ts#import,grpo}
 *
 * @category advantages
 */
export const grpo = (rewards: ArrayLike<number>, kind: "population" | "sample" = "population"): Float64Array =>
  scaled(rewards, std(rewards, kind))

/**
 * MaxRL: `(R - mean) / mean`, [K]; all zero when the mean is not positive. LPO's tau is the mean.
 *
 * {@includeCode ../examples/Advantage.ts#import,maxRl}
 *
 * @category advantages
 */
export const maxRl = (rewards: ArrayLike<number>): Float64Array => scaled(rewards, mean(rewards))

/**
 * RLOO: each reward minus the mean of the others, `K / (K - 1) (R - mean)`, [K]. Zero for a group of one.
 *
 * {@includeCode ../examples/Advantage.ts#import,rloo}
 *
 * @category advantages
 */
export const rloo = (rewards: ArrayLike<number>): Float64Array => {
  const k = rewards.length
  return scaled(rewards, 1).map((a) => (k === 1 ? 0 : (k / (k - 1)) * a))
}

/**
 * REINFORCE++ with baseline: `(R - mean) / sigma`, [K], sigma > 0 being the standard deviation of R - mean over the whole
 * batch (see {@link batchStd}). LPO's tau is sigma.
 *
 * {@includeCode ../examples/Advantage.ts#import,reinforcePlusPlus}
 *
 * @category advantages
 */
export const reinforcePlusPlus = (rewards: ArrayLike<number>, sigma: number): Float64Array =>
  scaled(rewards, checkPositive("sigma", sigma))

/**
 * The population standard deviation of R - (its group's mean) over all responses of a batch of groups; 0 when no group
 * has any spread. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Advantage.ts#import,batchStd}
 *
 * @category statistics
 */
export const batchStd = (groups: ReadonlyArray<ArrayLike<number>>): number => {
  const centred = groups.flatMap((rewards) => [...drGrpo(rewards)])
  return std(centred)
}
