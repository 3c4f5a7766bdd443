import { Advantage, Budget, Diagnostics, Target, Temperature } from "@lpo/simplex"
import fc from "fast-check"
import { expect, it } from "vitest"
import { close, group, rewards as anyRewards, RUNS, sum, vector } from "./support.ts"

it("reads tau off a group: the method's own statistic, or no signal", () => {
  const R = [1, 0, 0, 0]
  expect(Temperature.fixed(0.5).of(R)).toBe(0.5)
  close(Number(Temperature.std().of(R)), 0.4330127018922193, 1e-15)
  close(Number(Temperature.std("sample").of(R)), 0.5, 1e-15)
  expect(Temperature.mean.of(R)).toBe(0.25)
  expect(Temperature.batchStd.of(R, { rewardStd: 0.3 })).toBe(0.3)
  expect(Temperature.plus(Temperature.mean, 0.5).of(R)).toBe(0.75)
  for (const t of [
    Temperature.std(),
    Temperature.mean,
    Temperature.klBudget(1),
    Temperature.essFloor(1),
    Temperature.plus(Temperature.mean, 1),
  ])
    expect(t.of([0, 0]), t.name).toBe("zero-signal")
  expect(Temperature.mean.of([-1, 0])).toBe("zero-signal")
  expect(Temperature.batchStd.of(R, { rewardStd: 0 })).toBe("zero-signal")
  expect(Temperature.std("sample").of([1])).toBe("zero-signal")
})

it("C.7: the target at tau + gamma is the best with an entropy bonus gamma", () =>
  fc.assert(
    fc.property(group(5), fc.double({ min: 0, max: 5, noNaN: true }), ({ rewards, s, tau }, gamma) => {
      const uniform = Target.logListwise(new Float64Array(s.length))
      const worth = (logQ: Float64Array) =>
        sum(logQ.map((v, k) => Math.exp(v) * rewards[k])) -
        tau * Diagnostics.kl(logQ, uniform) +
        gamma * Diagnostics.entropy(logQ.map(Math.exp))
      const best = worth(Target.logGibbs(rewards, Number(Temperature.plus(Temperature.fixed(tau), gamma).of(rewards))))
      if (!(best >= worth(Target.logListwise(s)) - 1e-9)) throw new Error("beaten")
    }),
    RUNS,
  ))

/** KL and effective sample size of the target by their definitions, apart from the solvers' own formulas. */
const klOf = (rewards: Float64Array, tau: number, anchor: Float64Array) =>
  Diagnostics.kl(Target.logGibbs(rewards, tau, anchor), Target.logListwise(anchor))
const essOf = (rewards: Float64Array, tau: number, anchor: Float64Array) =>
  Diagnostics.ess(Target.gibbs(rewards, tau, anchor))

const solvable = fc.integer({ min: 2, max: 24 }).chain((k) =>
  fc.record({
    rewards: anyRewards(k),
    anchor: fc.oneof(fc.constant(new Float64Array(k)), vector(k, 1), vector(k, 30)),
  }),
)

it("klBudget: the target's KL is epsilon within 1e-9, or the most there is where epsilon cannot be reached", () =>
  fc.assert(
    fc.property(solvable, fc.double({ min: -14, max: 3, noNaN: true }), ({ rewards, anchor }, log) => {
      const epsilon = Math.exp(2 * log)
      const solution = Budget.klBudget(rewards, epsilon, anchor)
      if (solution === null) {
        expect(Target.hasSignal(rewards)).toBe(false)
        return
      }
      const best = rewards.reduce((a, b) => Math.max(a, b))
      const most = -Math.log(sum(Target.listwise(anchor).filter((_, k) => rewards[k] === best)))
      if (solution.reached !== epsilon < most && Math.abs(epsilon - most) > 1e-9)
        throw new Error(`reached ${solution.reached}, most ${most}`)
      close(klOf(rewards, solution.tau, anchor), Math.min(epsilon, most), 1e-9, "KL")
      close(solution.value, Math.min(epsilon, most), 1e-9, "value")
      // Small budgets are met relatively too.
      if (solution.reached) close(solution.value, epsilon, 1e-9 * Math.max(epsilon, 1e-12))
    }),
    RUNS,
  ))

it("essFloor: the effective sample size is n within 1e-9 and no smaller tau has as much, or the reason why not", () =>
  fc.assert(
    fc.property(solvable, fc.double({ min: 0, max: 1.1, noNaN: true }), ({ rewards, anchor }, share) => {
      const n = 1 + share * (rewards.length - 1)
      const solution = Budget.essFloor(rewards, n, anchor)
      if (solution === null) {
        expect(Target.hasSignal(rewards)).toBe(false)
        return
      }
      const { reached, tau, value } = solution
      const ess = tau === Infinity ? Diagnostics.ess(Target.listwise(anchor)) : essOf(rewards, tau, anchor)
      close(ess, value, 1e-9, "value")
      if (reached) close(ess, n, 1e-9, "effective sample size")
      // By brute force over temperatures: below tau none is at n, and where none was found none is.
      for (let i = 1; i <= 40; i++) {
        const other = tau === Infinity ? 10 ** (12 - i / 2) : tau * 0.8 ** i
        const there = essOf(rewards, other, anchor)
        if (tau === Infinity || reached ? there > n + 1e-7 : there < n - 1e-7)
          throw new Error(`${there} at ${other}, tau ${tau}`)
      }
    }),
    RUNS,
  ))

it("the limits of what can be asked", () => {
  // Two of four tie for the best: KL goes up to log 2, the effective sample size down to 2.
  const R = [1, 1, 0, 0]
  expect(Budget.klBudget(R, 0.7)?.reached).toBe(false)
  close(Budget.klBudget(R, 0.7)?.value ?? 0, Math.LN2, 1e-12)
  close(Budget.klBudget(R, 0.69)?.value ?? 0, 0.69, 1e-12)
  expect(Budget.essFloor(R, 1.5)).toMatchObject({ reached: false })
  close(Budget.essFloor(R, 1.5)?.value ?? 0, 2, 1e-12)
  close(Budget.essFloor(R, 3)?.value ?? 0, 3, 1e-12)
  expect(Budget.essFloor(R, 5)).toEqual({ tau: Infinity, value: 4, reached: false })
  expect(Temperature.essFloor(5).of(R)).toBe("zero-signal")
  expect(() => Temperature.klBudget(0.7, "refuse").of(R)).toThrow(/KL of the target is 0\.69.*nearest/)
  expect(() => Temperature.essFloor(5, "refuse").of(R)).toThrow(/effective sample size of the target is 4/)
  // A stale group whose anchor is nearly one-hot on a bad response: balance in the middle, collapse at both ends.
  const anchor = [0, 5]
  const { reached, tau } = Budget.essFloor([1, 0], 1.9, anchor) ?? { reached: false, tau: 0 }
  expect(reached).toBe(true)
  close(essOf(Float64Array.of(1, 0), tau, Float64Array.from(anchor)), 1.9, 1e-9)
  expect(essOf(Float64Array.of(1, 0), tau * 0.99, Float64Array.from(anchor))).toBeLessThan(1.9)
})

it("names the value and the rule of bad input", () => {
  expect(() => Temperature.fixed(0)).toThrow(/tau is 0; it must be positive and finite/)
  expect(() => Temperature.plus(Temperature.mean, -1)).toThrow(/gamma is -1/)
  expect(() => Temperature.batchStd.of([1, 0])).toThrow(/batch-std needs the batch's rewardStd/)
  expect(() => Temperature.batchStd.of([1, 0], { rewardStd: NaN })).toThrow(/rewardStd is NaN/)
  expect(() => Temperature.klBudget(0)).toThrow(/epsilon is 0/)
  expect(() => Temperature.essFloor(0.5)).toThrow(/floor n is 0.5; an effective sample size is at least 1/)
  expect(() => Budget.klBudget([1, NaN], 1)).toThrow(/rewards\[1\] is NaN/)
  expect(() => Budget.klBudget([1e308, -1e308], 1)).toThrow(/range from -1e\+308 to 1e\+308, beyond float64/)
  expect(() => Advantage.batchStd([[1], [NaN]])).toThrow(/rewards\[0\] is NaN/)
})
