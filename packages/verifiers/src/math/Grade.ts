/**
 * Strict judgement of a response: its boxed answer against the accepted ones.
 *
 * @module
 */
import * as Verdict from "@lpo/rollout/Verdict"
import { Schema } from "effect"
import type * as Compare from "./compare/Compare.ts"
import { judge, type Judgement, understood as isUnderstood } from "./compare/Strict.ts"
import { extract } from "./read/Boxes.ts"

const One = Schema.Union([Schema.String, Schema.Finite])

/** The accepted answer, or several of which any will do; a JSON number is the number it says. @category models */
export const Answer = Schema.Union([One, Schema.Array(One).check(Schema.isMinLength(1))])
/** @category models */
export type Answer = typeof Answer.Type

/** How strict mode compares. @category models */
export type Options = Compare.Options

/**
 * A judgement as a verdict. What was not decided within the steps of a process of its own is not equal: an answer cannot mask itself
 * by being long. Within the few steps of {@link grade} it is a `timeout`, and asked again there.
 *
 * @category grading
 */
export const verdict = (extracted: string, { key, outcome, reason }: Judgement, last = false): Verdict.Verdict => {
  switch (outcome) {
    case "equal":
    case "different":
      return Verdict.judged({ correct: outcome === "equal", format: true, extracted, reason, key })
    case "unreadable":
      return Verdict.judged({ correct: false, format: true, extracted, reason: `unreadable: ${reason}`, key })
    case "undecided":
      return { ...Verdict.unreached("error", `math: ${reason}`), format: true, extracted, key }
    case "exhausted":
      if (last)
        return Verdict.judged({ correct: false, format: true, extracted, reason: `not decided: ${reason}`, key })
      return { ...Verdict.unreached("timeout", `math: ${reason}`), format: true, extracted, key }
  }
}

/** The accepted answers. @category models */
export const list = (answer: Answer): ReadonlyArray<string> =>
  (typeof answer === "string" || typeof answer === "number" ? [answer] : answer).map(String)

/** Whether every accepted answer is understood, as mathematics or as words, rather than compared as text. @category grading */
export const understood = (answer: Answer): boolean => list(answer).every(isUnderstood)

/**
 * Strict judgement of a response, here and now: bounded in steps, some 30 milliseconds at most. What needs more is a verdict of
 * status `timeout`.
 *
 * @category grading
 */
export const grade = (answer: Answer, response: string, options: Options = {}): Verdict.Verdict => {
  const found = extract(response)
  if ("missing" in found) return Verdict.judged({ correct: false, format: false, reason: found.missing })
  const plain = judge(list(answer), found.answer, options)
  // "\\boxed{35} percent" is 35 or 35 %.
  const percent = found.percent === true ? judge(list(answer), `${found.answer}\\%`, options) : plain
  return verdict(found.answer, percent.outcome === "equal" ? percent : plain)
}
