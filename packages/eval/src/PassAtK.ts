/**
 * pass@k: the probability that at least one of k responses is right, estimated without bias from n >= k responses of which c
 * are right: `1 - C(n-c, k) / C(n, k)`, averaged over problems (Chen et al. 2021).
 */

import { Schema } from "effect"

/** What was counted for one problem. @category models */
export const Count = Schema.Struct({
  problem: Schema.String,
  /** n, responses with a verdict. */
  samples: Schema.Int,
  /** c, right ones. */
  correct: Schema.Int,
})
/** @category models */
export interface Count extends Schema.Schema.Type<typeof Count> {}

/** The estimate for one problem, in [0, 1]. Throws a `RangeError` unless 0 <= c <= n and 1 <= k <= n. @category estimators */
export const passAtK = (n: number, c: number, k: number): number => {
  if (!Number.isInteger(n) || !Number.isInteger(c) || c < 0 || c > n)
    throw new RangeError(`c = ${c} of n = ${n}; need 0 <= c <= n`)
  if (!Number.isInteger(k) || k < 1 || k > n) throw new RangeError(`k = ${k} with n = ${n} samples; need 1 <= k <= n`)
  if (n - c < k) return 1
  let miss = 1
  for (let i = n - c + 1; i <= n; i++) miss *= 1 - k / i
  return 1 - miss
}

/** k = 1, 2, 4, ... up to n, and n itself. @category combinators */
export const ks = (n: number): Array<number> => {
  const out: Array<number> = []
  for (let k = 1; k < n; k *= 2) out.push(k)
  return [...out, n]
}
