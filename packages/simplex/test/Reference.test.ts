import { OffPolicy, PolicyGradient, Reference, SmallGroup } from "@lpo/simplex"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { close, finite, RUNS, vector } from "./support.ts"

const tokens = fc
  .integer({ min: 1, max: 5 })
  .chain((k) =>
    fc.tuple(
      ...Array.from({ length: k }, () =>
        fc.integer({ min: 1, max: 6 }).chain((t) => fc.tuple(vector(t, 3), vector(t, 3))),
      ),
    ),
  )

/** The estimators as their definitions write them. */
const definitions: Record<Reference.Estimator, (x: number) => number> = {
  k1: (x) => x,
  k2: (x) => x ** 2 / 2,
  k3: (x) => Math.exp(-x) - 1 + x,
}
const aggregations: Record<PolicyGradient.Aggregation, (rows: ReadonlyArray<ReadonlyArray<number>>) => number> = {
  "token-sum": (rows) => rows.flat().reduce((a, b) => a + b, 0) / rows.length,
  "sequence-mean": (rows) => rows.reduce((a, row) => a + row.reduce((x, y) => x + y, 0) / row.length, 0) / rows.length,
  "group-token-mean": (rows) => rows.flat().reduce((a, b) => a + b, 0) / rows.flat().length,
  "batch-token-mean": (rows) => rows.flat().reduce((a, b) => a + b, 0) / 3,
}
const batch = { rewardStd: 1, tokens: 30, groups: 10 }

describe.each(["k1", "k2", "k3"] as const)("%s", (estimator) => {
  it.each(Object.keys(aggregations) as ReadonlyArray<PolicyGradient.Aggregation>)(
    "its weights are minus the gradient of the aggregated penalty: %s",
    (aggregation) =>
      fc.assert(
        fc.property(tokens, fc.double({ min: 0, max: 2, noNaN: true }), (group, beta) => {
          const [current, reference] = [group.map(([c]) => [...c]), group.map(([, r]) => [...r])]
          const loss = (k: number, t: number, h: number) =>
            beta *
            aggregations[aggregation](
              current.map((row, i) =>
                row.map((v, j) => definitions[estimator](v + (i === k && j === t ? h : 0) - reference[i][j])),
              ),
            )
          const weights = Reference.weights({ estimator, beta, current, reference, aggregation, batch })
          for (const [k, row] of weights.entries())
            for (const [t, w] of row.entries())
              close(w, -(loss(k, t, 1e-4) - loss(k, t, -1e-4)) / 2e-4, 1e-5 * (1 + Math.abs(w)), `${k},${t}`)
        }),
        { numRuns: 200 },
      ),
  )

  it("is its definition, to full accuracy near 0", () => {
    fc.assert(
      fc.property(finite(5), (x) => {
        const v = definitions[estimator](x)
        close(Reference.estimate(estimator, x), v, 1e-14 * (1 + Math.exp(5)))
      }),
      RUNS,
    )
    close(Reference.estimate("k3", 1e-9), 5e-19, 1e-27)
  })
})

it("in expectation over the policy's own tokens k1 and k3 are the KL, k1's slope is nothing and k2's is the KL's gradient", () => {
  const p = [0.2, 0.5, 0.3]
  const q = [0.4, 0.4, 0.2]
  const kl = p.reduce((sum, v, i) => sum + v * Math.log(v / q[i]), 0)
  const mean = (f: (x: number, i: number) => number) => p.reduce((sum, v, i) => sum + v * f(Math.log(v / q[i]), i), 0)
  for (const estimator of ["k1", "k3"] as const)
    close(
      mean((x) => Reference.estimate(estimator, x)),
      kl,
      1e-15,
    )
  // d KL / d logit_j of a softmax policy: p_j (x_j - KL).
  for (const j of [0, 1, 2]) {
    const score = (i: number) => (i === j ? 1 : 0) - p[j]
    close(
      mean((x, i) => Reference.slope("k1", x) * score(i)),
      0,
      1e-15,
    )
    close(
      mean((x, i) => Reference.slope("k2", x) * score(i)),
      p[j] * (Math.log(p[j] / q[j]) - kl),
      1e-15,
    )
    // and k3's is that of KL(q || p): p_j - q_j.
    close(
      mean((x, i) => Reference.slope("k3", x) * score(i)),
      p[j] - q[j],
      1e-15,
    )
  }
})

it("in the reward, the estimates of a response's tokens are subtracted", () =>
  fc.assert(
    fc.property(tokens, fc.double({ min: 0, max: 2, noNaN: true }), (group, beta) => {
      const [behaviour, reference] = [group.map(([b]) => [...b]), group.map(([, r]) => [...r])]
      const given = group.map((_, k) => Math.sin(k))
      for (const estimator of ["k1", "k2", "k3"] as const) {
        const penalised = Reference.rewards({ rewards: given, beta, behaviour, reference, estimator })
        for (const [k, row] of behaviour.entries()) {
          const sum = row.reduce((total, v, t) => total + definitions[estimator](v - reference[k][t]), 0)
          close(penalised[k], given[k] - beta * sum, 1e-9 * (1 + beta * Math.abs(sum)))
          if (estimator === "k3") expect(penalised[k]).toBeLessThanOrEqual(given[k] + 1e-12)
        }
      }
      expect(Reference.rewards({ rewards: given, beta, behaviour, reference })).toEqual(
        Reference.rewards({ rewards: given, beta, behaviour, reference, estimator: "k1" }),
      )
    }),
    { numRuns: 100 },
  ))

it("refuses what is not a penalty, and ratios beyond float64", () => {
  const group = { current: [[-800]], reference: [[0]] }
  expect(() => Reference.weights({ ...group, estimator: "k3", beta: 1, aggregation: "token-sum" })).toThrow(
    /k3 weight of response 0\[0\] is .*use k2/,
  )
  expect(() => Reference.weights({ ...group, estimator: "k2", beta: -1, aggregation: "token-sum" })).toThrow(
    /beta is -1/,
  )
  expect(() => Reference.weights({ ...group, estimator: "k2", beta: 1, aggregation: "batch-token-mean" })).toThrow(
    /the KL term needs the batch/,
  )
  expect(() => Reference.rewards({ rewards: [1], beta: 1, behaviour: [[0, 0]], reference: [[0]] })).toThrow(
    /response 0 has 2 and 1/,
  )
})

it("a baseline is the mean at first and forgets later, and stays among the rewards it has seen", () =>
  fc.assert(
    fc.property(
      fc.array(finite(10), { minLength: 1, maxLength: 20 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (seen, decay) => {
        const run = (d: number) =>
          seen.reduce<SmallGroup.Baseline | undefined>((b, r) => SmallGroup.track(b, r, d), undefined)
        close(run(1)?.value ?? NaN, seen.reduce((a, b) => a + b, 0) / seen.length, 1e-12)
        close(run(0)?.value ?? NaN, seen[seen.length - 1], 1e-12)
        const { count, value } = run(decay) ?? { count: 0, value: NaN }
        expect(count).toBe(seen.length)
        if (!(value >= Math.min(...seen) - 1e-12 && value <= Math.max(...seen) + 1e-12)) throw new Error(`${value}`)
      },
    ),
    RUNS,
  ))

it("the coefficient of a lone response is the paper's, and a single update does not compare it with itself", () => {
  const before = SmallGroup.track(SmallGroup.track(undefined, 0), 1)
  expect(before).toEqual({ value: 0.5, count: 2 })
  close(SmallGroup.single({ reward: 1, baseline: before.value, tau: 0.5 }), 0.5 - 1 / (1 + Math.exp(-1)), 1e-15)
  expect(() => SmallGroup.track(before, 1, 2)).toThrow(/decay is 2/)
  expect(() => SmallGroup.track(before, NaN)).toThrow(/reward is NaN/)
})

it("clip and reduction of token weights are refused outside their range", () => {
  const group = [[-1, -2]]
  for (const clip of [0, 1, -0.1, NaN])
    expect(() => OffPolicy.perToken([1], group, group, { reduction: "sum", clip })).toThrow(/clip is .*between 0 and 1/)
  expect(() => OffPolicy.perToken([1, 2], group, group, { reduction: "sum", clip: null })).toThrow(
    /coefficients has length 2/,
  )
})
