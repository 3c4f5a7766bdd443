/**
 * Two policies on the same problems: how large the difference is, how certain, and whether it still counts as one after many
 * comparisons. Values are paired by problem; the variation is in which problems were drawn.
 *
 * @module
 */
import * as Seed from "@lpo/rollout/Seed"
import { bootstrap, type Estimate } from "./Interval.ts"

/** @category models */
export interface Comparison {
  /** Mean of b - a with its 95 % interval, in the values' units. */
  readonly difference: Estimate
  /** Two-sided, of the sign-flip permutation test: its size is exact for any distribution of the values; or of Student's t. */
  readonly p: number
  /** Cohen's d of paired values: the mean difference over its standard deviation. Null if all differences are equal and not 0. */
  readonly effect: number | null
  /** Problems. */
  readonly n: number
}

const paired = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): ReadonlyArray<number> => {
  if (a.length !== b.length || a.length === 0)
    throw new RangeError(`${a.length} and ${b.length} values; a paired comparison needs equally many, at least one`)
  return b.map((v, i) => v - a[i])
}

const mean = (values: ReadonlyArray<number>): number => values.reduce((x, y) => x + y, 0) / values.length

/** Two-sided p of Student's t with a whole number of degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4). */
const studentP = (t: number, freedom: number): number => {
  const angle = Math.atan(Math.abs(t) / Math.sqrt(freedom))
  const cos2 = Math.cos(angle) ** 2
  const isOdd = freedom % 2 === 1
  let [sum, term] = [0, isOdd ? Math.cos(angle) : 1]
  for (let i = isOdd ? 3 : 2; i <= freedom; i += 2) {
    sum += term
    term *= (cos2 * (i - 1)) / i
  }
  const within = isOdd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum
  return Math.min(1, Math.max(0, 1 - within))
}

/**
 * Compares values of a and b problem by problem, for example the pass@k of each. With up to 16 differing problems all sign patterns
 * are tried; beyond that `permutations` are drawn, and the observed one counts among them. `student` is the t test of paired
 * values: for few pairs of means, such as those of seeds, because with n pairs p cannot go below 2 / 2^n. Throws a `RangeError` for
 * lengths that differ.
 *
 * ```ts
 * Compare.compare([0, 0, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1], { seed: "7" }).p // 0.0625: 2 of the 32 sign patterns
 * ```
 *
 * @category comparison
 */
export const compare = (
  a: ReadonlyArray<number>,
  b: ReadonlyArray<number>,
  options: { readonly seed: string; readonly permutations?: number; readonly test?: "signs" | "student" },
): Comparison => {
  const { permutations = 10_000, seed, test = "signs" } = options
  const d = paired(a, b)
  const difference = bootstrap(d, { seed, range: [-1, 1] })
  const moved = d.filter((v) => v !== 0)
  const observed = Math.abs(moved.reduce((x, y) => x + y, 0)) * (1 - 1e-12)
  const center = mean(d)
  const spread = d.length < 2 ? 0 : Math.sqrt(d.reduce((s, v) => s + (v - center) ** 2, 0) / (d.length - 1))
  const effect = center === 0 ? 0 : spread === 0 ? null : center / spread
  const base = { difference, effect, n: d.length }
  if (moved.length === 0 || (test === "student" && d.length < 2)) return { ...base, p: 1 }
  if (test === "student")
    return { ...base, p: spread === 0 ? 0 : studentP((center * Math.sqrt(d.length)) / spread, d.length - 1) }
  let extreme = 0
  if (moved.length <= 16) {
    const all = 2 ** moved.length
    for (let signs = 0; signs < all; signs++)
      if (Math.abs(moved.reduce((sum, v, i) => sum + ((signs >> i) & 1 ? v : -v), 0)) >= observed) extreme++
    return { ...base, p: extreme / all }
  }
  const random = Seed.stream(`${seed}/signs`)
  for (let draw = 0; draw < permutations; draw++)
    if (Math.abs(moved.reduce((sum, v) => sum + (random.uniform() < 0.5 ? v : -v), 0)) >= observed) extreme++
  return { ...base, p: (extreme + 1) / (permutations + 1) }
}

/**
 * McNemar's exact test on one answer per problem: `gained` problems that only b solves, `lost` that only a does. Two-sided; 1 when
 * they never disagree. `odds` is gained over lost, with half a problem added to each.
 *
 * ```ts
 * Compare.mcNemar(9, 1).p // 0.021484
 * ```
 *
 * @category comparison
 */
export const mcNemar = (gained: number, lost: number): { readonly p: number; readonly odds: number } => {
  if (!Number.isInteger(gained) || !Number.isInteger(lost) || gained < 0 || lost < 0)
    throw new RangeError(`gained ${gained} and lost ${lost}; give counts`)
  const n = gained + lost
  // log C(n, i) - n log 2, added up from the smaller tail.
  let term = -n * Math.LN2
  let sum = 0
  for (let i = 0; i <= Math.min(gained, lost); i++) {
    sum += Math.exp(term)
    term += Math.log((n - i) / (i + 1))
  }
  return { p: Math.min(1, 2 * sum), odds: (gained + 0.5) / (lost + 0.5) }
}

/**
 * Holm's correction: the p-values of a family of claims, raised so that calling those under 0.05 a difference is wrong anywhere
 * with probability 5 % at most. In the order given.
 *
 * ```ts
 * Compare.holm([0.01, 0.04, 0.03]) // [0.03, 0.06, 0.06]
 * ```
 *
 * @category comparison
 */
export const holm = (ps: ReadonlyArray<number>): ReadonlyArray<number> => {
  const order = ps.map((p, i) => ({ p, i })).sort((x, y) => x.p - y.p)
  const out = Array<number>(ps.length).fill(1)
  let most = 0
  for (const [rank, { i, p }] of order.entries()) {
    most = Math.max(most, Math.min(1, (ps.length - rank) * p))
    out[i] = most
  }
  return out
}

/**
 * Whether two policies are equivalent up to `bound`, in the values' units: the 90 % interval of the difference is within
 * plus and minus the bound (two one-sided tests at 5 %). "No difference was found" is weaker.
 *
 * @category comparison
 */
export const equivalent = (
  a: ReadonlyArray<number>,
  b: ReadonlyArray<number>,
  options: { readonly seed: string; readonly bound: number },
): { readonly holds: boolean; readonly difference: Estimate } => {
  if (!(options.bound > 0)) throw new RangeError(`bound is ${options.bound}; give a positive number`)
  const difference = bootstrap(paired(a, b), { seed: options.seed, level: 0.9, range: [-1, 1] })
  return { holds: difference.low > -options.bound && difference.high < options.bound, difference }
}
