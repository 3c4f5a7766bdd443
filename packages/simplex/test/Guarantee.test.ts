import { Diagnostics, Guarantee, Target } from "@lpo/simplex"
import fc from "fast-check"
import { expect, it } from "vitest"

const reward = fc.double({ min: -5, max: 5, noNaN: true })
const s = fc.double({ min: -5, max: 5, noNaN: true })

it("Theorem 2: no policy gains less than the bound, wherever it lands", () => {
  const group = fc.integer({ min: 2, max: 12 }).chain((k) =>
    fc.record({
      rewards: fc.array(reward, { minLength: k, maxLength: k }),
      anchor: fc.array(s, { minLength: k, maxLength: k }),
      next: fc.array(s, { minLength: k, maxLength: k }),
      tau: fc.double({ min: 0.1, max: 10, noNaN: true }),
    }),
  )
  fc.assert(
    fc.property(group, ({ rewards, anchor, next, tau }) => {
      const expected = (p: Float64Array) => p.reduce((sum, v, k) => sum + v * rewards[k], 0)
      const landed = Target.listwise(next)
      const epsilon = Math.min(1, Diagnostics.totalVariation(landed, Target.gibbs(rewards, tau, anchor)))
      const gain = expected(landed) - expected(Target.listwise(anchor))
      expect(gain).toBeGreaterThanOrEqual(Guarantee.gainBound({ rewards, tau, epsilon, anchor }) - 1e-9)
    }),
    { numRuns: 1000 },
  )
})

it("is exact at the target: the gain of w* is tau times the two divergences", () => {
  const rewards = [1, 0, 0, 0]
  const w = Target.gibbs(rewards, 0.5)
  expect(Guarantee.gainBound({ rewards, tau: 0.5, epsilon: 0 })).toBeCloseTo(w[0] - 0.25, 12)
})

it("refuses an epsilon that is no total variation", () => {
  expect(() => Guarantee.gainBound({ rewards: [1, 0], tau: 1, epsilon: 2 })).toThrow(/epsilon is 2/)
})
