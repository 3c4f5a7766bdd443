import { Advantage, Budget, Sibling, Target, Temperature } from "@lpo/simplex"
import fc from "fast-check"
import { expect, it } from "vitest"
import { allClose, RUNS, vector } from "./support.ts"

/** One real number, reached by several roads of floating-point arithmetic. */
const roads = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 8 }).chain((tenths) =>
  fc.array(fc.shuffledSubarray(tenths, { minLength: tenths.length }), { minLength: 2, maxLength: 8 }).map((orders) =>
    // A sum of tenths depends on its order, in the last places.
    Float64Array.from(orders, (order) => order.reduce((sum, n) => sum + n / 10, 0)),
  ),
)

it("rewards that differ by rounding are equal to everything that asks: no spread, no advantage, no temperature", () =>
  fc.assert(
    fc.property(roads, fc.constantFrom(1e-9, 1, 1e9), (sums, scale) => {
      const rewards = sums.map((v) => v * scale)
      const zeros = new Float64Array(rewards.length)
      expect(Target.hasSignal(rewards)).toBe(false)
      expect(Target.isSilent("drop", rewards)).toBe(true)
      expect(Advantage.std(rewards)).toBe(0)
      for (const advantages of [Advantage.grpo, Advantage.drGrpo, Advantage.maxRl, Advantage.rloo])
        allClose(advantages(rewards), zeros, 0)
      expect(Advantage.batchStd([rewards, rewards])).toBe(0)
      for (const tau of [
        Temperature.std(),
        Temperature.std("sample"),
        Temperature.klBudget(0.1),
        Temperature.essFloor(1),
      ])
        expect(tau.of(rewards)).toBe("zero-signal")
      expect(Budget.klBudget(rewards, 0.1)).toBeNull()
      allClose(Sibling.tpo({ rewards, current: zeros, old: zeros }), zeros, 0)
      allClose(Sibling.gvpo({ rewards, s: zeros }), zeros, 0)
      allClose(
        Target.resolve({ target: Target.gibbsTarget, rewards, tau: 1e-15, anchor: zeros }).map(Math.exp),
        zeros.map(() => 1 / rewards.length),
        1e-15,
      )
    }),
    RUNS,
  ))

it("a difference over 1e-12 of the largest reward is a signal, whatever the scale", () => {
  for (const scale of [1e-300, 1e-9, 1, 1e9, 1e300])
    for (const [rewards, signal] of [
      [[1, 1 + 1e-11], true],
      [[1, 1 + 1e-13], false],
      [[-1, -1 - 1e-11, -1], true],
      [[-1, 1], true],
      [[0, 1], true],
      [[0, 0], false],
      [[1], false],
    ] as const)
      expect(Target.hasSignal(rewards.map((v) => v * scale)), `${rewards.join()} times ${scale}`).toBe(signal)
  expect(Target.hasSignal([1e308, -1e308])).toBe(true)
})

it.each([[[NaN, 1]], [[1, NaN, 1]], [[Infinity, Infinity]], [[1, -Infinity]]])(
  "%j is never silent: whoever uses it refuses it",
  (rewards) => {
    expect(Target.hasSignal(rewards)).toBe(true)
    expect(() => Advantage.std(rewards)).toThrow(/rewards\[\d\] is -?(NaN|Infinity); it must be finite/)
  },
)

it("at tau = std the target does not change when rewards are scaled and shifted", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 16 }).chain((k) => fc.record({ rewards: vector(k, 5), anchor: vector(k, 5) })),
      fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      fc.double({ min: -100, max: 100, noNaN: true }),
      ({ anchor, rewards }, scale, shift) => {
        const moved = rewards.map((v) => scale * v + shift)
        const std = Advantage.std(rewards)
        // What is left of a spread that the shift has rounded away says nothing.
        fc.pre(std * scale > 1e-3 * (1 + Math.abs(shift)))
        for (const target of [Target.gibbsTarget, Target.chi2Target])
          allClose(
            target.of(moved, Number(Temperature.std().of(moved)), anchor).map(Math.exp),
            target.of(rewards, std, anchor).map(Math.exp),
            1e-9,
            target.name,
          )
      },
    ),
    RUNS,
  ))
