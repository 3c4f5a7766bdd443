/**
 * Polaris's grader: PRM800K's under conditions. In training `</think>` must occur and only what lies between the first and
 * the second one is looked at; evaluation takes the whole response. A box is required; the gold answer may be a string, a number, a
 * list of either, or itself boxed.
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

/** The content of the last `\boxed{...}` of what `part` leaves. */
const extractor = (thinking: boolean): Extract.Extractor =>
  thinking ? Extract.within(Extract.afterFirstThinking, Extract.rawBox) : Extract.rawBox

/** A gold that contains a box is what is in it; one whose box never closes is no gold. */
const golds = (gold: Gold): ReadonlyArray<string> =>
  (Array.isArray(gold) ? (gold as ReadonlyArray<string | number>) : [gold as string | number]).flatMap((one) => {
    const text = String(one)
    if (!text.includes("\\boxed")) return [text]
    const content = Extract.rawBox(text)
    return content === null ? [] : [content]
  })

/** `thinking`: whether the rule about `</think>` holds, as it does in training. @category grading */
export const grade = (response: string, gold: Gold, thinking = true): Result => {
  const extracted = extractor(thinking)(response)
  if (extracted === null) return { correct: false, extracted }
  return { correct: golds(gold).some((one) => Prm800k.equal(extracted, one)), extracted }
}
