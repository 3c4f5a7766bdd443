/**
 * Geometry3k (hiyouga/geometry3k): a problem in text and images, an answer in `\boxed{}` after a `<think>` block. Answers are
 * integers, decimals, surds, fractions and multiples of pi.
 *
 * | mode | answer taken from | compared by | score |
 * | --- | --- | --- | --- |
 * | `strict` | the last box after the thinking | value; units, degrees and a leading `x =` dropped | 1 or 0 |
 * | `reference:mathruler` | the last box | mathruler | 1 or 0 |
 * | `reference:verl` | the last box | mathruler | 0.9 accuracy + 0.1 format |
 * | `reference:lab` | the last box | mathruler | 1 when right, else 0.1 format |
 */
import { type Problem, Verdict } from "@lpo/rollout"
import { Result, Schema } from "effect"
import * as Extract from "./math/read/Extract.ts"
import * as Hendrycks from "./math/reference/Hendrycks.ts"
import * as Prm800k from "./math/reference/Prm800k.ts"
import * as Numeric from "./math/reference/Numeric.ts"
import type { Task } from "./Tasks.ts"
import type { Grader, Mode } from "./Verifier.ts"

/** The gold answer, or several of which any will do. @category models */
export const Answer = Schema.Union([Schema.String, Schema.Array(Schema.String).check(Schema.isMinLength(1))])
/** @category models */
export type Answer = typeof Answer.Type

const Bytes = Schema.Union([Schema.Uint8Array, Schema.Uint8ArrayFromBase64])

/**
 * A row of the data set: `problem` holds one `<image>` placeholder per image; an image is its bytes (base64 in JSON), alone or
 * as `{ bytes }` as parquet readers give it.
 *
 * @category models
 */
export const Row = Schema.Struct({
  images: Schema.Array(Schema.Union([Bytes, Schema.Struct({ bytes: Bytes })])),
  problem: Schema.NonEmptyString,
  answer: Schema.NonEmptyString,
})
/** @category models */
export type Row = typeof Row.Type

/** What is asked of the policy after the problem. @category prompts */
export const instruction = "Reason step by step inside <think> </think> tags, then give the final answer in \\boxed{}."

const formatOf = (bytes: Uint8Array): "png" | "jpeg" | null => {
  if (bytes[0] === 0x89 && bytes[1] === 0x50 && bytes[2] === 0x4e && bytes[3] === 0x47) return "png"
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff ? "jpeg" : null
}

/**
 * The problem of a row: text and image parts in the order of the placeholders, then the instruction. A row whose images and
 * placeholders do not agree, or whose image is neither PNG nor JPEG, gives the reason instead.
 *
 * @category prompts
 */
export const problem = (id: string, row: Row): Result.Result<Problem.Problem, string> => {
  const texts = row.problem.split("<image>")
  if (texts.length - 1 !== row.images.length)
    return Result.fail(`row ${id} has ${texts.length - 1} <image> placeholders and ${row.images.length} images`)
  const parts: Array<Problem.Part> = []
  const say = (text: string): void => {
    if (text.trim() !== "") parts.push({ type: "text", text: text.trim() })
  }
  say(texts[0])
  for (const [i, image] of row.images.entries()) {
    const data = image instanceof Uint8Array ? image : image.bytes
    const format = formatOf(data)
    if (format === null) return Result.fail(`image ${i} of row ${id} is neither PNG nor JPEG`)
    parts.push({ type: "image", format, data })
    say(texts[i + 1])
  }
  say(instruction)
  const prompt = [{ role: "user" as const, content: parts }]
  return Result.succeed({ id, task: "geometry3k", prompt, answer: row.answer })
}

/** Whether the whole response is a think block, then a box: `<think>` any `</think>` any `\boxed{` any `}` any. @category format */
export const isFormatted = (response: string): boolean => {
  if (!response.startsWith("<think>")) return false
  const think = response.indexOf("</think>", "<think>".length)
  const box = think < 0 ? -1 : response.indexOf("\\boxed{", think + "</think>".length)
  return box >= 0 && response.includes("}", box + "\\boxed{".length)
}

const unitWords =
  /(?:\\?\s|~)*(?:\\(?:text|mathrm)\{\s*)?(?:square |sq\.? |cubic )?(?:units?|degrees?|deg|cm|mm|km|m|in|ft|yd|mi|centimeters?|centimetres?|millimeters?|millimetres?|kilometers?|kilometres?|meters?|metres?|inch(?:es)?|foot|feet|yards?|miles?)\.?\}?(?:\s*\^\s*\{?[23]\}?)?$/i

/** Without `x =`, units and degree signs, as plain text. */
const value = (answer: string): string => {
  const sides = answer.replace(/^\$(.*)\$$/s, "$1").split("=")
  const bare = (sides.length === 2 && /^\s*(?:m?\\angle\s*)?[a-zA-Z]{1,3}\s*$/.test(sides[0]) ? sides[1] : answer)
    .trim()
    .replace(/(?:\^\s*\{?\s*\\circ\s*\}?|°)$/, "")
    .trim()
  const number = bare.replace(unitWords, "")
  return grouped(/[0-9})]$|\\pi$/.test(number) ? number : bare)
}

/** LaTeX to an expression that keeps the grouping of `\frac`; what it does not know stays and is then no number. */
const grouped = (latex: string): string => {
  let s = latex
    .replaceAll("{,}", ",")
    .replaceAll(/\\(?:left|right|displaystyle|,|;|!|:)|\\ |\$|~/g, " ")
    .replaceAll(/\\[td]frac/g, "\\frac")
  s = s.replaceAll(/([0-9])\s*,\s*([0-9]{3})(?![0-9])/g, "$1$2").replaceAll(/\\(?:cdot|times)/g, "*")
  s = s
    .replaceAll(/\\frac\s*([0-9])\s*([0-9])(?!\s*\{)/g, "\\frac{$1}{$2}")
    .replaceAll(/\\sqrt\s*([0-9a-z])/g, "\\sqrt{$1}")
  s = s.replaceAll("\\pi", " pi ").replaceAll(/(^|[^0-9.])0+(?=[0-9])/g, "$1")
  for (let before = ""; before !== s;) {
    before = s
    // A mixed number is a sum; the rest is grouped as it is written.
    s = s.replace(/([0-9])\s*\\frac\s*\{\s*([0-9]+)\s*\}\s*\{\s*([0-9]+)\s*\}/, "$1+($2)/($3)")
    s = s.replace(/\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/, "(($1)/($2))").replace(/\\sqrt\s*\{([^{}]*)\}/, "sqrt($1)")
  }
  const mixed = /^\s*(-?)\s*([0-9]+)(?:\s*\+\s*|\s+)\(?([0-9]+)\)?\s*\/\s*\(?([0-9]+)\)?\s*$/.exec(s)
  if (mixed !== null) return `${mixed[1]}(${mixed[2]}+${mixed[3]}/${mixed[4]})`
  // Two numbers side by side are no product.
  return /[0-9.]\s+[0-9.]/.test(s) ? "?" : s.replaceAll(/[\s]/g, "").replaceAll("{", "(").replaceAll("}", ")")
}

/** Longest answer compared; the golds have under 40 characters. */
const maxLength = 300

/** Strict equality: the same value, or the same text. @category grading */
export const equal = (given: string, gold: string): boolean => {
  if (given.length > maxLength || given.trim() === "") return false
  // The normal form drops spaces: it would read 4 8 as 48.
  const spelled = !/[0-9]\s+[0-9]/.test(given) && Hendrycks.normalise(given) === Hendrycks.normalise(gold)
  return spelled || Numeric.equal(value(given), value(gold))
}

const strict = (answers: ReadonlyArray<string>, response: string): Verdict.Verdict => {
  const format = isFormatted(response.trimStart())
  const thought = response.lastIndexOf("</think>")
  if (thought < 0 && response.includes("<think>"))
    return Verdict.judged({ correct: false, format, reason: "the thinking never ends: no answer outside of it" })
  const extracted = Extract.lastBox(response.slice(thought < 0 ? 0 : thought + "</think>".length))
  if (extracted === null)
    return Verdict.judged({ correct: false, format, reason: "no \\boxed{...} after the thinking" })
  const correct = answers.some((gold) => equal(extracted, gold))
  const reason = correct ? `equals ${answers[0]}` : `is not ${answers.join(" or ")}`
  return Verdict.judged({ correct, format, extracted, reason, key: value(extracted) })
}

const reference = (scoring: string, answers: ReadonlyArray<string>, response: string): Verdict.Verdict => {
  // mathruler stands in the word "None" for a missing box.
  const extracted = Extract.lastBox(response) ?? "None"
  const correct = answers.some((gold) => Prm800k.equal(extracted, gold))
  const format = isFormatted(response)
  const [accuracy, form] = [correct ? 1 : 0, format ? 1 : 0]
  const score = scoring === "verl" ? 0.9 * accuracy + 0.1 * form : scoring === "lab" ? accuracy || 0.1 * form : accuracy
  const reason = correct ? `equals ${answers[0]}` : `is not ${answers.join(" or ")}`
  return Verdict.judged({ correct, score, format, extracted, reason, key: Prm800k.normalise(extracted) })
}

/** The modes there are, without "reference:". @category grading */
export const references = ["mathruler", "verl", "lab"] as const

/** The grader of a mode. Throws a `RangeError` for a reference that there is not. @category grading */
export const grader = (mode: Mode = "strict"): Grader<Answer, Verdict.Verdict> => {
  const scoring = mode === "strict" ? null : mode.slice("reference:".length)
  if (scoring !== null && !(references as ReadonlyArray<string>).includes(scoring))
    throw new RangeError(`mode is "${mode}"; geometry3k has strict and reference: ${references.join(", ")}`)
  return {
    name: scoring === null ? "geometry3k" : `geometry3k, ${mode}`,
    answer: Answer,
    grade: (answer, response) => {
      const answers = typeof answer === "string" ? [answer] : answer
      return scoring === null ? strict(answers, response) : reference(scoring, answers, response)
    },
  }
}

/** Rows and problems whose task is "geometry3k". @category grading */
export const task: Task = { name: "geometry3k", references, grader }
