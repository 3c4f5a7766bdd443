/**
 * Polaris's grader: PRM800K's under conditions. In training `</think>` must occur and only what lies between the first and
 * the second one is looked at; evaluation takes the whole response. A box is required: what follows the last `\boxed` must be its
 * brace, so `\boxed {7}` is not an answer and hides every box before it. The gold answer may be a string, a number, a list of either, or
 * itself boxed.
 *
 * @module
 */
import * as Extract from "../read/Extract.ts"
import * as Prm800k from "./Prm800k.ts"

/** @category models */
export type Gold = string | number | ReadonlyArray<string | number>

/** What the grader found and thinks of it. @category models */
export interface Result {
  readonly correct: boolean
  readonly extracted: string | null
}

/** The content of the last `\boxed`; null when that is not followed by braces that close. */
const lastBox: Extract.Extractor = (text) => {
  const start = text.lastIndexOf("\\boxed")
  return start >= 0 && text[start + "\\boxed".length] === "{" ? Extract.rawBox(text) : null
}

/** What is graded of a response. */
const extractor = (thinking: boolean): Extract.Extractor =>
  thinking ? Extract.within(Extract.afterFirstThinking, lastBox) : lastBox

/** A gold that contains a box is what is in it; one whose box never closes is not a gold. */
const golds = (gold: Gold): ReadonlyArray<string> =>
  (Array.isArray(gold) ? (gold as ReadonlyArray<string | number>) : [gold as string | number]).flatMap((one) => {
    const text = String(one)
    if (!text.includes("\\boxed")) return [text]
    const content = lastBox(text)
    return content === null ? [] : [content]
  })

/** `thinking`: whether the rule about `</think>` holds, as it does in training. @category grading */
export const grade = (response: string, gold: Gold, thinking = true): Result => {
  const extracted = extractor(thinking)(response)
  if (extracted === null) return { correct: false, extracted }
  return { correct: golds(gold).some((one) => Prm800k.equal(extracted, one, "deepscaler")), extracted }
}
