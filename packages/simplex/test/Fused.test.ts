import { Divergence, Fused, Projection, Target } from "@lpo/simplex"
import fc from "fast-check"
import { expect, it } from "vitest"
import { fastExp } from "../src/internal/fastExp.ts"
import * as Reference from "./reference.ts"
import { allClose, group, rewards as anyRewards, RUNS, vector } from "./support.ts"

/** The distance from exp(x) in units of its last place. */
const ulps = (x: number): number => {
  const exact = Reference.d(x).exp()
  const unit = Reference.d(2).pow(Math.floor(Math.log2(exact.toNumber())) - 52)
  return Reference.d(fastExp(x)).sub(exact).abs().div(unit).toNumber()
}

it("the fast exponential is within 1.1 units in the last place of 40 digits, from -708 to 0", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.double({ min: -708, max: 0, noNaN: true }), fc.double({ min: -1, max: 0, noNaN: true })),
      (x) => {
        const error = ulps(x)
        if (!(error <= 1.1)) throw new Error(`exp(${x}) is ${error} units off`)
      },
    ),
    { numRuns: 3000 },
  )
  expect([fastExp(0), fastExp(-709), fastExp(-Infinity)]).toEqual([1, 0, 0])
  expect(fastExp(NaN)).toBeNaN()
})

it("gives what target and projection give, fresh and stale, whatever the rewards", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }).chain((k) =>
        fc.record({
          rewards: anyRewards(k),
          s: vector(k, 300),
          anchor: vector(k, 300),
          tau: fc.double({ min: 1e-6, max: 1e3, noNaN: true }),
        }),
      ),
      ({ rewards, s, anchor, tau }) => {
        const out = new Float64Array(s.length)
        // The two add log-ratios of up to 300 nats in another order, whose rounding is what differs.
        for (const a of [null, anchor]) {
          expect(Fused.forwardKl(rewards, tau, s, a, out)).toBe(out)
          const slow = Projection.coefficients(Divergence.forwardKl, s, Target.logGibbs(rewards, tau, a ?? undefined))
          allClose(out, slow, a === null ? 2e-13 : 4e-13)
        }
      },
    ),
    RUNS,
  ))

it("is within 1e-14 for log-ratios of a few nats", () =>
  fc.assert(
    fc.property(group(3, 2, 64), ({ rewards, s, anchor, tau }) => {
      const t = Math.max(tau, 1)
      const out = Fused.forwardKl(rewards, t, s, anchor, new Float64Array(s.length))
      allClose(out, Projection.coefficients(Divergence.forwardKl, s, Target.logGibbs(rewards, t, anchor)), 1e-14)
    }),
    RUNS,
  ))

it("allocates nothing: a million groups leave the heap as it was", () => {
  const [r, s, out] = [Float64Array.of(1, 0, 0, 1), Float64Array.of(0.1, 0, -0.2, 0), new Float64Array(4)]
  const run = (n: number) => {
    for (let i = 0; i < n; i++) {
      s[0] = i % 7
      Fused.forwardKl(r, 0.5, s, null, out)
    }
  }
  run(100_000)
  const before = process.memoryUsage().heapUsed
  run(1_000_000)
  // One number a group would be 16 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(2e6)
})

it("names the index, the value and the rule of bad input", () => {
  const [r, s, out] = [Float64Array.of(1, 0), Float64Array.of(0, 0), new Float64Array(2)]
  const f = Fused.forwardKl
  expect(() => f(new Float64Array(0), 1, s, null, out)).toThrow(/rewards is empty/)
  expect(() => f(r, 1, new Float64Array(3), null, out)).toThrow(/log-ratios has length 3, expected 2/)
  expect(() => f(r, 1, s, null, new Float64Array(1))).toThrow(/out has length 1, expected 2/)
  expect(() => f(r, 1, s, new Float64Array(1), out)).toThrow(/anchor has length 1, expected 2/)
  expect(() => f(r, 0, s, null, out)).toThrow(/tau is 0; it must be positive/)
  expect(() => f(Float64Array.of(1, NaN), 1, s, null, out)).toThrow(/rewards\[1\] is NaN/)
  expect(() => f(r, 1, Float64Array.of(0, -Infinity), null, out)).toThrow(/log-ratios\[1\] is -Infinity/)
  expect(() => f(r, 1, s, Float64Array.of(NaN, 0), out)).toThrow(/anchor\[0\] is NaN/)
})
