/**
 * Confidence intervals by the bootstrap over problems: the variation is in which problems are drawn.
 *
 * @module
 */
import * as Seed from "@lpo/rollout/Seed"
import { Schema } from "effect"

/** A mean with its 95 % interval. @category models */
export const Estimate = Schema.Struct({ mean: Schema.Finite, low: Schema.Finite, high: Schema.Finite })
/** @category models */
export interface Estimate extends Schema.Schema.Type<typeof Estimate> {}

/** The standard normal's distribution function, to 1e-7 (Abramowitz and Stegun 26.2.17). @category estimators */
export const normalCdf = (x: number): number => {
  const t = 1 / (1 + 0.2316419 * Math.abs(x))
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
  const tail =
    density * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return x >= 0 ? 1 - tail : tail
}

/** The inverse of `normalCdf`, by bisection. @category estimators */
export const normalQuantile = (p: number): number => {
  let [low, high] = [-9, 9]
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2
    if (normalCdf(middle) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** Student's quantile from the normal one (Cornish-Fisher to 1 / n^3), for n > 2 degrees of freedom. */
const studentQuantile = (p: number, n: number): number => {
  const z = normalQuantile(p)
  return (
    z +
    (z ** 3 + z) / (4 * n) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * n ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * n ** 3)
  )
}

/**
 * How far out the quantiles of the resampled means are read: a bootstrap of n values is narrow by sqrt((n-1)/n) and knows nothing
 * of Student's tails, so a small benchmark would get too narrow an interval (Hesterberg 2015, the expanded percentile interval).
 */
const tail = (level: number, n: number): number =>
  n < 4 ? 0 : normalCdf(-Math.sqrt(n / (n - 1)) * studentQuantile((1 + level) / 2, n - 1))

/**
 * If all values are equal, so are the resampled means. The interval is then a binomial's (Clopper and Pearson) between
 * the value and the ends of `range`: 30 problems without a right answer leave room for 11.6 % of right ones.
 */
const constant = (value: number, n: number, level: number, [from, to]: readonly [number, number]): Estimate => {
  const left = ((1 - level) / 2) ** (1 / n)
  return { mean: value, low: from + (value - from) * left, high: to - (to - value) * left }
}

/**
 * Mean and interval of one value per problem. `range` bounds the values, default [0, 1]. No interval has zero width: equal values,
 * and a single problem, get a binomial's. Throws a `RangeError` without values.
 *
 * ```ts
 * Interval.bootstrap([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], { seed: "7" }).high // 0.308: none of ten is not never
 * ```
 *
 * @category estimators
 */
export const bootstrap = (
  values: ReadonlyArray<number>,
  options: {
    readonly seed: string
    readonly resamples?: number
    readonly level?: number
    readonly range?: readonly [number, number]
  },
): Estimate => {
  const { level = 0.95, range = [0, 1], resamples = 2000, seed } = options
  const n = values.length
  if (n === 0) throw new RangeError("no values; an interval needs at least one problem")
  const mean = values.reduce((a, b) => a + b, 0) / n
  if (values.every((value) => value === values[0])) return constant(values[0], n, level, range)
  const random = Seed.stream(`${seed}/bootstrap`)
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += values[Math.floor(random.uniform() * n)]
    return sum / n
  }).sort()
  const at = (q: number): number => means[Math.min(resamples - 1, Math.max(0, Math.round(q * (resamples - 1))))]
  const outer = tail(level, n)
  return { mean, low: at(outer), high: at(1 - outer) }
}
