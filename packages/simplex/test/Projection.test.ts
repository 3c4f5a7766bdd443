import { Advantage, Divergence, Projection, Sibling, SmallGroup, Target } from "@lpo/simplex"
import fc from "fast-check"
import { expect, it } from "vitest"
import * as Reference from "./reference.ts"
import {
  allClose,
  close,
  divergences,
  finite,
  group,
  rewards as anyRewards,
  RUNS,
  size,
  sum,
  vector,
} from "./support.ts"

const coefficients = Projection.coefficients

it("forward KL: each |c| is at most 1, their sum at most 2, whatever the rewards", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 32 }).chain((k) =>
        fc.record({
          rewards: anyRewards(k),
          s: vector(k, 800),
          tau: fc.double({ min: 1e-12, max: 1e6, noNaN: true }),
        }),
      ),
      ({ rewards, s, tau }) => {
        const c = coefficients(Divergence.forwardKl, s, Target.logGibbs(rewards, tau))
        if (!(size(c) <= 1 && sum(c.map(Math.abs)) <= 2 + 1e-12)) throw new Error(c.join())
      },
    ),
    RUNS,
  ))

it("Proposition 1: on policy, -K times the reverse coefficients is the advantage of the paired method", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 16 }).chain((k) => vector(k, 5)),
      (rewards) => {
        const k = rewards.length
        const pairs = [
          [1, () => Advantage.drGrpo(rewards)],
          [Advantage.std(rewards), () => Advantage.grpo(rewards)],
          // Beside a tiny mean the advantages do not fit float64, and are refused.
          [Advantage.mean(rewards), () => Advantage.maxRl(rewards)],
          [0.7, () => Advantage.reinforcePlusPlus(rewards, 0.7)],
        ] as const
        for (const [tau, advantage] of pairs) {
          if (!(tau > 1e-3)) continue
          const a = advantage()
          const c = coefficients(Divergence.reverseKl, new Float64Array(k), Target.logGibbs(rewards, tau))
          allClose(
            c.map((v) => -k * v),
            a,
            1e-12 * k * (1 + size(a)),
            "K c",
          )
        }
      },
    ),
    RUNS,
  ))

// Fresh group, R = (1, 0, 0, 0): each method's weight -c of the right response and of a wrong one.
const R = [1, 0, 0, 0]
const fresh = [0, 0, 0, 0]
const sigma = 0.43301270189221935
const lpo = (d: Divergence.Divergence, tau: number) => coefficients(d, fresh, Target.logGibbs(R, tau)).map((c) => -c)
it.each([
  ["GRPO", Advantage.grpo(R), 1.732051, -0.57735],
  ["Dr.GRPO", Advantage.drGrpo(R), 0.75, -0.25],
  ["RLOO", Advantage.rloo(R), 1, -0.333333],
  ["MaxRL", Advantage.maxRl(R), 3, -1],
  ["LPO-fwd, tau 1", lpo(Divergence.forwardKl, 1), 0.225367, -0.075122],
  ["LPO-fwd, tau sigma", lpo(Divergence.forwardKl, sigma), 0.520438, -0.173479],
  ["LPO-fwd, tau mu", lpo(Divergence.forwardKl, 0.25), 0.697915, -0.232638],
  ["LPO-rev, tau 1", lpo(Divergence.reverseKl, 1), 0.1875, -0.0625],
  ["LPO-rev, tau sigma", lpo(Divergence.reverseKl, sigma), 0.433013, -0.144338],
  ["LPO-rev, tau mu", lpo(Divergence.reverseKl, 0.25), 0.75, -0.25],
  ["TPO from uniform p", Sibling.tpo({ rewards: R, current: fresh, old: fresh }).map((c) => -c), 0.520438, -0.173479],
  ["GVPO at s = 0, times K - 1", Sibling.gvpo({ rewards: R, s: fresh }).map((c) => -3 * c), 0.75, -0.25],
])("weights of rewards (1,0,0,0): %s", (_, weights, first, rest) =>
  allClose(weights, [first, rest, rest, rest], 5.1e-7),
)

it("TPO: q - p for log p_old = (-2, -1, -3, -1.5)", () => {
  const old = [-2, -1, -3, -1.5]
  allClose(
    Sibling.tpo({ rewards: R, current: old, old }).map((c) => -c),
    [0.505775, -0.290364, -0.039296, -0.176115],
    5.1e-7,
  )
})

it("TPO and GVPO sum to zero; pointwise sums to -1", () =>
  fc.assert(
    fc.property(group(20), ({ rewards, s, anchor, tau }) => {
      close(sum(Sibling.tpo({ rewards, current: s, old: anchor, eta: tau })), 0, 1e-13)
      const gvpo = Sibling.gvpo({ rewards, s, beta: tau })
      close(sum(gvpo), 0, 1e-13 * (1 + sum(gvpo.map(Math.abs))))
      close(sum(Sibling.pointwise(rewards, tau, anchor)), -1, 1e-12)
    }),
    RUNS,
  ))

it("GVPO sums to zero where log-ratios are far larger than their differences", () => {
  const c = Sibling.gvpo({ rewards: [0, 0], s: [19.993806829492417, 19.974363429933746], beta: 8.512592310090744 })
  close(sum(c), 0, 1e-13)
})

it("GVPO is stationary exactly at LPO's target with tau = beta", () =>
  fc.assert(
    fc.property(group(5), ({ rewards, tau }) => {
      const s = Target.logGibbs(rewards, tau)
      allClose(Sibling.gvpo({ rewards, s, beta: tau }), new Float64Array(s.length), 1e-11 * tau * (1 + size(s)))
    }),
    RUNS,
  ))

it("K = 2 is the soft logistic preference of C.5, loss and coefficients", () =>
  fc.assert(
    fc.property(
      finite(5),
      finite(5),
      finite(20),
      finite(20),
      fc.double({ min: 0.05, max: 20, noNaN: true }),
      (a, b, m, am, tau) => {
        const pair = { rewards: [a, b], tau, margin: m, anchorMargin: am } as const
        const logW = Target.logGibbs([a, b], tau, [am, 0])
        allClose(SmallGroup.pairCoefficients(pair), coefficients(Divergence.forwardKl, [m, 0], logW), 1e-13)
        const w = logW.map(Math.exp)
        const entropy = -w[0] * logW[0] - w[1] * logW[1]
        const loss = SmallGroup.pairLoss(pair)
        close(loss, Projection.value(Divergence.forwardKl, [m, 0], logW) + entropy, 1e-12 * (1 + loss))
      },
    ),
    RUNS,
  ))

it("K = 2, rewards 1 and 0, tau 1, margin 0.5: the closed form", () => {
  const sigma1 = 1 / (1 + Math.exp(-1))
  const loss = -sigma1 * Math.log(1 / (1 + Math.exp(-0.5))) - (1 - sigma1) * Math.log(1 / (1 + Math.exp(0.5)))
  close(SmallGroup.pairLoss({ rewards: [1, 0], tau: 1, margin: 0.5 }), loss, 1e-15)
})

it("K = 1: the paper's 1/2 - sigma((R - b) / tau) while s = 0, within 1/2; below 1 later", () =>
  fc.assert(
    fc.property(
      finite(1e6),
      finite(1e6),
      finite(700),
      fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      (reward, baseline, s, tau) => {
        const c = SmallGroup.single({ reward, baseline, tau })
        close(c, 0.5 - 1 / (1 + Math.exp(-(reward - baseline) / tau)), 1e-15)
        if (!(Math.abs(c) <= 0.5 && Math.abs(SmallGroup.single({ reward, baseline, tau, s })) <= 1))
          throw new Error(String(c))
      },
    ),
    RUNS,
  ))

it("a listwise group of one has coefficient 0 under every divergence", () => {
  for (const d of divergences) close(coefficients(d, [3], Target.logGibbs([1], 1))[0], 0, 1e-15, d.name)
})

it("K = 4,096 keeps its digits: target, policy and coefficients against 25 decimal digits, sums to the last place", () => {
  Reference.digits(25)
  const k = 4096
  const s = Float64Array.from({ length: k }, (_, i) => 3 * Math.sin(i))
  const r = Float64Array.from({ length: k }, (_, i) => Math.cos(7 * i))
  const logW = Target.logGibbs(r, 0.3)
  const [p, w] = [Reference.softmax(s), Reference.softmax(Array.from(r, (v) => v / 0.3))]
  const exact = p.map((v, i) => v.sub(w[i]).toNumber())
  const c = coefficients(Divergence.forwardKl, s, logW)
  for (let i = 0; i < k; i++) close(c[i], exact[i], 2e-15 * (p[i].toNumber() + w[i].toNumber()), `c[${i}]`)
  close(sum(logW.map(Math.exp)), 1, 1e-14)
  for (const d of divergences) close(sum(coefficients(d, s, logW)), 0, 1e-13, d.name)
}, 120_000)

it("travels to the target under every smooth divergence, downhill all the way", () =>
  fc.assert(
    fc.property(group(2, 2, 5), ({ rewards, s, tau }) => {
      const logW = Target.logGibbs(rewards, Math.max(tau, 2))
      for (const d of divergences) {
        if (d.name === "total-variation") continue
        // Brier's pull fades with w^2: it needs longer steps where w is small, and less of it means that one has arrived.
        const { arrived, stops } = Projection.travel(d, s, logW, {
          tolerance: 1e-7,
          stepSize: d.name === "brier" ? 1e3 : 1,
        })
        if (!arrived) throw new Error(`${d.name} stopped at ${stops.at(-1)?.coefficient} after ${stops.length} steps`)
        for (let i = 1; i < stops.length; i++)
          if (!(stops[i].value < stops[i - 1].value)) throw new Error(`${d.name} rose`)
        allClose(stops.at(-1)?.policy ?? [], logW.map(Math.exp), 1e-4, d.name)
      }
    }),
    { numRuns: 100 },
  ))

it("travels by plain gradient descent too, and total variation falls as far as its kinks let it", () => {
  const logW = Target.logGibbs([1, 0, 0.5], 0.5)
  expect(Projection.travel(Divergence.forwardKl, [0, 0, 0], logW, { rule: "plain", tolerance: 1e-8 }).arrived).toBe(
    true,
  )
  const { stops } = Projection.travel(Divergence.totalVariation, [0, 0, 0], logW, { maxSteps: 200 })
  expect(stops[stops.length - 1].value).toBeLessThan(0.2 * stops[0].value)
})

it("names the index, the value and the rule of bad input", () => {
  const d = Divergence.forwardKl
  const w = Target.logGibbs([1, 0], 1)
  expect(() => coefficients(d, [], w)).toThrow(/log-ratios is empty; a group needs at least one response/)
  expect(() => coefficients(d, [0, NaN], w)).toThrow(/log-ratios\[1\] is NaN; it must be finite/)
  expect(() => coefficients(d, [0, Infinity], w, new Float64Array(2))).toThrow(/log-ratios\[1\] is Infinity/)
  expect(() => coefficients(d, [0, 0, 0], w)).toThrow(/log target has length 2, expected 3/)
  expect(() => coefficients(d, [0, 0], w, new Float64Array(3))).toThrow(/out has length 3, expected 2/)
  expect(() => coefficients(d, [0, 0], [-1, -1])).toThrow(/sum of the target is 0\.7357.*must sum to 1/)
  expect(() => coefficients(d, [0, 0], [0.5, -1])).toThrow(/log target\[0\] is 0\.5; a log-probability is not positive/)
  expect(() => coefficients(d, [0, 0], [NaN, 0])).toThrow(/log target\[0\] is NaN/)
  expect(() => Sibling.tpo({ rewards: [1, 0], current: [0], old: [0, 0] })).toThrow(
    /log-probabilities has length 1, expected 2/,
  )
  expect(() => Sibling.gvpo({ rewards: [1, 0], s: [0, 0], beta: 0 })).toThrow(/beta is 0; it must be positive/)
  expect(() => SmallGroup.single({ reward: NaN, baseline: 0, tau: 1 })).toThrow(/reward is NaN; it must be finite/)
  expect(() => SmallGroup.pairLoss({ rewards: [1, 0], tau: -1 })).toThrow(/tau is -1; it must be positive/)
  expect(() => Projection.travel(d, [0, 0], w, { stepSize: 0 })).toThrow(/the step is 0/)
})
