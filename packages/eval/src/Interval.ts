/** Confidence intervals by the percentile bootstrap over problems: which problems are drawn is what varies. */
import { Seed } from "@lpo/rollout"
import { Schema } from "effect"

/** A mean with its 95 % interval. @category models */
export const Estimate = Schema.Struct({ mean: Schema.Finite, low: Schema.Finite, high: Schema.Finite })
/** @category models */
export interface Estimate extends Schema.Schema.Type<typeof Estimate> {}

/** @category estimators */
export const bootstrap = (
  values: ReadonlyArray<number>,
  options: { readonly seed: string; readonly resamples?: number; readonly level?: number },
): Estimate => {
  const { level = 0.95, resamples = 2000, seed } = options
  const n = values.length
  if (n === 0) throw new RangeError("no values; an interval needs at least one problem")
  const random = Seed.stream(`${seed}/bootstrap`)
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += values[Math.floor(random.uniform() * n)]
    return sum / n
  }).sort()
  const at = (q: number): number => means[Math.min(resamples - 1, Math.max(0, Math.round(q * (resamples - 1))))]
  return { mean: values.reduce((a, b) => a + b, 0) / n, low: at((1 - level) / 2), high: at((1 + level) / 2) }
}
