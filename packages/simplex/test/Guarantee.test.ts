import { Diagnostics, Divergence, Explain, Guarantee, Projection, Target, Temperature } from "@lpo/simplex"
import fc from "fast-check"
import { expect, it } from "vitest"
import { allClose, close, type Group, group, RUNS, size, sum } from "./support.ts"

/** Ordinary groups, and extreme ones: sharp targets, policies and anchors near a vertex. */
const any = fc.oneof(
  group(5),
  group(300).map(({ tau, ...g }): Group => Object.assign(g, { tau: tau / 20 })),
)

it("Theorem 2: no policy gains less than the bound, wherever it lands", () =>
  fc.assert(
    fc.property(any, ({ rewards, s, anchor, tau }) => {
      const expected = (p: Float64Array) => p.reduce((total, v, k) => total + v * rewards[k], 0)
      const landed = Target.listwise(s)
      const epsilon = Diagnostics.totalVariation(landed, Target.gibbs(rewards, tau, anchor))
      const gain = expected(landed) - expected(Target.listwise(anchor))
      const bound = Guarantee.gainBound({ rewards, tau, epsilon, anchor })
      if (!(gain >= bound - 1e-9)) throw new Error(`gain ${gain}, bound ${bound}`)
    }),
    RUNS,
  ))

it("Theorem 2 is exact at the target: the gain of w* is tau times the two divergences", () => {
  const w = Target.gibbs([1, 0, 0, 0], 0.5)
  close(Guarantee.gainBound({ rewards: [1, 0, 0, 0], tau: 0.5, epsilon: 0 }), w[0] - 0.25, 1e-14)
})

it("Theorem 2 as it is logged: the gain is that of the definition, and the bound that of the policy's distance", () =>
  fc.assert(
    fc.property(any, ({ rewards, s, anchor, tau }) => {
      const { bound, gain } = Guarantee.gained({ rewards, s, anchor, tau })
      const explained = Explain.explain({
        rewards,
        s,
        anchor,
        temperature: Temperature.fixed(tau),
        divergence: Divergence.forwardKl,
      })
      close(gain, explained.gain, 1e-12)
      if (explained.gainBound !== null) close(bound, explained.gainBound, 1e-9 * (1 + Math.abs(bound)))
      if (!(gain >= bound - 1e-9)) throw new Error(`gain ${gain}, bound ${bound}`)
    }),
    RUNS,
  ))

it("Corollary 2: no response the target wants falls below the log barrier", () =>
  fc.assert(
    fc.property(any, ({ rewards, s, anchor, tau }) => {
      const logW = Target.logGibbs(rewards, tau, anchor)
      const divergence = Projection.value(Divergence.forwardKl, s, logW)
      const p = Target.listwise(s)
      for (const [k, v] of logW.entries()) {
        const w = Math.exp(v)
        if (w === 0) continue
        const barrier = Guarantee.logBarrier(Math.min(1, w), divergence)
        // As w goes to 0 the two sides meet, within the rounding of an exponent of up to 745.
        if (!(p[k] >= barrier * (1 - 1e-12))) throw new Error(`P ${p[k]}, barrier ${barrier}`)
      }
    }),
    RUNS,
  ))

it("Proposition 1 off policy: reverse KL stays within the bound of the importance-weighted policy gradient", () =>
  fc.assert(
    fc.property(group(0.6), ({ rewards, s }) => {
      const mean = sum(rewards) / rewards.length
      const a = rewards.map((v) => v - mean)
      const ratios = s.map(Math.exp)
      const delta = ratios.reduce((m, r) => Math.max(m, Math.abs(r - 1)), 0)
      const bound = Guarantee.offPolicyGap({ advantages: a, delta })
      const c = Projection.coefficients(Divergence.reverseKl, s, Target.logGibbs(a, 1))
      const gap = size(c.map((v, k) => v + (ratios[k] * a[k]) / a.length))
      if (!(gap <= bound + 1e-15)) throw new Error(`gap ${gap}, bound ${bound}`)
      if (delta < 0.9 && !(bound < Infinity)) throw new Error("no bound")
    }),
    RUNS,
  ))

it("the off-policy gap vanishes with delta, at the rate the paper states", () => {
  const a = [1, -1]
  const gap = (delta: number) => Guarantee.offPolicyGap({ advantages: a, delta })
  expect(gap(0)).toBe(0)
  close(gap(1e-6) / 1e-6, (3 * 2) / 2, 1e-4)
  expect(gap(1)).toBe(Infinity)
})

it("Proposition 2: t updates at tau are one at tau / t, and compose", () =>
  fc.assert(
    fc.property(
      group(5),
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 0, max: 6 }),
      ({ rewards, s, tau }, m, n) => {
        const from = (logProbs: Float64Array, updates: number) =>
          Guarantee.exactUpdate({ rewards, tau, updates, logProbs })
        allClose(from(from(s, m), n), from(s, m + n), 1e-10 * (1 + (12 * size(rewards)) / tau))
      },
    ),
    RUNS,
  ))

it("diagnostics: bounds, ends and symmetry", () =>
  fc.assert(
    fc.property(group(30), ({ s, anchor }) => {
      const [p, q] = [Target.listwise(s), Target.listwise(anchor)]
      const tv = Diagnostics.totalVariation(p, q)
      close(tv, Diagnostics.totalVariation(q, p), 0)
      const kl = Diagnostics.kl(Target.logListwise(s), Target.logListwise(anchor))
      // Pinsker's inequality ties the two together.
      if (!(kl >= 2 * tv * tv - 1e-12 && tv <= 1)) throw new Error(`KL ${kl}, TV ${tv}`)
      const ess = Diagnostics.ess(p)
      const h = Diagnostics.entropy(p)
      if (!(ess >= 1 - 1e-12 && ess <= p.length + 1e-9 && h >= 0 && h <= Math.log(p.length) + 1e-12))
        throw new Error(`${ess} ${h}`)
      // exp(H) >= 1 / sum p^2: Shannon's entropy is above Rényi's of order 2.
      if (!(Math.exp(h) >= ess - 1e-9)) throw new Error(`${h} ${ess}`)
    }),
    RUNS,
  ))

it("diagnostics of exact zeros", () => {
  expect(Diagnostics.kl([0, -Infinity], [Math.log(0.5), Math.log(0.5)])).toBeCloseTo(Math.LN2, 14)
  expect(Diagnostics.kl([Math.log(0.5), Math.log(0.5)], [0, -Infinity])).toBe(Infinity)
  expect(Diagnostics.entropy([1, 0])).toBe(0)
  expect(Diagnostics.ess([0.25, 0.25, 0.25, 0.25])).toBe(4)
})

it("explains a group: the rows are the parts of the package, the bound holds", () =>
  fc.assert(
    fc.property(group(5), ({ rewards, s, anchor, tau }) => {
      const explanation = Explain.explain({
        rewards,
        s,
        anchor,
        temperature: Temperature.fixed(tau),
        divergence: Divergence.reverseKl,
      })
      const column = (name: keyof Explain.Row) => explanation.rows.map((row) => row[name])
      const logW = Target.logGibbs(rewards, tau, anchor)
      if (!Target.hasSignal(rewards)) return
      allClose(column("target"), logW.map(Math.exp), 0)
      allClose(column("policy"), Target.listwise(s), 0)
      allClose(column("anchor"), Target.listwise(anchor), 0)
      allClose(column("coefficient"), Projection.coefficients(Divergence.reverseKl, s, logW), 0)
      if (!(explanation.gain >= (explanation.gainBound ?? NaN) - 1e-9)) throw new Error("bound")
    }),
    RUNS,
  ))

it("explains a group without signal without inventing one", () => {
  const explanation = Explain.explain({ rewards: [1, 1], temperature: Temperature.std() })
  expect(explanation).toMatchObject({ tau: "zero-signal", gainBound: null, value: 0 })
  expect(explanation.rows.map((row) => row.coefficient)).toEqual([0, 0])
  expect(Explain.format(explanation)).toMatch(/tau zero-signal.*bound none/)
})

it("names the value and the rule of bad input", () => {
  const R = { rewards: [1, 0], tau: 1 }
  expect(() => Guarantee.gainBound({ ...R, epsilon: 2 })).toThrow(/epsilon is 2; a total variation is in \[0, 1\]/)
  expect(() => Guarantee.logBarrier(0, 1)).toThrow(/target is 0/)
  expect(() => Guarantee.logBarrier(0.5, -1)).toThrow(/divergence is -1/)
  expect(() => Guarantee.offPolicyGap({ advantages: [1, 1], delta: 0.1 })).toThrow(
    /mean of the advantages is 1; it must be 0/,
  )
  expect(() => Guarantee.offPolicyGap({ advantages: [1, -1], delta: -1 })).toThrow(/delta is -1/)
  expect(() => Guarantee.exactUpdate({ ...R, updates: -1, logProbs: [0, 0] })).toThrow(/updates is -1/)
  expect(() => Diagnostics.ess([0.5, 0.4])).toThrow(/p sum to 0\.9; probabilities must sum to 1/)
  expect(() => Diagnostics.totalVariation([1, 0], [1.5, -0.5])).toThrow(/q\[0\] is 1\.5; a probability is in \[0, 1\]/)
  expect(() => Diagnostics.entropy([NaN, 1])).toThrow(/p\[0\] is NaN/)
  expect(() => Diagnostics.kl([0, 0], [0, -Infinity])).toThrow(
    /log p are the logarithms of probabilities that sum to 2/,
  )
})
