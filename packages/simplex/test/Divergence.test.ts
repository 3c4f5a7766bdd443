import { Divergence, Projection, SimplexError, Target } from "@lpo/simplex"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { checkAccuracy } from "./accuracy.ts"
import * as Reference from "./reference.ts"
import { allClose, close, divergences, EACH, group, RUNS, size, smooth, sum } from "./support.ts"

const number = (name: string, p: ReadonlyArray<number>, w: ReadonlyArray<number>): number => textbook64[name](p, w)

/** Textbook formulas in plain float64, for finite differences. */
const total = (k: number, f: (i: number) => number): number => {
  let sum = 0
  for (let i = 0; i < k; i++) sum += f(i)
  return sum
}
type F = (p: ReadonlyArray<number>, w: ReadonlyArray<number>) => number
const forward: F = (p, w) => total(p.length, (k) => w[k] * Math.log(w[k] / p[k]))
const reverse: F = (p, w) => forward(w, p)
const js =
  (a: number): F =>
  (p, w) => {
    const m = p.map((v, k) => a * w[k] + (1 - a) * v)
    return a * forward(m, w) + (1 - a) * forward(m, p)
  }
const power =
  (a: number): F =>
  (p, w) =>
    total(p.length, (k) => w[k] ** a * p[k] ** (1 - a))
const alpha =
  (a: number): F =>
  (p, w) =>
    (power(a)(p, w) - 1) / (a * (a - 1))
const textbook64: Record<string, F> = {
  "forward-kl": forward,
  "reverse-kl": reverse,
  jeffreys: (p, w) => forward(p, w) + reverse(p, w),
  "jensen-shannon": js(0.5),
  "jensen-shannon(0.1)": js(0.1),
  "pearson-chi2": (p, w) => total(p.length, (k) => (p[k] - w[k]) ** 2 / w[k]),
  "neyman-chi2": (p, w) => total(p.length, (k) => (p[k] - w[k]) ** 2 / p[k]),
  "alpha(0)": reverse,
  "alpha(1)": forward,
  "alpha(0.3)": alpha(0.3),
  "alpha(-0.5)": alpha(-0.5),
  "alpha(1.7)": alpha(1.7),
  hellinger2: (p, w) => total(p.length, (k) => (Math.sqrt(p[k]) - Math.sqrt(w[k])) ** 2) / 2,
  "renyi(0.5)": (p, w) => Math.log(power(0.5)(p, w)) / -0.5,
  "renyi(1)": forward,
  "renyi(2)": (p, w) => Math.log(power(2)(p, w)),
  brier: (p, w) => total(p.length, (k) => (p[k] - w[k]) ** 2) / 2,
  triangular: (p, w) => total(p.length, (k) => (p[k] - w[k]) ** 2 / (p[k] + w[k])),
  "0.75 forward-kl + 0.25 reverse-kl": (p, w) => 0.75 * forward(p, w) + 0.25 * reverse(p, w),
}
const softmax = (x: ReadonlyArray<number>): ReadonlyArray<number> => {
  const top = Math.max(...x)
  const e = x.map((v) => Math.exp(v - top))
  const z = e.reduce((a, b) => a + b, 0)
  return e.map((v) => v / z)
}
/** The sixth-order central difference: with steps of 0.01 in s, rounding and what is left out are some 1e-13 of the values' scale. */
const slope = (f: (x: number) => number, h: number): number =>
  (45 * (f(h) - f(-h)) - 9 * (f(2 * h) - f(-2 * h)) + (f(3 * h) - f(-3 * h))) / (60 * h)

describe.each(smooth.map((divergence) => [divergence.name, divergence] as const))("%s", (name, divergence) => {
  it("c is the derivative in s, and dD/dP along the simplex (central differences in float64, relative error 1e-6)", () =>
    fc.assert(
      fc.property(group(2, 2, 8), ({ rewards, s, tau }) => {
        const logW = Target.logGibbs(rewards, Math.max(tau, 2))
        const w = Array.from(logW, Math.exp)
        const c = Projection.coefficients(divergence, s, logW)
        const at = [...s]
        const slopes = at.map((_, k) =>
          slope((x) => number(name, softmax(at.map((v, j) => (j === k ? v + x : v))), w), 1e-2),
        )
        allClose(c, slopes, 1e-6 * size(c) + 1e-12, "c")
        const p = softmax(at)
        const g = divergence.gradient(Target.logListwise(s), logW)
        for (let k = 1; k < p.length; k++) {
          const h = 1e-3 * Math.min(p[k], p[0])
          const along = slope(
            (x) =>
              number(
                name,
                p.map((v, j) => (j === k ? v + x : j === 0 ? v - x : v)),
                w,
              ),
            h,
          )
          close(g[k] - g[0], along, 1e-6 * Math.max(size(g), 1e-3), `dD/dP ${k}`)
        }
      }),
      EACH,
    ))
})

describe.each(divergences.map((divergence) => [divergence.name, divergence] as const))("%s", (name, divergence) => {
  it("coefficients sum to zero, whatever the group", () =>
    fc.assert(
      fc.property(group(30), ({ rewards, s, anchor, tau }) => {
        const logW = Target.logGibbs(rewards, tau, anchor)
        const c = Projection.coefficients(divergence, s, logW)
        // Rounding of the logarithms, which go up to a few hundred nats, is all that may be left.
        close(sum(c), 0, 1e-13 * sum(c.map(Math.abs)) + 4e-15 * (1 + size(s) + size(logW)), "sum of c")
      }),
      EACH,
    ))

  it("is 0, with coefficients 0, where the policy is the target; positive elsewhere", () =>
    fc.assert(
      fc.property(group(), ({ rewards, s, anchor, tau }) => {
        const target = Target.logGibbs(rewards, tau, anchor)
        allClose(Projection.coefficients(divergence, target, target), new Float64Array(target.length), 1e-12, "c")
        close(Projection.value(divergence, target, target), 0, 1e-15)
        const value = Projection.value(divergence, s, target)
        if (!(value >= 0)) throw new Error(`value ${value}`)
      }),
      EACH,
    ))

  it("elementwise equal to 45-digit central differences", () => {
    if (name === "total-variation") return // its kinks are where a difference quotient means nothing; see the accuracy test
    Reference.digits(45)
    fc.assert(
      fc.property(group(8, 2, 4), ({ rewards, s, tau }) => {
        const logW = Target.logGibbs(rewards, Math.max(tau, 1))
        const w = Reference.gibbs(rewards, Math.max(tau, 1), new Float64Array(s.length))
        const exact = Reference.numbers(Reference.differences(Reference.textbooks[name], s, w))
        const c = Projection.coefficients(divergence, s, logW)
        for (const [k, v] of exact.entries()) close(c[k], v, 1e-10 * Math.abs(v) + 2e-15 * (1 + size(exact)), `c[${k}]`)
      }),
      { numRuns: 4 },
    )
  })

  it("never NaN: with P = 1e-300, and with a target of exactly 0, the right number or a refusal that names the response", () => {
    const logP = Target.logListwise([0, -690.8, -1])
    for (const logW of [
      Target.logListwise([0, -1, -690.8]),
      Float64Array.of(0, -Infinity, -Infinity),
      Float64Array.of(-Infinity, 0, -Infinity),
    ])
      for (const f of ["value", "gradient", "coefficients"] as const) {
        try {
          const result = divergence[f](logP, logW)
          for (const v of typeof result === "number" ? [result] : result)
            expect(v, `${name} ${f}`).toSatisfy(Number.isFinite)
        } catch (error) {
          expect(error).toBeInstanceOf(SimplexError.SimplexError)
          expect((error as Error).message).toMatch(/\[\d\] is|beyond float64/)
        }
      }
  })
})

it("values and coefficients agree with 45 decimal digits for K up to 64, from nearly equal to 20 nats apart", () =>
  checkAccuracy(1, [1e-4, 0.1, 1, 10]))

it("every textbook formula in float64 agrees with the one in 45 digits", () => {
  const p = softmax([0.3, -1, 2])
  const w = softmax([1, 0, -0.5])
  for (const [name, f] of Object.entries(textbook64))
    close(
      f(p, w),
      Reference.number(
        Reference.textbooks[name].value(Reference.softmax([0.3, -1, 2]), Reference.softmax([1, 0, -0.5])),
      ),
      1e-14,
      name,
    )
})

it("P = 1e-300 gives the right numbers", () => {
  const logP = Float64Array.of(0, Math.log(1e-300)) // P = (1 - 1e-300, 1e-300)
  const logW = Float64Array.of(Math.log(0.5), Math.log(0.5))
  const log = 300 * Math.LN10
  const at = (d: Divergence.Divergence) => [d.value(logP, logW), ...d.coefficients(logP, logW)]
  const near = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>) => {
    for (const [i, v] of expected.entries()) close(actual[i], v, 2e-13 * Math.abs(v), `${i}`)
  }
  near(at(Divergence.forwardKl), [0.5 * log - Math.LN2, 0.5, -0.5])
  near(at(Divergence.reverseKl), [Math.LN2, 1e-300 * log, -1e-300 * log])
  near(at(Divergence.neymanChi2), [0.25e300, 0.25e300, -0.25e300])
  near(at(Divergence.pearsonChi2), [1, 4e-300, -4e-300])
  near(at(Divergence.hellinger2), [1 - Math.sqrt(0.5), (Math.sqrt(0.5) * 1e-150) / 2, (-Math.sqrt(0.5) * 1e-150) / 2])
  near(at(Divergence.renyi(2)), [Math.log(0.25e300), 1, -1])
  near(at(Divergence.totalVariation), [0.5, 1e-300, -1e-300])
  near(at(Divergence.brier), [0.25, 1e-300, -1e-300])
})

it("a target of exactly 0 is a number where the divergence is finite, and refused where it is not", () => {
  const logP = Float64Array.of(Math.log(0.5), Math.log(0.5))
  const oneHot = Float64Array.of(0, -Infinity)
  const values: ReadonlyArray<readonly [Divergence.Divergence, number]> = [
    [Divergence.forwardKl, Math.LN2],
    [Divergence.neymanChi2, 1],
    [Divergence.hellinger2, 1 - Math.SQRT1_2],
    [Divergence.totalVariation, 0.5],
    [Divergence.brier, 0.25],
    [Divergence.jensenShannon(), 0.75 * Math.log(4 / 3)],
    [Divergence.renyi(2), Math.LN2],
    [Divergence.renyi(0.5), Math.LN2],
    [Divergence.alpha(0.3), (0.5 ** 0.7 - 1) / (0.3 * -0.7)],
  ]
  for (const [divergence, value] of values) close(divergence.value(logP, oneHot), value, 1e-14, divergence.name)
  for (const divergence of [Divergence.reverseKl, Divergence.jeffreys, Divergence.pearsonChi2, Divergence.alpha(-0.5)])
    for (const f of ["value", "coefficients"] as const)
      expect(() => divergence[f](logP, oneHot), divergence.name).toThrow(/\[1\] is .*log w is -Infinity there.*bounded/)
})

it("the alpha family holds its members and both KLs as limits", () =>
  fc.assert(
    fc.property(group(3), ({ s, rewards, tau }) => {
      const logW = Target.logGibbs(rewards, Math.max(1, tau))
      const value = (d: Divergence.Divergence) => Projection.value(d, s, logW)
      const same = (a: number, b: number) => close(a, b, 1e-12 * Math.max(b, 1e-3))
      same(2 * value(Divergence.alpha(2)), value(Divergence.neymanChi2))
      same(2 * value(Divergence.alpha(-1)), value(Divergence.pearsonChi2))
      same(value(Divergence.alpha(0.5)), 4 * value(Divergence.hellinger2))
      expect(value(Divergence.alpha(1))).toBe(value(Divergence.forwardKl))
      expect(value(Divergence.alpha(0))).toBe(value(Divergence.reverseKl))
      for (const [a, limit] of [
        [1 - 1e-7, Divergence.forwardKl],
        [1e-7, Divergence.reverseKl],
      ] as const)
        close(value(Divergence.alpha(a)), value(limit), 1e-4 * value(limit) + 1e-9)
    }),
    RUNS,
  ))

it("a generator gives the divergence it generates", () =>
  fc.assert(
    fc.property(group(5), ({ s, rewards, tau }) => {
      const logW = Target.logGibbs(rewards, Math.max(1, tau))
      const own = Divergence.fromGenerator({
        name: "own",
        f: (t) => t * Math.log(t) + 3 * t - 1,
        df: (t) => Math.log(t) + 4,
      })
      allClose(Projection.coefficients(own, s, logW), Projection.coefficients(Divergence.forwardKl, s, logW), 1e-12)
      close(
        Projection.value(own, s, logW),
        Projection.value(Divergence.forwardKl, s, logW),
        1e-12 * (1 + Projection.value(own, s, logW)),
      )
    }),
    RUNS,
  ))

it("writes into a buffer, which may be the input, the same numbers", () =>
  fc.assert(
    fc.property(group(), ({ s, rewards, tau }) => {
      const logP = Target.logListwise(s)
      const logW = Target.logGibbs(rewards, tau)
      for (const divergence of divergences) {
        const fresh = divergence.coefficients(logP, logW)
        const own = Float64Array.from(logP)
        expect(divergence.coefficients(own, logW, own)).toBe(own)
        if (fresh.some((v, k) => v !== own[k])) throw new Error(divergence.name)
        expect(Projection.coefficients(divergence, s, logW, own)).toBe(own)
        if (fresh.some((v, k) => v !== own[k])) throw new Error(divergence.name)
      }
    }),
    { numRuns: 100 },
  ))

it("refuses parameters outside their range", () => {
  expect(() => Divergence.alpha(NaN)).toThrow(/alpha is NaN; it must be finite/)
  expect(() => Divergence.renyi(0)).toThrow(/order of Rényi's divergence is 0; it must be positive/)
  expect(() => Divergence.jensenShannon(1)).toThrow(/skew of Jensen-Shannon is 1; it must be between 0 and 1/)
  expect(() => Divergence.blend(Divergence.forwardKl, Divergence.reverseKl, 1.5)).toThrow(/weight of a blend is 1.5/)
  expect(() => Divergence.fromGenerator({ name: "bad", f: () => NaN, df: () => 0 })).toThrow(/f\(1\) of bad is NaN/)
})
