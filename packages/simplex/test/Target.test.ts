import { Advantage, Diagnostics, Target } from "@lpo/simplex"
import fc from "fast-check"
import { expect, it } from "vitest"
import { allClose, close, finite, group, rewards as anyRewards, RUNS, sum, vector } from "./support.ts"

const sized = <A>(f: (k: number) => fc.Arbitrary<A>) => fc.integer({ min: 1, max: 24 }).chain(f)

it("Theorem 1: no distribution does better than w* on reward minus tau KL", () =>
  fc.assert(
    fc.property(group(5), ({ rewards, s, anchor, tau }) => {
      const start = Target.logListwise(anchor)
      const worth = (logQ: Float64Array) =>
        sum(logQ.map((v, k) => Math.exp(v) * rewards[k])) - tau * Diagnostics.kl(logQ, start)
      const best = worth(Target.logGibbs(rewards, tau, anchor))
      const other = worth(Target.logListwise(s))
      if (!(best >= other - 1e-9 * (1 + Math.abs(best)))) throw new Error(`${other} beats ${best}`)
    }),
    RUNS,
  ))

it("both targets are distributions for rewards of any kind, and depend on their differences only", () =>
  fc.assert(
    fc.property(
      sized((k) =>
        fc.record({
          rewards: anyRewards(k),
          anchor: vector(k, 30),
          tau: fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
        }),
      ),
      fc.integer({ min: -1024, max: 1024 }),
      ({ rewards, anchor, tau }, shift) => {
        const scale = rewards.reduce((a, v) => Math.max(a, Math.abs(v)), Math.abs(shift))
        for (const target of [Target.gibbsTarget, Target.chi2Target]) {
          const w = target.of(rewards, tau, anchor).map(Math.exp)
          close(sum(w), 1, 1e-12, target.name)
          const moved = target
            .of(
              rewards.map((v) => v + shift),
              tau,
              anchor,
            )
            .map(Math.exp)
          // Adding the shift rounds the rewards by 1e-16 of its size, which tau magnifies.
          allClose(moved, w, 1e-12 + (4e-16 * scale) / tau, target.name)
        }
      },
    ),
    RUNS,
  ))

it("equal rewards get what the anchor gives them: ties share mass", () =>
  fc.assert(
    fc.property(
      sized((k) => fc.record({ rewards: anyRewards(k), s: finite(20) })),
      fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      ({ rewards, s }, tau) => {
        for (const target of [Target.gibbsTarget, Target.chi2Target]) {
          const w = target.of(rewards, tau, new Float64Array(rewards.length).fill(s)).map(Math.exp)
          for (let i = 1; i < w.length; i++) if (rewards[i] === rewards[0]) close(w[i], w[0], 1e-15)
        }
      },
    ),
    RUNS,
  ))

it("tau to 0: all mass on the best, shared by the anchor; tau to infinity: the anchor", () =>
  fc.assert(
    fc.property(
      sized((k) => fc.record({ rewards: anyRewards(k), anchor: vector(k, 10) })),
      ({ rewards, anchor }) => {
        const best = rewards.reduce((a, b) => Math.max(a, b))
        const start = Target.listwise(anchor)
        const mass = sum(start.filter((_, k) => rewards[k] === best))
        const sharp = Target.gibbs(rewards, 1e-300, anchor)
        allClose(
          sharp,
          start.map((v, k) => (rewards[k] === best ? v / mass : 0)),
          1e-12,
        )
        allClose(Target.gibbs(rewards, 1e30, anchor), start, 1e-12)
        allClose(Target.chi2(rewards, 1e30, anchor).logTarget.map(Math.exp), start, 1e-12)
      },
    ),
    RUNS,
  ))

it("huge rewards over a tiny tau do not overflow", () => {
  expect([...Target.gibbs([1e308, 1e308, -1e308], 1e-9)]).toEqual([0.5, 0.5, 0])
  allClose(Target.chi2([1e308, 1e308, -1e308], 1e-9).ratios, [1.5, 1.5, 0], 1e-15)
})

it("GOPO's ratios for (1,0,0,0): mu = 1 and the sparse mu = 0.2", () => {
  allClose(Target.chi2([1, 0, 0, 0], 1).ratios, [1.75, 0.75, 0.75, 0.75], 5e-7)
  const sparse = Target.chi2([1, 0, 0, 0], 0.2)
  allClose(sparse.ratios, [4, 0, 0, 0], 5e-7)
  close(sparse.lambda, 0.15, 5e-7)
  expect([...sparse.logTarget]).toEqual([0, -Infinity, -Infinity, -Infinity])
})

it("chi-square: the optimality conditions hold, ratios average 1 under the anchor, and nobody does better", () =>
  fc.assert(
    fc.property(group(5), ({ rewards, s, anchor, tau }) => {
      const p = Target.listwise(anchor)
      const { lambda, logTarget, ratios } = Target.chi2(rewards, tau, anchor)
      close(sum(ratios.map((v, k) => v * p[k])), 1, 1e-10)
      const mean = sum(rewards.map((v, k) => v * p[k]))
      allClose(
        ratios,
        rewards.map((v) => Math.max(0, 1 + (v - mean - lambda) / tau)),
        1e-9 * (1 + 10 / tau),
      )
      const worth = (w: Float64Array) => sum(w.map((v, k) => v * rewards[k] - (tau / 2) * ((v - p[k]) ** 2 / p[k])))
      const best = worth(logTarget.map(Math.exp))
      const other = worth(Target.listwise(s))
      if (!(best >= other - 1e-9 * (1 + Math.abs(best)))) throw new Error(`${other} beats ${best}`)
    }),
    RUNS,
  ))

it("a group without signal is dropped, or anchors the policy", () => {
  const group = { target: Target.gibbsTarget, rewards: [1, 1], anchor: [Math.LN2, 0] }
  expect(Target.isSilent("drop", group.rewards, 1)).toBe(true)
  expect(Target.isSilent("anchor", group.rewards, 1)).toBe(false)
  allClose(Target.resolve({ ...group, tau: 1 }).map(Math.exp), [2 / 3, 1 / 3], 1e-15)
  expect(Target.isSilent("drop", [1, 0], "zero-signal")).toBe(true)
  expect(Target.isSilent("drop", [1, 0], 1)).toBe(false)
  allClose(Target.resolve({ ...group, rewards: [1, 0], tau: 1 }), Target.logGibbs([1, 0], 1, group.anchor), 0)
})

it("bases: log-ratios to the behaviour policy, or log-probabilities themselves", () => {
  expect([...Target.logits("anchor", [-3, -4], [-2, -5])]).toEqual([-1, 1])
  expect([...Target.logits("policy-probability", [-3, -4], [-2, -5])]).toEqual([-3, -4])
})

it("names the index, the value and the rule of bad input", () => {
  expect(() => Target.gibbs([1, Number.NaN], 1)).toThrow(/rewards\[1\] is NaN; it must be finite/)
  expect(() => Target.gibbs([1, -Infinity], 1)).toThrow(/rewards\[1\] is -Infinity/)
  expect(() => Target.gibbs([1, 0], 0)).toThrow(/tau is 0; it must be positive and finite/)
  expect(() => Target.gibbs([1, 0], NaN)).toThrow(/tau is NaN/)
  expect(() => Target.gibbs([1, 0], Infinity)).toThrow(/tau is Infinity/)
  expect(() => Target.gibbs([1, 0], 1, [0])).toThrow(/anchor has length 1, expected 2/)
  expect(() => Target.gibbs([], 1)).toThrow(/rewards is empty/)
  expect(() => Target.chi2([1, 0], -1)).toThrow(/mu is -1/)
  expect(() => Target.listwise([0, NaN])).toThrow(/log-ratios\[1\] is NaN/)
  expect(() => Target.logits("anchor", [0], [0, 0])).toThrow(/behaviour has length 2, expected 1/)
  try {
    Target.gibbs([1, Number.NaN], 1)
  } catch (error) {
    expect(error).toMatchObject({ _tag: "SimplexError", where: { input: "rewards", index: 1, value: NaN } })
  }
})

it("equal rewards have exactly zero spread and advantage, whatever their value", () =>
  fc.assert(
    fc.property(finite(1e6), fc.integer({ min: 1, max: 64 }), (reward, k) => {
      const rewards = new Float64Array(k).fill(reward)
      if (Advantage.std(rewards) !== 0) throw new Error("std")
      for (const a of Advantage.grpo(rewards)) if (a !== 0) throw new Error("advantage")
    }),
    RUNS,
  ))

it("statistics: population and sample, advantages against their definitions", () => {
  close(Advantage.std([1, 0, 0, 0]), Math.sqrt(3) / 4, 1e-15)
  close(Advantage.std([1, 0, 0, 0], "sample"), 0.5, 1e-15)
  close(Advantage.std([1e-200, 0]), 0.5e-200, 1e-214)
  close(Advantage.mean([1e308, 1e308]), 1e308, 1e293)
  allClose(Advantage.rloo([3, 1, 2]), [1.5, -1.5, 0], 1e-15)
  expect([...Advantage.rloo([3])]).toEqual([0])
  expect([...Advantage.maxRl([0, 0])]).toEqual([0, 0])
  close(
    Advantage.batchStd([
      [1, 0],
      [5, 5],
    ]),
    Math.sqrt(0.125),
    1e-15,
  )
  expect(() => Advantage.std([1], "sample")).toThrow(/needs two rewards, got 1/)
  expect(() => Advantage.reinforcePlusPlus([1, 0], 0)).toThrow(/sigma is 0/)
  expect(() => Advantage.maxRl([1e-320, 1e308, -1e308])).toThrow(/advantage\[\d\] is .*scale the rewards/)
})
