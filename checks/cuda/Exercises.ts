/** Countdown as material for demonstrations: the prompts as the program asks them, and every expression of the numbers. */
import { Countdown } from "@lpo/verifiers"
import type { Problem } from "@lpo/rollout"

/** One multiset of numbers. */
export interface Exercise {
  readonly nums: ReadonlyArray<number>
  /** By target, for every target in reach. */
  readonly prompts: Readonly<Record<string, Problem.Problem["prompt"]>>
  /** What an answer says, and the value of its expression. */
  readonly expressions: ReadonlyArray<readonly [string, number]>
}

/** The exercises of a space: none that is held out. */
export const make = (space: Countdown.Space): ReadonlyArray<Exercise> => {
  const sets = new Map<string, Array<Countdown.Generated>>()
  for (const problem of Countdown.enumerate({ ...space, side: "train" })) {
    const key = problem.nums.join(" ")
    sets.set(key, [...(sets.get(key) ?? []), problem])
  }
  return [...sets.values()].map((problems) => {
    const [{ nums }] = problems
    const values = Countdown.Expressions.byValue(nums, space.operators)
    return {
      nums,
      prompts: Object.fromEntries(
        problems.map((problem) => [String(problem.target), Countdown.ask(problem, { style: "text" })]),
      ),
      expressions: [...values].flatMap(([value, texts]) =>
        texts.map((text) => [` <answer>${text}${Countdown.answerEnd}`, value] as const),
      ),
    }
  })
}
