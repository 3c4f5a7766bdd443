/**
 * The temperature tau of the target as a value: an object with a name and a function that computes tau for a group. Existing
 * methods differ in little else (section 3 of the paper):
 *
 *     Dr.GRPO, RLOO  fixed(1)        MaxRL         mean
 *     GRPO, DAPO     std()           REINFORCE++   batchStd
 *
 * tau is in units of reward. A group without one (zero std, a mean that is not positive, equal rewards) returns
 * "zero-signal" rather than a number that would blow up; the `ZeroVariance` of the target decides what happens to it.
 *
 * @module
 */
import * as Advantage from "./Advantage.ts"
import * as Budget from "./Budget.ts"
import { badValue, checkPositive, checkVector, SimplexError } from "./SimplexError.ts"
import { hasSignal } from "./Target.ts"

/** What a temperature may use besides the rewards. @category models */
export interface Context {
  /** s_t, [K], nats; omit it for a fresh group. */
  readonly anchor?: ArrayLike<number>
  /** The batch's `Advantage.batchStd`, units of reward. */
  readonly rewardStd?: number
}

/** @category models */
export interface Temperature {
  readonly name: string
  /** tau > 0 for a group with these rewards, or "zero-signal". Throws `SimplexError`. */
  readonly of: (rewards: ArrayLike<number>, context?: Context) => number | "zero-signal"
}

const positive = (tau: number): number | "zero-signal" => (tau > 0 ? tau : "zero-signal")

/**
 * The same tau for every group: 1 is Dr.GRPO's and RLOO's. Throws `SimplexError` unless it is positive and finite.
 *
 * {@includeCode ../examples/Temperature.ts#import,fixed}
 *
 * @category temperatures
 */
export const fixed = (tau: number): Temperature => {
  checkPositive("tau", tau)
  return { name: `${tau}`, of: () => tau }
}

/**
 * The group's standard deviation, as GRPO: the population's by default. Zero-signal when it is 0.
 *
 * {@includeCode ../examples/Temperature.ts#import,std}
 *
 * @category temperatures
 */
export const std = (kind: "population" | "sample" = "population"): Temperature => ({
  name: kind === "population" ? "std" : "sample-std",
  of: (rewards) => positive(rewards.length === 1 ? 0 : Advantage.std(rewards, kind)),
})

/**
 * The group's mean reward, as MaxRL: hard prompts get a sharp target. For rewards that are not negative; zero-signal when
 * the mean is 0 or below.
 *
 * {@includeCode ../examples/Temperature.ts#import,mean}
 *
 * @category temperatures
 */
export const mean: Temperature = { name: "mean", of: (rewards) => positive(Advantage.mean(rewards)) }

/**
 * The batch's standard deviation of centred rewards, as in REINFORCE++ with baseline; from the context. Zero-signal when it is
 * 0. Throws `SimplexError` when the context has none.
 *
 * {@includeCode ../examples/Temperature.ts#import,batchStd}
 *
 * @category temperatures
 */
export const batchStd: Temperature = {
  name: "batch-std",
  of: (_, context) => {
    const sigma = context?.rewardStd
    if (sigma === undefined) {
      throw new SimplexError(
        "batch-std needs the batch's rewardStd (Advantage.batchStd of all groups), which was not given",
      )
    }
    if (!(sigma >= 0 && sigma < Infinity))
      throw badValue("rewardStd", sigma, "a standard deviation is finite and not negative")
    return positive(sigma)
  },
}

/**
 * Another temperature plus `gamma` >= 0: maximising `sum w R - tau KL(w || P_t) + gamma H(w)` is the Gibbs target at
 * tau + gamma (C.7; for a fresh group, or with the anchor's part weighed by tau / (tau + gamma)).
 *
 * {@includeCode ../examples/Temperature.ts#import,plus}
 *
 * @category temperatures
 */
export const plus = (base: Temperature, gamma: number): Temperature => {
  if (!(gamma >= 0 && gamma < Infinity)) throw badValue("gamma", gamma, "an entropy bonus is finite and not negative")
  return {
    name: `${base.name} + ${gamma}`,
    of: (rewards, context) => {
      const tau = base.of(rewards, context)
      return tau === "zero-signal" ? tau : tau + gamma
    },
  }
}

/** What a solved temperature does if no tau gives the requested value. @category models */
export type Unreachable = "nearest" | "refuse"

const solved = (
  name: string,
  mark: string,
  unreachable: Unreachable,
  solve: (rewards: ArrayLike<number>, context?: Context) => Budget.Solution | null,
): Temperature => ({
  name,
  of: (rewards, context) => {
    if (!hasSignal(checkVector("rewards", rewards))) return "zero-signal"
    const solution = solve(rewards, context)
    if (solution === null) return "zero-signal"
    if (!solution.reached && unreachable === "refuse") {
      throw badValue(mark, solution.value, `no temperature gives this group the value of ${name}; this is the nearest`)
    }
    return Number.isFinite(solution.tau) ? solution.tau : "zero-signal"
  },
})

/**
 * The tau at which KL(w* || P_t) is `epsilon` nats: every group moves its target equally far. If the best responses
 * are so likely that no target is that far (epsilon >= -log P_t(best)), `nearest` (the default) puts all mass on them, and
 * `refuse` throws.
 *
 * {@includeCode ../examples/Temperature.ts#import,klBudget}
 *
 * @category temperatures
 */
export const klBudget = (epsilon: number, unreachable: Unreachable = "nearest"): Temperature => {
  checkPositive("epsilon", epsilon)
  return solved(`kl-budget(${epsilon})`, "the KL of the target", unreachable, (rewards, context) =>
    Budget.klBudget(rewards, epsilon, context?.anchor),
  )
}

/**
 * The smallest tau that keeps the target's effective sample size `1 / sum w*^2` at `n` responses. If more than n tie
 * for the best, `nearest` (the default) shares all mass among them; if the group does not have n effective responses at any
 * tau it is zero-signal; `refuse` throws in both cases.
 *
 * {@includeCode ../examples/Temperature.ts#import,essFloor}
 *
 * @category temperatures
 */
export const essFloor = (n: number, unreachable: Unreachable = "nearest"): Temperature => {
  if (!(n >= 1) || n === Infinity)
    throw badValue("the floor n", n, "an effective sample size is at least 1, and finite")
  return solved(`ess-floor(${n})`, "the effective sample size of the target", unreachable, (rewards, context) =>
    Budget.essFloor(rewards, n, context?.anchor),
  )
}
