/** Group statistics and the advantages of the policy-gradient methods, each the target of LPO at its own temperature. */
import { checkVector } from "./SimplexError.ts"

/** Mean reward of the group. @category statistics */
export const mean = (rewards: ArrayLike<number>): number => {
  const r = checkVector("rewards", rewards)
  // Deviations from the first reward are exactly 0 when all are equal, so that rounding never looks like a signal.
  return r[0] + r.reduce((sum, v) => sum + (v - r[0]), 0) / r.length
}

/** Population standard deviation of the group's rewards. @category statistics */
export const std = (rewards: ArrayLike<number>): number => {
  const r = checkVector("rewards", rewards)
  const mu = mean(r)
  return Math.sqrt(r.reduce((sum, v) => sum + (v - mu) ** 2, 0) / r.length)
}

const scaled = (rewards: ArrayLike<number>, scale: number): Float64Array => {
  const mu = mean(rewards)
  return Float64Array.from(rewards, (v) => (scale > 0 ? (v - mu) / scale : 0))
}

/** Dr.GRPO: `R - mean`, [K]. @category advantages */
export const drGrpo = (rewards: ArrayLike<number>): Float64Array => scaled(rewards, 1)

/** GRPO: `(R - mean) / std` with the population std, [K]; all zero when the rewards are equal. @category advantages */
export const grpo = (rewards: ArrayLike<number>): Float64Array => scaled(rewards, std(rewards))

/** MaxRL: `(R - mean) / mean`, [K]; all zero when the mean is not positive. @category advantages */
export const maxRl = (rewards: ArrayLike<number>): Float64Array => scaled(rewards, mean(rewards))
