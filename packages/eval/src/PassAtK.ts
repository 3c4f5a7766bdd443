/**
 * pass@k: the probability that at least one of k responses is right, estimated without bias from n >= k responses of which c
 * are right: `1 - C(n-c, k) / C(n, k)`, averaged over problems (Chen et al. 2021).
 *
 * @module
 */
import { Schema } from "effect"
import { bootstrap, Estimate } from "./Interval.ts"

/** The counts of one problem. @category models */
export const Count = Schema.Struct({
  problem: Schema.String,
  /** n, responses with a verdict. */
  samples: Schema.Int,
  /** c, right ones. */
  correct: Schema.Int,
  /** Responses without a verdict. */
  unjudged: Schema.Int,
})
/** @category models */
export interface Count extends Schema.Schema.Type<typeof Count> {}

const check = (n: number, c: number): void => {
  if (!Number.isInteger(n) || !Number.isInteger(c) || c < 0 || c > n)
    throw new RangeError(`c = ${c} of n = ${n}; need 0 <= c <= n`)
}

/** The estimate for one problem, in [0, 1]. Throws a `RangeError` unless 0 <= c <= n and 1 <= k <= n. @category estimators */
export const passAtK = (n: number, c: number, k: number): number => {
  check(n, c)
  if (!Number.isInteger(k) || k < 1 || k > n) throw new RangeError(`k = ${k} with n = ${n} samples; need 1 <= k <= n`)
  if (n - c < k) return 1
  let miss = 1
  for (let i = n - c + 1; i <= n; i++) miss *= 1 - k / i
  return 1 - miss
}

/**
 * The whole curve of one problem in one pass, [n]: entry k - 1 is pass@k. Stable for n in the thousands, because every factor is in
 * [0, 1]. Throws a `RangeError` unless 0 <= c <= n.
 *
 * ```ts
 * PassAtK.wholeCurve(4, 2) // [0.5, 0.833333, 1, 1]
 * ```
 *
 * @category estimators
 */
export const wholeCurve = (n: number, c: number): Float64Array => {
  check(n, c)
  let miss = 1
  return Float64Array.from({ length: n }, (_, k) => {
    miss *= Math.max(0, n - c - k) / (n - k)
    return 1 - miss
  })
}

/** k = 1, 2, 4, ... up to n, and n itself. @category combinators */
export const ks = (n: number): Array<number> => {
  const out: Array<number> = []
  for (let k = 1; k < n; k *= 2) out.push(k)
  return n < 1 ? out : [...out, n]
}

/** pass@k at one k. @category models */
export const Point = Schema.Struct({
  ...Estimate.fields,
  /** Problems with k verdicts or more: the mean is over these. */
  problems: Schema.Int,
  /** The mean over all problems if every response without a verdict counts as wrong: a lower bound of pass@k. */
  atLeast: Schema.Finite,
})
/** @category models */
export interface Point extends Schema.Schema.Type<typeof Point> {}

/** pass@k by k. @category models */
export const Curve = Schema.Record(Schema.String, Point)
/** @category models */
export type Curve = typeof Curve.Type

/**
 * The pass@k curve at k = 1, 2, 4, ... of problems with up to n responses, with 95 % intervals over problems. A problem with
 * fewer than k verdicts is skipped at that k only, and counted.
 *
 * @category estimators
 */
export const curve = (counts: ReadonlyArray<Count>, seed: string): Curve => {
  const asked = Math.max(0, ...counts.map(({ samples, unjudged }) => samples + unjudged))
  const judged = counts.map(({ correct, samples }) => wholeCurve(samples, correct))
  const all = counts.map(({ correct, samples, unjudged }) => wholeCurve(samples + unjudged, correct))
  return Object.fromEntries(
    ks(asked).flatMap((k) => {
      const values = judged.filter(({ length }) => length >= k).map((whole) => whole[k - 1])
      if (values.length === 0) return []
      const least = all.filter(({ length }) => length >= k).map((whole) => whole[k - 1])
      const point: Point = {
        ...bootstrap(values, { seed: `${seed}/pass@${k}` }),
        problems: values.length,
        atLeast: least.reduce((a, b) => a + b, 0) / least.length,
      }
      return [[String(k), point]]
    }),
  )
}
