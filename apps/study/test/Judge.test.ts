import { expect, it } from "vitest"
import { type Axis, bound, difference } from "../src/Axis.ts"
import * as Judge from "../src/Judge.ts"
import * as Metrics from "../src/Metrics.ts"
import { run } from "./records.ts"

const budget = { "countdown-tiny": 2000 }
const seeds = [1, 2, 3, 4, 5, 6]
const axis = (claims: Axis["claims"], arms: ReadonlyArray<string> = ["a", "b"]): Axis => ({
  name: "test",
  asks: "?",
  presets: ["countdown-tiny"],
  arms: arms.map((name) => ({ name, objective: "grpo", method: "baseline" })),
  claims,
})
const claim = (expects: "above" | "below" | "same", within = bound) => ({
  says: `${expects} within ${within}`,
  by: "open" as const,
  metric: "pass@1" as const,
  contrast: difference("b", "a"),
  expects,
  bound: within,
})
const runs = (a: number, b: number, noise = 0.01) =>
  seeds.flatMap((seed) => [run("a", seed, a, noise), run("b", seed, b, noise)])
const verdicts = (a: number, b: number, noise?: number) =>
  Judge.judge(axis([claim("above"), claim("below"), claim("same", 0.05)]), runs(a, b, noise), budget).map(
    ({ verdict }) => verdict,
  )

it("a known effect holds in its direction, and not in the other", () => {
  expect(verdicts(0.4, 0.6)).toEqual(["holds", "does not hold", "does not hold"])
  expect(verdicts(0.6, 0.4)).toEqual(["does not hold", "holds", "does not hold"])
})

it("no effect: with little noise it is shown to be none, with much nothing is", () => {
  expect(verdicts(0.5, 0.5, 0)).toEqual(["does not hold", "does not hold", "holds"])
  expect(verdicts(0.5, 0.5, 0.15)).toEqual(Array(3).fill("inconclusive at this scale"))
})

it("says the effect of every pair, its mean and interval, and corrects over the claims of the axis", () => {
  const all = runs(0.4, 0.6)
  const [one] = Judge.judge(axis([claim("above")]), all, budget)
  expect(one.n).toBe(seeds.length)
  const effects = seeds.map((seed) => {
    const [a, b] = ["a", "b"].map((arm) => all.find((r) => r.arm === arm && r.seed === seed))
    return a === undefined || b === undefined ? NaN : Metrics.of(b, "pass@1") - Metrics.of(a, "pass@1")
  })
  expect(one.pairs.map(({ effect }) => effect)).toEqual(effects)
  expect(one.effect.mean).toBeCloseTo(effects.reduce((x, y) => x + y, 0) / effects.length, 12)
  expect(one.effect.low).toBeLessThan(one.effect.mean)
  expect(one.effect.high).toBeGreaterThan(one.effect.mean)
  const [first, second] = Judge.judge(axis([claim("above"), claim("below")]), all, budget)
  expect(first.holm).toBeCloseTo(2 * one.p, 12)
  expect(second.holm).toBe(first.holm)
})

it("a pair needs every arm of the contrast; a claim without a pair is left out", () => {
  const cut = runs(0.4, 0.6).filter(({ arm, seed }) => arm === "a" || seed <= 2)
  const [one] = Judge.judge(axis([claim("above")]), cut, budget)
  expect(one.pairs.map(({ seed }) => seed)).toEqual([1, 2])
  expect(
    Judge.judge(
      axis([claim("above")]),
      cut.filter(({ arm }) => arm === "a"),
      budget,
    ),
  ).toEqual([])
})

it("what rounding leaves of thirds is not an effect", () => {
  const third = { a: 1 / 3, b: 1 / 3, c: 1 / 3, d: -1 / 3, e: -1 / 3, f: -1 / 3 }
  const names = Object.keys(third)
  const same = seeds.flatMap((seed) => names.map((name) => ({ ...run("x", seed, 0.37, 0), arm: name })))
  const [one] = Judge.judge(axis([{ ...claim("above"), contrast: third }], names), same, budget)
  expect(one).toMatchObject({ p: 1, effect: { mean: 0 }, verdict: "does not hold" })
})

it("one pair alone settles nothing, and three show no sameness", () => {
  const three = runs(0.5, 0.5, 0).filter(({ seed }) => seed <= 3)
  expect(Judge.judge(axis([claim("same", 0.2)]), three, budget)[0].verdict).toBe("inconclusive at this scale")
  const [one] = Judge.judge(axis([claim("above")]), [run("a", 1, 0.2), run("b", 1, 0.8)], budget)
  expect(one).toMatchObject({ n: 1, p: 1, verdict: "inconclusive at this scale" })
})

it("runs that are the same to the last digit show sameness without an interval", () => {
  const same = seeds.flatMap((seed) => [run("a", seed, 0.5, 0.2), { ...run("a", seed, 0.5, 0.2), arm: "b" }])
  const [one] = Judge.judge(axis([claim("same")]), same, budget)
  expect([one.effect.mean, one.effect.low, one.effect.high, one.verdict]).toEqual([0, 0, 0, "holds"])
  const nearly = same.with(1, { ...run("a", 1, 0.9, 0), arm: "b" })
  const [other] = Judge.judge(axis([claim("same")]), nearly, budget)
  expect([other.effect.low < other.effect.high, other.verdict]).toEqual([true, "inconclusive at this scale"])
})

it("tokens to the best that both reach favour neither side", () => {
  const fast = run("b", 1, 0.6)
  const slow = run("a", 1, 0.6, 0, {
    steps: fast.steps.map((step, i) => ({ ...step, passRate: Math.min(0.5, (0.5 * (i + 1)) / 20) })),
  })
  const found = Metrics.toBest(fast, slow, 2000)
  expect(found).toBeLessThan(0)
  expect(Metrics.toBest(slow, fast, 2000)).toBe(-found)
  expect(Metrics.toBest(fast, fast, 2000)).toBe(0)
})

it("a collapse is counted and stays in", () => {
  const all = [
    ...runs(0.5, 0.5),
    run("b", 7, 0.05),
    run("a", 7, 0.5),
    run("a", 8, 0.5, 0, { ended: "the norm is NaN" }),
  ]
  const rows = Judge.rows(axis([]), all)
  expect(rows.map(({ arm, collapsed, seeds: n }) => ({ arm, collapsed, n }))).toEqual([
    { arm: "a", collapsed: 1, n: 8 },
    { arm: "b", collapsed: 1, n: 7 },
  ])
})

it("the spread is the deviation of one seed, pooled", () => {
  const rows = Judge.rows(axis([]), runs(0.4, 0.6, 0.05))
  const [a, b] = rows.map(({ metrics }) => metrics["pass@1"].deviation)
  expect(Judge.spread(rows)["pass@1"]).toBeCloseTo(Math.sqrt((a ** 2 + b ** 2) / 2), 12)
})
