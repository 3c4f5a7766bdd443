/**
 * verl's `math_dapo`: Minerva's normal form of what follows the last `Answer:` in the last 300 characters. Without such a line, a
 * box in the last 100 characters counts when its content is the gold answer, character by character.
 *
 * @module
 */
import * as Extract from "../read/Extract.ts"

const substitutions: ReadonlyArray<readonly [string, string]> = [
  ["an ", ""],
  ["a ", ""],
  [".$", "$"],
  ["\\$", ""],
  ["\\ ", ""],
  [" ", ""],
  ["mbox", "text"],
  [",\\text{and}", ","],
  ["\\text{and}", ","],
  ["\\text{m}", "\\text{}"],
]
const removed = (
  "square ways integers dollars mph inches hours km units \\ldots sue points feet minutes digits cents degrees cm gm pounds " +
  "meters meals edges students childrentickets multiples \\text{s} \\text{.} \\text{\ns} \\text{}^2 \\text{}^3 \\text{\n} " +
  '\\text{} \\mathrm{th} ^\\circ ^{\\circ} \\; ,\\! {,} " \\dots'
).split(" ")

/** Changes every line by itself: no rule of the grader reaches over the end of one. */
const perLine = (text: string, change: (line: string) => string): string => text.split("\n").map(change).join("\n")

/** `\text{x}` to `x`; braces are not matched. */
const unwrap = (line: string, opening: string): string => {
  let out = ""
  let at = 0
  for (;;) {
    const start = line.indexOf(opening, at)
    const end = start < 0 ? -1 : line.indexOf("}", start + opening.length)
    if (end < 0) return out + line.slice(at)
    out += line.slice(at, start) + line.slice(start + opening.length, end)
    at = end + 1
  }
}

/** What stands between the first two `$` of a line. */
const inDollars = (line: string): string => {
  const from = line.indexOf("$")
  const to = from < 0 ? -1 : line.indexOf("$", from + 1)
  return to < 0 ? line : line.slice(from, to + 1)
}

/** `\boxed{x}` to `x`, up to the last brace of the line. */
const unbox = (line: string): string => {
  const start = line.indexOf("\\boxed{")
  const inside = start + "\\boxed{".length
  const end = line.lastIndexOf("}")
  return start < 0 || end < inside ? line : line.slice(0, start) + line.slice(inside, end) + line.slice(end + 1)
}

/** The normal form. @category normalisation */
export const normalise = (answer: string): string => {
  let s = answer.slice(answer.lastIndexOf("=") + 1)
  for (const [from, to] of substitutions) s = s.replaceAll(from, to)
  for (const word of removed) s = s.replaceAll(word, "")
  s = perLine(s, inDollars)
  for (const opening of ["\\text{", "\\textbf{", "\\overline{"]) s = perLine(s, (line) => unwrap(line, opening))
  s = perLine(s, unbox)
    .replaceAll(/frac([^{])([^\n])/gu, "frac{$1}{$2}")
    .replaceAll(/sqrt([^{])/gu, "sqrt{$1}")
    .replaceAll("$", "")
  const digits = s.replaceAll(",", "")
  if (/^\p{Nd}+$/u.test(digits)) s = digits
  return s.trim()
}

/** What the grader found and thinks of it. @category models */
export interface Result {
  readonly correct: boolean
  /** The normal form of what follows `Answer:`, or the content of a box; null when there is neither. */
  readonly extracted: string | null
}

/** @category grading */
export const grade = (response: string, gold: string): Result => {
  const end = Extract.lastCharacters(response, 300)
  const line = Extract.answerLine(end)
  const extracted = line === null ? "[INVALID]" : normalise(line)
  if (extracted !== "[INVALID]") return { correct: extracted === normalise(gold), extracted }
  const box = Extract.inLast(100, Extract.rawBox)(end)
  if (box !== null) return { correct: box === gold, extracted: box }
  return { correct: normalise(gold) === extracted, extracted: null }
}
