import { Advantage, PolicyGradient, Divergence, OffPolicy, Projection, Target } from "@lpo/simplex"
import fc from "fast-check"
import { expect, it } from "vitest"
import { allClose, close, finite, RUNS, size, sum, vector } from "./support.ts"

const batch: PolicyGradient.Batch = { rewardStd: 0.4, tokens: 600, groups: 10 }
const methods = [
  PolicyGradient.grpo(),
  PolicyGradient.drGrpo(),
  PolicyGradient.maxRl(),
  PolicyGradient.rloo(),
  PolicyGradient.dapo(),
  PolicyGradient.reinforcePlusPlus(),
  PolicyGradient.gspo(),
  PolicyGradient.cispo(),
]

/** Token log-probabilities of K responses under the sampling policy, and how far the policy has moved since. */
const group = (move: number) =>
  fc
    .integer({ min: 2, max: 8 })
    .chain((k) =>
      fc.record({
        rewards: fc.array(fc.constantFrom(0, 0.1, 1), { minLength: k, maxLength: k }).map((r) => Float64Array.from(r)),
        tokens: fc.array(
          fc.integer({ min: 1, max: 6 }).chain((t) => fc.tuple(vector(t, 4), vector(t, move))),
          { minLength: k, maxLength: k },
        ),
      }),
    )
    .map(({ rewards, tokens }) => ({
      rewards,
      batch,
      behaviour: tokens.map(([b]) => b.map((v) => -Math.abs(v))),
      current: tokens.map(([b, m]) => b.map((v, t) => -Math.abs(v) + m[t])),
    }))

it("on policy every method's weights are its advantage over its divisor", () =>
  fc.assert(
    fc.property(group(0), (g) => {
      const k = g.rewards.length
      const all = sum(g.current.map((t) => t.length))
      const divisor: Record<string, (i: number) => number> = {
        dapo: () => batch.tokens / batch.groups,
        gspo: (i) => k * g.current[i].length,
        cispo: () => all,
      }
      for (const method of methods) {
        const a = method.advantages(g.rewards, batch)
        for (const [i, c] of method.weights(g).entries())
          allClose(
            c,
            new Float64Array(c.length).fill(a[i] / (divisor[method.name] ?? (() => k))(i)),
            1e-15 * (1 + size(a)),
            method.name,
          )
        close(sum(a), 0, 1e-12 * (1 + size(a)), method.name)
      }
    }),
    RUNS,
  ))

it("on policy GRPO, Dr.GRPO and MaxRL are LPO-rev at their temperature (Proposition 1), token by token", () =>
  fc.assert(
    fc.property(group(0), (g) => {
      const pairs = [
        [PolicyGradient.grpo(), Advantage.std(g.rewards)],
        [PolicyGradient.drGrpo(), 1],
        [PolicyGradient.maxRl(), Advantage.mean(g.rewards)],
        [PolicyGradient.reinforcePlusPlus(), batch.rewardStd],
      ] as const
      for (const [method, tau] of pairs) {
        if (!(tau > 0)) continue
        const s = OffPolicy.logRatios(g.current, g.behaviour)
        const c = Projection.coefficients(Divergence.reverseKl, s, Target.logGibbs(g.rewards, tau))
        for (const [i, tokens] of method.weights(g).entries())
          for (const v of tokens) close(v, -c[i], 1e-12 * (1 + 1 / tau), method.name)
      }
    }),
    RUNS,
  ))

it("PPO's weight is minus the derivative of PPO's own loss in each token's log-probability", () =>
  fc.assert(
    fc.property(group(0.5), (g) => {
      const { rewards, behaviour, current } = g
      const clip = { low: 0.2, high: 0.28 }
      const a = Advantage.grpo(rewards)
      const loss = (k: number, t: number, v: number): number => {
        const ratio = Math.exp(v - behaviour[k][t])
        return -Math.min(ratio * a[k], Math.min(Math.max(ratio, 1 - clip.low), 1 + clip.high) * a[k]) / rewards.length
      }
      const h = 1e-6
      for (const [k, tokens] of PolicyGradient.grpo({ clip }).weights(g).entries())
        for (const [t, c] of tokens.entries()) {
          const v = current[k][t]
          const ratio = Math.exp(v - behaviour[k][t])
          // Within h of a kink the difference quotient is neither side's slope.
          if (Math.abs(ratio - 0.8) < 1e-5 || Math.abs(ratio - 1.28) < 1e-5) continue
          close(-c, (loss(k, t, v + h) - loss(k, t, v - h)) / (2 * h), 1e-8 * (1 + size(a)))
        }
    }),
    RUNS,
  ))

it("GSPO's weight is minus the derivative of its sequence loss", () =>
  fc.assert(
    fc.property(group(2e-4), (g) => {
      const { rewards, behaviour, current } = g
      const a = Advantage.grpo(rewards)
      const h = 1e-7
      for (const [k, tokens] of PolicyGradient.gspo().weights(g).entries())
        for (const c of tokens) {
          const loss = (x: number): number => {
            const mean = (sum(current[k]) + x - sum(behaviour[k])) / tokens.length
            const ratio = Math.exp(mean)
            return -Math.min(ratio * a[k], Math.min(Math.max(ratio, 1 - 3e-4), 1 + 4e-4) * a[k]) / rewards.length
          }
          const ratio = Math.exp((sum(current[k]) - sum(behaviour[k])) / tokens.length)
          if (Math.abs(ratio - 1 + 3e-4) < 1e-6 || Math.abs(ratio - 1 - 4e-4) < 1e-6) continue
          close(-c, (loss(h) - loss(-h)) / (2 * h), 1e-6 * (1 + size(a)))
        }
    }),
    RUNS,
  ))

it("CISPO drops no token and bounds every weight above; unclipped methods weigh by the ratio", () =>
  fc.assert(
    fc.property(group(3), (g) => {
      const a = Advantage.grpo(g.rewards)
      const all = sum(g.current.map((t) => t.length))
      for (const [k, c] of PolicyGradient.cispo().weights(g).entries())
        allClose(
          c,
          c.map((_, t) => (Math.min(Math.exp(g.current[k][t] - g.behaviour[k][t]), 1.28) * a[k]) / all),
          1e-14 * (1 + size(a)),
        )
      const rloo = Advantage.rloo(g.rewards)
      for (const [k, c] of PolicyGradient.rloo().weights(g).entries())
        allClose(
          c,
          c.map((_, t) => (Math.exp(g.current[k][t] - g.behaviour[k][t]) * rloo[k]) / rloo.length),
          1e-13 * (1 + size(rloo)) * 30,
        )
    }),
    RUNS,
  ))

it("GRPO as published divides by each response's length", () => {
  const group = { rewards: [1, 0], current: [[-1, -1, -1, -1], [-1]], behaviour: [[-1, -1, -1, -1], [-1]] }
  const [first, second] = PolicyGradient.grpo({ aggregation: "sequence-mean" }).weights(group)
  expect([...first]).toEqual([0.125, 0.125, 0.125, 0.125])
  expect([...second]).toEqual([-0.5])
})

it("names what is missing or wrong", () => {
  const group = { rewards: [1, 0], current: [[-1], [-1]], behaviour: [[-1], [-1]] }
  expect(() => PolicyGradient.dapo().weights(group)).toThrow(/dapo needs the batch's statistics/)
  expect(() => PolicyGradient.reinforcePlusPlus().weights(group)).toThrow(/reinforce\+\+ needs the batch's statistics/)
  expect(() => PolicyGradient.grpo().weights({ ...group, behaviour: [[-1], [-1, -1]] })).toThrow(
    /response 1 has 1 and 2 log-probs/,
  )
  expect(() => PolicyGradient.grpo().weights({ ...group, current: [[-1], [NaN]] })).toThrow(/log-ratio\[1\] is NaN/)
  expect(() => PolicyGradient.grpo().weights({ ...group, rewards: [1, NaN] })).toThrow(/rewards\[1\] is NaN/)
  expect(() => PolicyGradient.grpo().weights({ ...group, rewards: [1] })).toThrow(/rewards has length 1, expected 2/)
  expect(() => PolicyGradient.rloo().weights({ ...group, behaviour: [[-1], [-1e4]] })).toThrow(
    /rloo's weight of response 1\[0\] is -Infinity.*drop the group/,
  )
  expect(() => PolicyGradient.grpo({ clip: { low: 2, high: 0.2 } })).toThrow(/clip.low is 2/)
})

it("log-ratios: sums, means, and what a group must satisfy", () => {
  const [a, b] = [
    [[-1, -2], [-3]],
    [[-2, -2], [-1]],
  ]
  expect([...OffPolicy.logRatios(a, b)]).toEqual([1, -2])
  expect([...OffPolicy.logRatios(a, b, "mean")]).toEqual([0.5, -2])
  expect(() => OffPolicy.logRatios([[]], [[]])).toThrow(/response 0 has 0 and 0 log-probs/)
  expect(OffPolicy.filter({ maxAbs: 1 }, [0, -2])).toEqual({
    keep: false,
    limit: "log-ratio",
    reason: "max |s| 2.000 is over 1 nats",
  })
  expect(OffPolicy.filter({ maxAge: 3 }, [0, 0], 4)).toEqual({
    keep: false,
    limit: "age",
    reason: "age 4 is over 3 updates",
  })
  expect(OffPolicy.filter({ minEss: 0.6 }, [0, 50])).toEqual({
    limit: "ess",
    keep: false,
    reason: "effective sample size 1.000 of 2 is under 0.6 K",
  })
  expect(OffPolicy.filter({ minEss: 0.5, maxAbs: 60, maxAge: 3 }, [0, 50], 3)).toEqual({ keep: true })
  expect(() => OffPolicy.filter({ minEss: 2 }, [0])).toThrow(/minEss is 2/)
  expect(() => OffPolicy.filter({ maxAbs: -1 }, [0])).toThrow(/maxAbs is -1/)
  expect(() => OffPolicy.quantile([1], 2)).toThrow(/q is 2/)
})

it("staleness: the effective sample size is within [1, K], quantiles are ordered up to the largest", () =>
  fc.assert(
    fc.property(fc.array(finite(50), { minLength: 1, maxLength: 30 }), (s) => {
      const { ess, maxAbs, quantiles } = OffPolicy.staleness(s)
      const { q50, q90, q99 } = quantiles
      if (!(q50 <= q90 && q90 <= q99 && q99 <= maxAbs && ess >= 1 - 1e-12 && ess <= s.length + 1e-9))
        throw new Error(JSON.stringify({ ess, maxAbs, quantiles }))
    }),
    RUNS,
  ))
