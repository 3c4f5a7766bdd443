/**
 * Countdown problems in the manner of the data sets of the field: numbers drawn, a target drawn, the row kept when an
 * exhaustive search over all the numbers reaches it. Train and test are disjoint by construction, because the side of a
 * problem is a function of its multiset of numbers.
 */
import * as Seed from "@lpo/rollout/Seed"
import { solvable } from "./Solver.ts"

/** What is drawn. @category models */
export interface Recipe {
  /** How many numbers a problem has; one of these is drawn for each. From 2 to 6. */
  readonly sizes: ReadonlyArray<number>
  /** Range of the numbers, both ends included. */
  readonly nums: readonly [number, number]
  /** Range of the target, both ends included. */
  readonly target: readonly [number, number]
}

/** The recipes of the data sets, by name. @category recipes */
export const recipes = {
  /** Countdown-34: three or four numbers from 1..99, target 10..100. */
  "countdown-34": { sizes: [3, 4], nums: [1, 99], target: [10, 100] },
  /** Countdown-4: four numbers of the same ranges. */
  "countdown-4": { sizes: [4], nums: [1, 99], target: [10, 100] },
  /** Up to six numbers from 1..100, targets 100..999: the ranges of reasoning-gym, by search. */
  "countdown-6": { sizes: [4, 5, 6], nums: [1, 100], target: [100, 999] },
} as const satisfies Record<string, Recipe>

/** @category models */
export interface Generated {
  readonly nums: Array<number>
  readonly target: number
}

/** Which side of the split a multiset of numbers is on: a function of the multiset alone. @category splitting */
export const split = (nums: ReadonlyArray<number>, heldOutShare: number): "train" | "held-out" =>
  Seed.stream(`countdown/split/${[...nums].sort((a, b) => a - b).join(",")}`).uniform() < heldOutShare
    ? "held-out"
    : "train"

/**
 * `count` solvable problems of one side, no two with the same numbers and target; the same for the same `seed`, and a prefix of a
 * longer list is the shorter one. Numbers within 1..1000 and a target of at least 1; throws a `RangeError` for other
 * ranges, and when the ranges hold too few problems.
 *
 * @category generation
 */
export const problems = (options: {
  readonly recipe: keyof typeof recipes | Recipe
  readonly count: number
  readonly side: "train" | "held-out"
  readonly seed: string
  /** Share of the multisets that is held out, in [0, 1]. Default 0.1. */
  readonly heldOutShare?: number
}): Array<Generated> => {
  const { count, heldOutShare = 0.1, seed, side } = options
  const recipe: Recipe = typeof options.recipe === "string" ? recipes[options.recipe] : options.recipe
  const { nums: range, sizes, target: targets } = recipe
  const whole = [...sizes, ...range, ...targets].every(Number.isInteger)
  const ordered =
    1 <= range[0] && range[0] <= range[1] && range[1] <= 1000 && 1 <= targets[0] && targets[0] <= targets[1]
  if (!whole || !ordered || sizes.length === 0 || sizes.some((n) => n < 2 || n > 6))
    throw new RangeError(
      `recipe ${JSON.stringify(recipe)}: give sizes 2 to 6, numbers within 1..1000, targets from 1 on`,
    )
  const random = Seed.stream(seed)
  const seen = new Set<string>()
  const out: Array<Generated> = []
  for (let tries = 0; out.length < count; tries++) {
    if (tries > 1000 * (count + 100))
      throw new RangeError(`only ${out.length} of ${count} problems after ${tries} draws; widen the ranges`)
    const size = sizes[random.int(0, sizes.length - 1)]
    const nums = Array.from({ length: size }, () => random.int(range[0], range[1]))
    const target = random.int(targets[0], targets[1])
    if (split(nums, heldOutShare) !== side || !solvable(nums, target)) continue
    const key = `${[...nums].sort((a, b) => a - b).join(",")}=${target}`
    if (seen.has(key)) continue
    seen.add(key)
    out.push({ nums, target })
  }
  return out
}
