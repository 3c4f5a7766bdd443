/** At full size: intervals cover what they say, and paired tests have their nominal size. */
import { Compare, Interval } from "@lpo/eval"
import { Seed } from "@lpo/rollout"
import { expect, it } from "vitest"

it.each([
  ["binary, 100 problems", 100, 0.3, (u: number) => (u < 0.3 ? 1 : 0)],
  ["binary, 30 problems", 30, 0.5, (u: number) => (u < 0.5 ? 1 : 0)],
  ["graded, 60 problems", 60, 0.25, (u: number, v: number) => u * v],
  ["graded, 15 problems", 15, 0.5, (u: number) => u],
])("a 95 %% interval covers the true mean in 93 to 97 of 100 benchmarks: %s", (name, n, truth, draw) => {
  let covered = 0
  for (let trial = 0; trial < 2000; trial++) {
    const random = Seed.stream(`coverage/${name}/${trial}`)
    const values = Array.from({ length: n }, () => draw(random.uniform(), random.uniform()))
    const { high, low } = Interval.bootstrap(values, { seed: `coverage/${trial}`, resamples: 250 })
    if (low <= truth && truth <= high) covered++
  }
  expect(covered / 2000).toBeGreaterThanOrEqual(0.93)
  expect(covered / 2000).toBeLessThanOrEqual(0.97)
})

it("a paired comparison has its nominal size where the two are alike, and finds a difference where there is one", () => {
  const trials = 600
  let wrong = 0
  let found = 0
  for (let trial = 0; trial < trials; trial++) {
    const random = Seed.stream(`size/${trial}`)
    const a = Array.from({ length: 40 }, () => Math.round(random.uniform() * 8) / 8)
    const b = a.map((v) => (random.uniform() < 0.6 ? v : Math.round(random.uniform() * 8) / 8))
    const c = a.map((v) => Math.min(1, v + (random.uniform() < 0.5 ? 0.25 : 0)))
    // Drawn again from the same law, then swapped by a coin, so that neither side is the better one.
    const swap = a.map((v, i) => (random.uniform() < 0.5 ? [v, b[i]] : [b[i], v]))
    const left = swap.map(([x]) => x)
    const { p } = Compare.compare(
      left,
      swap.map(([, y]) => y),
      { seed: `${trial}`, permutations: 400 },
    )
    if (p < 0.05) wrong++
    if (Compare.compare(a, c, { seed: `${trial}`, permutations: 400 }).p < 0.05) found++
  }
  // Three standard errors about 5 %.
  expect(wrong / trials).toBeGreaterThan(0.05 - 3 * Math.sqrt((0.05 * 0.95) / trials))
  expect(wrong / trials).toBeLessThan(0.05 + 3 * Math.sqrt((0.05 * 0.95) / trials))
  expect(found / trials).toBeGreaterThan(0.95)
})
