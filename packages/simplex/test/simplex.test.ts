import { Advantage, Divergence, Projection, Target } from "@lpo/simplex"
import fc from "fast-check"
import { expect, it } from "vitest"

const finite = (bound: number) => fc.double({ min: -bound, max: bound, noNaN: true })
const group = (bound = 5) =>
  fc.integer({ min: 2, max: 16 }).chain((k) =>
    fc.record({
      rewards: fc.array(finite(bound), { minLength: k, maxLength: k }),
      s: fc.array(finite(10), { minLength: k, maxLength: k }),
      anchor: fc.array(finite(10), { minLength: k, maxLength: k }),
      tau: fc.double({ min: 0.05, max: 20, noNaN: true }),
    }),
  )
const sum = (x: ArrayLike<number>) => Array.from(x).reduce((a, b) => a + b, 0)
const check = (property: fc.IProperty<[{ rewards: number[]; s: number[]; anchor: number[]; tau: number }]>) =>
  fc.assert(property, { numRuns: 1000 })

it("coefficients sum to zero, forward ones are bounded", () =>
  check(
    fc.property(group(), ({ rewards, s, anchor, tau }) => {
      const target = Target.logGibbs(rewards, tau, anchor)
      const forward = Projection.coefficients(Divergence.forwardKl, s, target)
      const reverse = Projection.coefficients(Divergence.reverseKl, s, target)
      expect(Math.abs(sum(forward))).toBeLessThan(1e-12)
      expect(Math.abs(sum(reverse))).toBeLessThan(1e-9)
      expect(sum(forward.map(Math.abs))).toBeLessThanOrEqual(2 + 1e-12)
    }),
  ))

it("coefficients vanish at the target", () =>
  check(
    fc.property(group(), ({ rewards, anchor, tau }) => {
      const target = Target.logGibbs(rewards, tau, anchor)
      for (const c of Projection.coefficients(Divergence.forwardKl, target, target))
        expect(Math.abs(c)).toBeLessThan(1e-12)
      for (const c of Projection.coefficients(Divergence.reverseKl, target, target))
        expect(Math.abs(c)).toBeLessThan(1e-12)
    }),
  ))

it("coefficients are the derivatives of the divergences in s (central differences)", () =>
  check(
    fc.property(group(), ({ rewards, s, tau }) => {
      const w = Target.logGibbs(rewards, tau)
      const kl = (a: Float64Array, b: Float64Array) => a.reduce((t, v, k) => t + v * (Math.log(v) - Math.log(b[k])), 0)
      const h = 1e-5
      const slope = (f: (s: number[]) => number, k: number) =>
        (f(s.map((v, j) => (j === k ? v + h : v))) - f(s.map((v, j) => (j === k ? v - h : v)))) / (2 * h)
      const target = w.map((v) => Math.exp(v))
      const forward = Projection.coefficients(Divergence.forwardKl, s, w)
      const reverse = Projection.coefficients(Divergence.reverseKl, s, w)
      if (target.some((v) => v < 1e-300)) return
      for (const k of s.keys()) {
        expect(slope((x) => kl(target, Target.listwise(x)), k)).toBeCloseTo(forward[k], 6)
        expect(slope((x) => kl(Target.listwise(x), target), k)).toBeCloseTo(reverse[k], 5)
      }
    }),
  ))

it("Proposition 1: on policy, -K times the reverse coefficients is the paired advantage", () =>
  check(
    fc.property(group(), ({ rewards }) => {
      const k = rewards.length
      const sigma = Advantage.std(rewards)
      const pairs: Array<[number, Float64Array]> = [[1, Advantage.drGrpo(rewards)]]
      if (sigma > 1e-3) pairs.push([sigma, Advantage.grpo(rewards)])
      for (const [tau, advantage] of pairs) {
        const c = Projection.coefficients(Divergence.reverseKl, new Float64Array(k), Target.logGibbs(rewards, tau))
        for (const [i, a] of advantage.entries()) expect(-k * c[i]).toBeCloseTo(a, 9)
      }
    }),
  ))

it.each([
  ["Dr.GRPO", Advantage.drGrpo([1, 0, 0, 0]), 0.75, -0.25],
  ["GRPO", Advantage.grpo([1, 0, 0, 0]), 1.732051, -0.57735],
  ["MaxRL", Advantage.maxRl([1, 0, 0, 0]), 3, -1],
  [
    "LPO-fwd, tau 1",
    Projection.coefficients(Divergence.forwardKl, [0, 0, 0, 0], Target.logGibbs([1, 0, 0, 0], 1)).map((c) => -c),
    0.225367,
    -0.075122,
  ],
  [
    "LPO-rev, tau sigma",
    Projection.coefficients(Divergence.reverseKl, [0, 0, 0, 0], Target.logGibbs([1, 0, 0, 0], 0.4330127)).map(
      (c) => -c,
    ),
    0.433013,
    -0.144338,
  ],
])("weights for rewards (1,0,0,0): %s", (_, weights, first, rest) => {
  expect(weights[0]).toBeCloseTo(first, 6)
  for (const w of weights.slice(1)) expect(w).toBeCloseTo(rest, 6)
})

it("names the index, the value and the rule of bad input", () => {
  expect(() => Target.gibbs([1, Number.NaN], 1)).toThrow(/rewards\[1\] is NaN; it must be finite/)
  expect(() => Target.gibbs([1, 0], 0)).toThrow(/tau is 0/)
  expect(() => Target.gibbs([1, 0], 1, [0])).toThrow(/anchor has length 1, expected 2/)
  expect(() => Target.gibbs([], 1)).toThrow(/rewards is empty/)
})

it("puts all mass on the best responses as tau goes to 0, huge rewards included", () => {
  expect([...Target.gibbs([1e308, 1e308, -1e308], 1e-9)]).toEqual([0.5, 0.5, 0])
})

it("equal rewards have exactly zero spread and advantage, whatever their value", () =>
  fc.assert(
    fc.property(finite(1e6), fc.integer({ min: 1, max: 64 }), (reward, k) => {
      const rewards = new Float64Array(k).fill(reward)
      expect(Advantage.std(rewards)).toBe(0)
      for (const a of Advantage.grpo(rewards)) expect(a).toBe(0)
    }),
    { numRuns: 1000 },
  ))
