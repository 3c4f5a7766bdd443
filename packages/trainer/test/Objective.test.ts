import { Baseline } from "@lpo/simplex"
import { Lpo, PolicyGradient } from "@lpo/trainer"
import fc from "fast-check"
import { expect, it } from "vitest"

const group = fc.integer({ min: 2, max: 8 }).chain((k) =>
  fc.record({
    rewards: fc.array(fc.constantFrom(0, 0.1, 1), { minLength: k, maxLength: k }).map((r) => Float64Array.from(r)),
    logprobs: fc.array(fc.float32Array({ min: -8, max: 0, noNaN: true, minLength: 1, maxLength: 6 }), {
      minLength: k,
      maxLength: k,
    }),
  }),
)

it.each([
  ["std", Baseline.grpo({ clip: null })],
  [1, Baseline.drGrpo({ clip: null })],
  ["mean", Baseline.maxRl({ clip: null })],
] as const)(
  "on policy, LPO-rev with tau %s weighs every token as its paired baseline does, unclipped",
  (tau, method) => {
    fc.assert(
      fc.property(group, ({ rewards, logprobs }) => {
        const input = { rewards, behaviour: logprobs, anchor: logprobs, current: logprobs }
        const lpo = Lpo.make({ divergence: "reverse", tau }).evaluate(input)
        const baseline = PolicyGradient.make(method).evaluate(input)
        for (const [k, tokens] of lpo.weights.entries())
          for (const [t, w] of tokens.entries()) expect(w).toBeCloseTo(baseline.weights[k][t], 5)
      }),
      { numRuns: 1000 },
    )
  },
)

it("a group of equal rewards carries no signal", () => {
  const logprobs = [Float32Array.of(-1), Float32Array.of(-2)]
  const input = { rewards: Float64Array.of(0, 0), behaviour: logprobs, anchor: logprobs, current: logprobs }
  for (const tau of ["std", "mean", 1] as const)
    expect([...Lpo.make({ divergence: "forward", tau }).evaluate(input).coefficients]).toEqual([0, 0])
})

it("clipping silences only the tokens that moved too far in the direction of the advantage", () => {
  const behaviour = [Float32Array.of(-1, -1), Float32Array.of(-1, -1)]
  const current = [Float32Array.of(-0.5, -1), Float32Array.of(-2, -0.5)]
  const { weights } = PolicyGradient.make(Baseline.drGrpo()).evaluate({
    rewards: Float64Array.of(1, 0),
    behaviour,
    anchor: behaviour,
    current,
  })
  expect(weights[0][0]).toBe(0)
  expect(weights[0][1]).toBeCloseTo(0.25, 6)
  expect(weights[1][0]).toBe(0)
  expect(weights[1][1]).toBeCloseTo(-0.25 * Math.exp(0.5), 6)
})
