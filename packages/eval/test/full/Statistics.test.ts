/** At full size: intervals cover what they say, and paired tests have their nominal size. */
import { expect, it } from "vitest"
import { type Benchmark, coverage, nominalSize } from "../statistics.ts"

it.each<Benchmark>([
  ["binary, 100 problems", 100, 0.3, (u) => (u < 0.3 ? 1 : 0)],
  ["binary, 30 problems", 30, 0.5, (u) => (u < 0.5 ? 1 : 0)],
  ["graded, 60 problems", 60, 0.25, (u, v) => u * v],
  ["graded, 15 problems", 15, 0.5, (u) => u],
])("a 95 %% interval covers the true mean in 93 to 97 of 100 benchmarks: %s", (...benchmark) => {
  const covered = coverage(benchmark, 2000, 250)
  expect(covered).toBeGreaterThanOrEqual(0.93)
  expect(covered).toBeLessThanOrEqual(0.97)
})

it("a paired comparison has its nominal size where the two are alike, and finds a difference where there is one", () =>
  nominalSize(600, 400))
