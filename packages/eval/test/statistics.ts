/** Laws of large numbers, at any size: what the quick tests and the full ones have in common. */
import { Compare, Interval } from "@lpo/eval"
import { Seed } from "@lpo/rollout"
import { expect } from "vitest"

/** A benchmark: how many problems it has, the true mean, and a value from one or two uniform numbers. */
export type Benchmark = readonly [name: string, problems: number, truth: number, draw: (u: number, v: number) => number]

/** In which share of benchmarks a 95 % interval covers the true mean. */
export const coverage = ([name, n, truth, draw]: Benchmark, trials: number, resamples: number): number => {
  let covered = 0
  for (let trial = 0; trial < trials; trial++) {
    const random = Seed.stream(`coverage/${name}/${trial}`)
    const values = Array.from({ length: n }, () => draw(random.uniform(), random.uniform()))
    const { high, low } = Interval.bootstrap(values, { seed: `coverage/${trial}`, resamples })
    if (low <= truth && truth <= high) covered++
  }
  return covered / trials
}

/** A paired comparison has its nominal size where the two are alike, and finds a difference where there is one. */
export const nominalSize = (trials: number, permutations: number): void => {
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
      { seed: `${trial}`, permutations },
    )
    if (p < 0.05) wrong++
    if (Compare.compare(a, c, { seed: `${trial}`, permutations }).p < 0.05) found++
  }
  // Three standard errors about 5 %.
  expect(wrong / trials).toBeGreaterThan(0.05 - 3 * Math.sqrt((0.05 * 0.95) / trials))
  expect(wrong / trials).toBeLessThan(0.05 + 3 * Math.sqrt((0.05 * 0.95) / trials))
  expect(found / trials).toBeGreaterThan(0.95)
}
