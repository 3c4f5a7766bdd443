import { Dataset, Seed } from "@lpo/rollout"
import fc from "fast-check"
import { expect, it } from "vitest"

it("gives the same draws for the same name and others for another", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      const draws = (name: string) => {
        const random = Seed.stream(name)
        return Array.from({ length: 4 }, random.uniform)
      }
      expect(draws(a)).toEqual(draws(a))
      if (a !== b) expect(draws(a)).not.toEqual(draws(b))
    }),
  )
})

it("draws uniformly: mean 1/2 and variance 1/12 within five standard errors", () => {
  const random = Seed.stream("moments")
  const n = 100_000
  const xs = Array.from({ length: n }, random.uniform)
  const mean = xs.reduce((s, x) => s + x, 0) / n
  const variance = xs.reduce((s, x) => s + (x - mean) ** 2, 0) / n
  expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n))
  expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / n))
})

it("shuffles: a permutation of the items", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.string(), (items, name) => {
      const byValue = (a: number, b: number) => a - b
      expect([...Seed.shuffle(items, name)].sort(byValue)).toEqual([...items].sort(byValue))
    }),
  )
})

it("walks every epoch over every problem once, whatever the batch size", () => {
  const problems = Array.from({ length: 10 }, (_, i) => ({ id: `p${i}`, task: "t", prompt: "x", answer: null }))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 25 }), (size) => {
      const steps = Math.ceil(20 / size)
      const ids = Array.from({ length: steps }, (_, step) =>
        Dataset.take(problems, { from: step * size, size, seed: "s" }),
      )
        .flat()
        .map((p) => p.id)
      expect(new Set(ids.slice(0, 10)).size).toBe(10)
      expect(new Set(ids.slice(10, 20)).size).toBe(10)
    }),
  )
})
