/** Groups for fast-check, and comparisons that cost little when they hold. */
import { Divergence } from "@lpo/simplex"
import fc from "fast-check"

export const RUNS = { numRuns: 1000 }
/** For what is tried with every divergence: the quick suite takes 200 groups for each of them, `full/Sizes` 1000. */
export const EACH = { numRuns: process.env["LPO_MODE"] === "full" ? 1000 : 200 }

export const finite = (bound: number) => fc.double({ min: -bound, max: bound, noNaN: true })
export const vector = (k: number, bound: number) =>
  fc.array(finite(bound), { minLength: k, maxLength: k }).map((x) => Float64Array.from(x))

/** Rewards as they come: binary, with partial credit, learned, negative, huge, tiny. */
export const rewards = (k: number) =>
  fc
    .record({
      kind: fc.constantFrom("binary", "partial", "learned", "huge", "tiny"),
      // In steps of 1e-6: rewards that differ by 1e-300 are equal to any temperature worth having.
      x: vector(k, 1).map((x) => x.map((v) => Math.round(v * 1e6) / 1e6)),
    })
    .map(({ kind, x }) => {
      if (kind === "binary") return x.map((v) => (v > 0 ? 1 : 0))
      if (kind === "partial") return x.map((v) => (v > 0.5 ? 1 : v > -0.5 ? 0.1 : 0))
      return x.map((v) => v * (kind === "huge" ? 1e9 : kind === "tiny" ? 1e-9 : 5))
    })

export interface Group {
  readonly rewards: Float64Array
  readonly s: Float64Array
  readonly anchor: Float64Array
  readonly tau: number
}

/** A group of K in [least, most] whose log-ratios are within `bound` nats. */
export const group = (bound = 10, least = 2, most = 16): fc.Arbitrary<Group> =>
  fc.integer({ min: least, max: most }).chain((k) =>
    fc.record({
      rewards: vector(k, 5),
      s: vector(k, bound),
      anchor: vector(k, bound),
      tau: fc.double({ min: 0.05, max: 20, noNaN: true }),
    }),
  )

/** Every divergence the package names, and one of each constructor. */
export const divergences: ReadonlyArray<Divergence.Divergence> = [
  Divergence.forwardKl,
  Divergence.reverseKl,
  Divergence.jeffreys,
  Divergence.jensenShannon(),
  Divergence.jensenShannon(0.1),
  Divergence.pearsonChi2,
  Divergence.neymanChi2,
  Divergence.alpha(0),
  Divergence.alpha(1),
  Divergence.alpha(0.3),
  Divergence.alpha(-0.5),
  Divergence.alpha(1.7),
  Divergence.hellinger2,
  Divergence.renyi(0.5),
  Divergence.renyi(1),
  Divergence.renyi(2),
  Divergence.totalVariation,
  Divergence.brier,
  Divergence.fromGenerator({ name: "triangular", f: (t) => (t - 1) ** 2 / (t + 1), df: (t) => 1 - 4 / (t + 1) ** 2 }),
  Divergence.blend(Divergence.forwardKl, Divergence.reverseKl, 0.25),
]

export const smooth = divergences.filter((d) => d.name !== "total-variation")

export const sum = (x: ArrayLike<number>): number => Array.from(x).reduce((a, b) => a + b, 0)
export const size = (x: ArrayLike<number>): number => Array.from(x).reduce((a, b) => Math.max(a, Math.abs(b)), 0)

/** Throws unless |actual - expected| <= tolerance; NaN never is. */
export const close = (actual: number, expected: number, tolerance: number, what = "value"): void => {
  if (!(Math.abs(actual - expected) <= tolerance || actual === expected)) {
    throw new Error(`${what} is ${actual}, expected ${expected} within ${tolerance}`)
  }
}

export const allClose = (
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what = "entry",
): void => {
  if (actual.length !== expected.length)
    throw new Error(`${what}: ${actual.length} entries, expected ${expected.length}`)
  for (let k = 0; k < actual.length; k++) close(actual[k], expected[k], tolerance, `${what} ${k}`)
}
