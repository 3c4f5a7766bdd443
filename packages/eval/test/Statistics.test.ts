import { Compare, Interval, Metrics } from "@lpo/eval"
import fc from "fast-check"
import { expect, it } from "vitest"
import { type Benchmark, coverage } from "./statistics.ts"

const sample = (over: Partial<Metrics.Sample> = {}): Metrics.Sample => ({
  status: "ok",
  correct: false,
  score: 0,
  key: null,
  length: 10,
  truncated: false,
  surprise: 1,
  ...over,
})
const right = sample({ correct: true, score: 1, key: "42" })
const problem = (samples: ReadonlyArray<Metrics.Sample>, name = "p"): Metrics.Judged => ({ problem: name, samples })

it.each<Benchmark>([
  ["binary, 100 problems", 100, 0.3, (u) => (u < 0.3 ? 1 : 0)],
  ["graded, 15 problems", 15, 0.5, (u) => u],
])("a 95 %% interval covers the true mean in about 95 of 100 benchmarks: %s", (...benchmark) => {
  const covered = coverage(benchmark, 500, 200)
  expect(covered).toBeGreaterThanOrEqual(0.92)
  expect(covered).toBeLessThanOrEqual(0.98)
})

it("no interval has a width of zero: one problem alone, or a benchmark where all fail or all pass", () => {
  for (const n of [1, 2, 10, 500])
    for (const value of [0, 0.5, 1]) {
      const { high, low, mean } = Interval.bootstrap(Array<number>(n).fill(value), { seed: "s" })
      expect(mean).toBe(value)
      expect(high - low).toBeGreaterThan(0)
      expect(low).toBeGreaterThanOrEqual(0)
      expect(high).toBeLessThanOrEqual(1)
    }
  // Clopper and Pearson's bound for none of 30: 1 - 0.025^(1/30).
  expect(Interval.bootstrap(Array<number>(30).fill(0), { seed: "s" }).high).toBeCloseTo(0.1157, 4)
})

it("the normal law: values of the table, and the quantile is the inverse", () => {
  expect(Interval.normalCdf(1.959964)).toBeCloseTo(0.975, 6)
  expect(Interval.normalCdf(-1.281552)).toBeCloseTo(0.1, 6)
  for (const p of [0.001, 0.025, 0.5, 0.9, 0.999])
    expect(Interval.normalCdf(Interval.normalQuantile(p))).toBeCloseTo(p, 6)
})

it("a comparison says how large, how sure, and counts all sign patterns where they are few", () => {
  const { difference, effect, n, p } = Compare.compare([0, 0, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1], { seed: "7" })
  expect(p).toBeCloseTo(2 / 32, 12)
  expect(difference.mean).toBeCloseTo(5 / 6, 12)
  // Five differences of 1 and one of 0: mean 5/6, standard deviation sqrt(1/6).
  expect(effect).toBeCloseTo(5 / 6 / Math.sqrt(1 / 6), 9)
  expect(n).toBe(6)
  expect(Compare.compare([1, 0], [1, 0], { seed: "7" })).toMatchObject({ p: 1, effect: 0 })
  // One problem, or the same difference everywhere: there is no spread to measure it by.
  expect(Compare.compare([0], [0.5], { seed: "7" })).toMatchObject({ p: 1, effect: null, n: 1 })
  expect(Compare.compare([0, 0.5], [0.5, 1], { seed: "7" }).effect).toBe(null)
  expect(() => Compare.compare([1], [1, 0], { seed: "7" })).toThrow(/1 and 2 values/)
})

it.each([
  // Two-sided 5 % and 1 % points of Student's t, from the table.
  [1, 12.7062, 0.05],
  [2, 4.30265, 0.05],
  [3, 5.84091, 0.01],
  [4, 2.776445, 0.05],
  [7, 3.499483, 0.01],
  [17, 2.109816, 0.05],
])("Student's t of %i degrees of freedom at %f has p %f", (freedom, t, p) => {
  const n = freedom + 1
  // Values of mean 0 and standard deviation 1, moved so that their t is the one asked for.
  const raw = Array.from({ length: n }, (_, i) => (i + 1) ** 2)
  const center = raw.reduce((x, y) => x + y, 0) / n
  const spread = Math.sqrt(raw.reduce((s, v) => s + (v - center) ** 2, 0) / freedom)
  const values = raw.map((v) => (v - center) / spread + t / Math.sqrt(n))
  const zeros = values.map(() => 0)
  expect(Compare.compare(zeros, values, { seed: "7", test: "student" }).p).toBeCloseTo(p, 5)
  expect(Compare.compare(values, zeros, { seed: "7", test: "student" }).p).toBeCloseTo(p, 5)
})

it("Student's t has no doubt where all differences are one, and none to speak of where there is a single pair", () => {
  expect(Compare.compare([0, 0, 0], [1, 1, 1], { seed: "7", test: "student" }).p).toBe(0)
  expect(Compare.compare([0], [1], { seed: "7", test: "student" }).p).toBe(1)
  expect(Compare.compare([1, 1], [1, 1], { seed: "7", test: "student" }).p).toBe(1)
})

it("McNemar's exact test is the binomial's two tails", () => {
  const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k)
  fc.assert(
    fc.property(fc.nat(30), fc.nat(30), (gained, lost) => {
      const n = gained + lost
      let tail = 0
      for (let i = 0; i <= Math.min(gained, lost); i++) tail += choose(n, i) / 2 ** n
      const { p } = Compare.mcNemar(gained, lost)
      expect(p).toBeCloseTo(Math.min(1, 2 * tail), 9)
      expect(p).toBe(Compare.mcNemar(lost, gained).p)
    }),
  )
  expect(Compare.mcNemar(9, 1).p).toBeCloseTo(0.021484, 6)
  expect(Compare.mcNemar(9, 1).odds).toBeCloseTo(9.5 / 1.5, 12)
  // A thousand problems do not overflow.
  expect(Compare.mcNemar(600, 400).p).toBeLessThan(1e-9)
})

it("Holm's correction: the worked example, monotone, never below the p-value", () => {
  expect(Compare.holm([0.01, 0.04, 0.03]).map((p) => Math.round(p * 1e6) / 1e6)).toEqual([0.03, 0.06, 0.06])
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 9 }), (ps) => {
      const corrected = Compare.holm(ps)
      for (const [i, p] of ps.entries()) {
        expect(corrected[i]).toBeGreaterThanOrEqual(p)
        expect(corrected[i]).toBeLessThanOrEqual(Math.min(1, ps.length * p) + 1e-12)
        for (const [j, q] of ps.entries()) if (p < q) expect(corrected[i]).toBeLessThanOrEqual(corrected[j])
      }
    }),
  )
})

it("equivalence wants an interval inside the bound, not a difference that was not found", () => {
  const a = Array.from({ length: 200 }, (_, i) => (i % 3) / 2)
  const same = a.map((v, i) => v + (i % 2 === 0 ? 0.01 : -0.01))
  expect(Compare.equivalent(a, same, { seed: "s", bound: 0.02 }).holds).toBe(true)
  expect(Compare.equivalent([0, 1, 0], [1, 0, 0], { seed: "s", bound: 0.02 }).holds).toBe(false)
})

it("maj@k: canonical keys vote, ties go to the first, samples without a key do not vote", () => {
  const answer = (key: string | null, correct = false) => sample({ key, correct, score: correct ? 1 : 0 })
  const of = (samples: ReadonlyArray<Metrics.Sample>, k: number) => Metrics.majority([problem(samples)], k)[0]
  expect(of([answer("1"), answer("42", true), answer("42", true)], 3)).toBe(1)
  expect(of([answer("1"), answer("42", true)], 2)).toBe(0)
  expect(of([answer("42", true), answer("1")], 2)).toBe(1)
  expect(of([answer(null), answer(null), answer("42", true)], 3)).toBe(1)
  expect(of([answer(null), answer(null)], 2)).toBe(0)
  // Two runs of two, one of which is right; what has no verdict does not take part.
  expect(of([right, sample({ status: "timeout" }), right, answer("1"), answer("42", true)], 2)).toBe(0.5)
  expect(Metrics.majority([problem([right])], 2)).toEqual([])
})

it("verl's resampled metrics: the page's values, and brute force over all draws", () => {
  const graded = (n: number, c: number) => problem(Array.from({ length: n }, (_, i) => (i < c ? right : sample())))
  expect(Metrics.verl([graded(16, 1)], "s")["best@16/mean"]).toBeCloseTo(0.644, 3)
  expect(Metrics.verl([graded(16, 4)], "s")["best@4/mean"]).toBeCloseTo(0.684, 3)
  fc.assert(
    fc.property(fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 2, maxLength: 4 }), (scores) => {
      const draws: Array<Array<number>> = [[]]
      for (let i = 0; i < 2; i++) draws.splice(0, draws.length, ...draws.flatMap((d) => scores.map((s) => [...d, s])))
      const moments = (values: ReadonlyArray<number>) => {
        const mean = values.reduce((a, b) => a + b, 0) / values.length
        return [mean, Math.sqrt(values.reduce((s, v) => s + (v - mean) ** 2, 0) / values.length)]
      }
      const metrics = Metrics.verl([problem(scores.map((score) => sample({ score })))], "s")
      const [best, bestStd] = moments(draws.map((d) => Math.max(...d)))
      const [worst, worstStd] = moments(draws.map((d) => Math.min(...d)))
      expect(metrics["best@2/mean"]).toBeCloseTo(best, 9)
      expect(metrics["best@2/std"]).toBeCloseTo(bestStd, 6)
      expect(metrics["worst@2/mean"]).toBeCloseTo(worst, 9)
      expect(metrics["worst@2/std"]).toBeCloseTo(worstStd, 6)
    }),
  )
  const all = Metrics.verl([graded(16, 4), graded(16, 0)], "s")
  expect(all["mean@16"]).toBeCloseTo(0.125, 12)
  expect(all["std@16"]).toBeCloseTo((Math.sqrt(3) / 4 + 0) / 2, 12)
  expect(Object.keys(all)).toContain("maj@16/mean")
})

it("a summary counts what has no verdict, and weighs surprise by tokens", () => {
  const summary = Metrics.summary([
    problem([
      sample({ length: 10, surprise: 1, truncated: true }),
      sample({ status: "error", length: 30, surprise: 2 }),
    ]),
    problem([right, sample({ key: "41" })]),
  ])
  expect(summary).toMatchObject({ samples: 4, unjudged: 1, responseLength: 15, truncated: 0.25, distinctAnswers: 1 })
  expect(summary.entropy).toBeCloseTo((10 + 60 + 10 + 10) / 60, 12)
})
