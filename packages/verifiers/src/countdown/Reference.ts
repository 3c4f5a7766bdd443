/**
 * The Countdown graders of the field, verdict for verdict: TinyZero's, that of the paper's lab, and reasoning-gym's. They
 * hand the response to Python, so `**`, `//` and comments count as arithmetic; `Countdown.grade` closes that.
 *
 * Where the reference never comes back (`9**9**9`), the verdict is `timeout`.
 *
 * @module
 */
import * as Verdict from "@lpo/rollout/Verdict"
import { Endless, evaluate, EvaluationError } from "./Python.ts"
import { algebra as python, distance } from "./PythonNumber.ts"
import { algebra as sympy, toDouble } from "./SympyNumber.ts"

interface Answer {
  readonly nums: ReadonlyArray<number | string>
  readonly target: number | string
}

const open = "<answer>"
const close = "</answer>"

/** Last of the leftmost-shortest `<answer>...</answer>`, on one line unless `multiline`; linear in the text. */
const lastTag = (text: string, multiline: boolean): string | null => {
  let found: string | null = null
  let end = -1
  let newline = -1
  for (let at = text.indexOf(open); at >= 0; at = text.indexOf(open, at)) {
    const from = at + open.length
    if (end < from) end = text.indexOf(close, from)
    if (end < 0) break
    if (!multiline && newline < from) {
      newline = text.indexOf("\n", from)
      if (newline < 0) newline = text.length
    }
    if (multiline || end < newline) {
      found = text.slice(from, end)
      at = end + close.length
    } else at = from
  }
  return found
}

/** White space to Python's `str.strip`, which keeps U+FEFF and drops the separators U+001C to U+001F and U+0085. */
const space = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]"
const leading = new RegExp(`^${space}+`)
const onlySpace = new RegExp(space)

/** Python's `str.strip`. @category text */
export const strip = (text: string): string => {
  let end = text.length
  while (end > 0 && onlySpace.test(text[end - 1])) end--
  return text.slice(0, end).replace(leading, "")
}

const sorted = (numbers: Iterable<string>): string =>
  [...numbers]
    .map((n) => n.replace(/^0+(?=[0-9])/, ""))
    .sort()
    .join(" ")

const endless = (name: string, error: Endless): Verdict.Verdict =>
  Verdict.unreached("timeout", `countdown, reference:${name}: Python would not finish: ${error.message}`)

const allowed = /^[0-9+\-*/().\s]+$/

/** Steps 2 to 5 that TinyZero and the lab share. */
const scored = (name: string, { nums, target }: Answer, text: string): Verdict.Verdict => {
  const tag = lastTag(text, false)
  if (tag === null)
    return Verdict.judged({ correct: false, format: false, reason: "no <answer>...</answer> on a line" })
  const extracted = strip(tag)
  const wrong = (reason: string, key: string | null = null) =>
    Verdict.judged({ correct: false, score: 0.1, format: true, extracted, reason, key })
  const used = sorted(extracted.match(/[0-9]+/g) ?? [])
  if (used !== sorted(nums.map(String))) return wrong(`its digits read as the numbers ${used || "(none)"}`)
  if (!allowed.test(extracted)) return wrong("a character that is not allowed")
  try {
    const value = evaluate(extracted, python)
    const key = typeof value === "object" ? `${value.re}+${value.im}j` : String(value)
    if (!(distance(value, Number(target)) < 1e-5)) return wrong(`equals ${key}, not ${target}`, key)
    return Verdict.judged({ correct: true, format: true, extracted, reason: `equals ${target}`, key: String(target) })
  } catch (error) {
    if (error instanceof Endless) return endless(name, error)
    if (error instanceof EvaluationError) return wrong(`Python cannot evaluate it: ${error.message}`)
    throw error
  }
}

/** The lab's score of a response: 0, 0.1 or 1. @category graders */
export const lab = (answer: Answer, response: string): Verdict.Verdict => scored("lab", answer, response)

/**
 * TinyZero's score of prompt and response together: 0 without an assistant marker, else what its last line earns.
 *
 * @category graders
 */
export const tinyzero = (answer: Answer, text: string): Verdict.Verdict => {
  const marker = ["Assistant:", "<|im_start|>assistant"].find((m) => text.includes(m))
  if (marker === undefined)
    return Verdict.judged({ correct: false, format: false, reason: "no assistant marker in prompt and response" })
  const after = text.slice(text.indexOf(marker) + marker.length)
  return scored("tinyzero", answer, after.slice(after.lastIndexOf("\n") + 1))
}

/** The reasoning-gym score of a response: 0.01, 0.05 or 1. @category graders */
export const reasoningGym = ({ nums, target }: Answer, response: string): Verdict.Verdict => {
  const tag = lastTag(response, true)
  const extracted = tag === null ? null : strip(tag)
  if (extracted === null || extracted === "")
    return Verdict.judged({ correct: false, score: 0.01, format: false, reason: "no answer in <answer>...</answer>" })
  const wrong = (score: number, reason: string, key: string | null = null) =>
    Verdict.judged({ correct: false, score, format: score > 0.01, extracted, reason, key })
  try {
    const value = toDouble(evaluate(extracted, sympy))
    const used = sorted(extracted.match(/(?<![\p{L}\p{N}_])[0-9]+(?![\p{L}\p{N}_])/gu) ?? [])
    if (used !== sorted(nums.map(String))) return wrong(0.05, `uses the numbers ${used || "(none)"}`)
    if (!(Math.abs(value - Number(target)) <= 1e-6 + 1e-5 * Math.abs(Number(target))))
      return wrong(0.05, `equals ${value}, not ${target}`, String(value))
    return Verdict.judged({ correct: true, format: true, extracted, reason: `equals ${target}`, key: String(target) })
  } catch (error) {
    if (error instanceof Endless) return endless("reasoning-gym", error)
    if (error instanceof EvaluationError) return wrong(0.01, `SymPy cannot evaluate it: ${error.message}`)
    throw error
  }
}
