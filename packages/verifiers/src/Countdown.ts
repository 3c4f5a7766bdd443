/**
 * Countdown: reach the target with each given number used exactly once, by + - * / and parentheses.
 *
 * Strict by default: an own parser, exact rationals, no `**` or `//`. Reward 1 when right, `formatScore` when the
 * expression is well formed and uses exactly the given numbers, 0 otherwise. Three reference modes score as the graders of
 * the field do. A solver and a generator of solvable problems make the data.
 */
import type { Verdict } from "@lpo/rollout"
import { type Layer, Schema } from "effect"
import * as Expression from "./countdown/Expression.ts"
import { byValue as expressions, type Operator } from "./countdown/Expressions.ts"
import { split } from "./countdown/Generator.ts"
import * as Reference from "./countdown/Reference.ts"
import type { Task } from "./Tasks.ts"
import * as Verifier from "./Verifier.ts"

export { type Generated, problems, type Recipe, recipes, split } from "./countdown/Generator.ts"
export { solutions, solvable } from "./countdown/Solver.ts"

/** The ground truth of a Countdown problem. @category models */
export const Answer = Schema.Struct({
  nums: Schema.Array(Schema.Int).check(Schema.isMinLength(1)),
  target: Schema.Int,
})
/** @category models */
export type Answer = typeof Answer.Type

/** @category models */
export interface Options {
  /** Where the expression stands: in the last `<answer>` tag, or the whole text. Default `answer-tag`. */
  readonly extract?: "answer-tag" | "whole"
  /** Reward of a well-formed but wrong expression over the right numbers, in [0, 1). Default 0.1. */
  readonly formatScore?: number
}

const byValue = (a: number, b: number): number => a - b

/** Judges a response text. Pure, and linear in the length of the text. @category grading */
export const grade = (answer: Answer, text: string, options: Options = {}): Verdict.Verdict => {
  const { extract = "answer-tag", formatScore = 0.1 } = options
  const wrong = (reason: string, extra: Partial<Verdict.Verdict> = {}): Verdict.Verdict => ({
    status: "ok",
    score: 0,
    correct: false,
    format: false,
    reason,
    key: null,
    ...extra,
  })
  let extracted = text.trim()
  if (extract === "answer-tag") {
    const close = text.lastIndexOf("</answer>")
    const open = close < 0 ? -1 : text.lastIndexOf("<answer>", close)
    if (open < 0) return wrong("no <answer>...</answer> in the response")
    extracted = text.slice(open + "<answer>".length, close).trim()
  }
  const parsed = Expression.parse(extracted)
  if (typeof parsed === "string") return wrong(parsed, { extracted })
  const used = [...parsed.numbers].sort(byValue).join(" ")
  const given = [...answer.nums].sort(byValue).join(" ")
  if (used !== given) return wrong(`uses the numbers ${used}, not ${given}`, { extracted })
  const { num, den } = parsed.value
  const value = den === 1n ? `${num}` : `${num}/${den}`
  const correct = den === 1n && num === BigInt(answer.target)
  return {
    status: "ok",
    score: correct ? 1 : formatScore,
    correct,
    format: true,
    extracted,
    reason: correct ? `equals ${answer.target}` : `equals ${value}, not ${answer.target}`,
    key: value,
  }
}

/** The modes there are, without "reference:". @category grading */
export const references = ["tinyzero", "lab", "reasoning-gym"] as const

/**
 * The grader of a mode. Throws a `RangeError` for a reference that there is not.
 *
 * TinyZero scores prompt and response together. Its grader here puts `problem.prompt` before the response when that is a
 * text with an assistant marker; any other response is taken to follow one.
 *
 * @category grading
 */
export const grader = (
  mode: Verifier.Mode = "strict",
  options: Options = {},
): Verifier.Grader<Answer, Verdict.Verdict> => {
  const name = mode === "strict" ? "countdown" : `countdown, ${mode}`
  const make = (grade: Verifier.Grader<Answer, Verdict.Verdict>["grade"]) => ({ name, answer: Answer, grade })
  switch (mode) {
    case "strict":
      return make((answer, response) => grade(answer, response, options))
    case "reference:tinyzero":
      return make((answer, response, problem) => {
        const prompt = typeof problem?.prompt === "string" && /Assistant:|<\|im_start\|>assistant/.test(problem.prompt)
        return Reference.tinyzero(answer, prompt ? `${problem.prompt}${response}` : `Assistant:${response}`)
      })
    case "reference:lab":
      return make(Reference.lab)
    case "reference:reasoning-gym":
      return make(Reference.reasoningGym)
    default:
      throw new RangeError(`mode is "${mode}"; countdown has strict and reference: ${references.join(", ")}`)
  }
}

/** Rows and problems whose task is "countdown". @category grading */
export const task: Task = { name: "countdown", references, grader: (mode) => grader(mode) }

/** The strict Countdown verifier; an undecodable ground truth is a verdict of status `error`. @category layers */
export const layer = (options: Options = {}): Layer.Layer<Verifier.Verifier> =>
  Verifier.layer(grader("strict", options))

/**
 * Every problem of one side of the split: each multiset of `size` numbers in [1, max], with each target in [minTarget,
 * maxTarget] that `operators` reach, in a fixed order.
 *
 * @category generation
 */
export const enumerate = (options: {
  readonly size: number
  readonly max: number
  readonly minTarget: number
  readonly maxTarget: number
  readonly operators: ReadonlyArray<Operator>
  readonly heldOutShare: number
  readonly side: "train" | "held-out"
}): Array<Answer> => {
  const { heldOutShare, max, maxTarget, minTarget, operators, side, size } = options
  const out: Array<Answer> = []
  const visit = (nums: ReadonlyArray<number>): void => {
    if (nums.length < size) {
      for (let n = nums.at(-1) ?? 1; n <= max; n++) visit([...nums, n])
      return
    }
    if (split(nums, heldOutShare) !== side) return
    const targets = [...expressions(nums, operators).keys()].filter((v) => v >= minTarget && v <= maxTarget)
    for (const target of targets.sort(byValue)) out.push({ nums, target })
  }
  visit([])
  return out
}
