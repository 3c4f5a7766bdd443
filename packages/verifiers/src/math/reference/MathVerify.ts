/**
 * Math-Verify 0.8.0 as verl calls it: the gold answer in a box, the response searched for LaTeX and for plain numbers. The first
 * candidate that parses counts, beside the text of the first candidate of all; any of the gold's readings may match any of the
 * response's.
 *
 * A re-implementation: the texts it finds, its clean-up and its comparisons follow the original, its algebra is this package's,
 * bounded by steps where the original is bounded by seconds.
 *
 * @module
 */
import * as SympyText from "./SympyText.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Syntax from "../read/Syntax.ts"
import { within } from "../algebra/Work.ts"
import { type Candidate, candidates, type Piece } from "./mathverify/Candidates.ts"
import * as Compare from "./mathverify/Compare.ts"
import { normalise } from "./mathverify/Normalise.ts"
import { parse } from "./mathverify/Parse.ts"
import { Unreadable } from "./mathverify/Tokens.ts"
import { scalar, type Value } from "./mathverify/Values.ts"

/** What it read: the first candidate that parsed, and the text of the first one whether it parsed or not. @category models */
export interface Reading {
  readonly value: Value | null
  readonly text: string | null
}

/** Steps for reading one candidate and for one comparison. */
const readingSteps = 200_000
const comparisonSteps = 3_000_000

const attempt = (text: string): Value | null => {
  try {
    return within(
      readingSteps,
      () => parse(text),
      () => null,
    )
  } catch (error) {
    if (error instanceof Unreadable) return null
    throw error
  }
}

/** What stands after the last equals sign of a chain of them. */
const lastSide = (text: string): string => {
  if (/[,;]/.test(text)) return text
  const sides = text.split(/(?<![\\<!>])=/)
  return sides.length > 2 ? (sides.at(-1) ?? text) : text
}

const percent = (v: Value): Value | null =>
  v.kind === "scalar" ? scalar(Syntax.product([v.e, Syntax.number(Rational.make(1n, 100n))])) : null

const readPiece = ({ boxed, percent: isPercent, text }: Piece): Reading => {
  const clean = normalise(text, boxed)
  const tail = lastSide(clean)
  const value = attempt(clean) ?? (tail === clean ? null : attempt(tail))
  return { value: value !== null && isPercent ? percent(value) : value, text: clean }
}

const read = (candidate: Candidate): Reading => {
  if (candidate.kind === "number") {
    const negative = candidate.digits.startsWith("-")
    const bare = negative ? candidate.digits.slice(1) : candidate.digits
    if (bare.length > 1000) return { value: null, text: candidate.digits }
    const number = Syntax.number(Rational.fromDecimal(bare), bare.includes(".") ? bare.length : null)
    const value = scalar(negative ? Syntax.negate(number) : number)
    return { value: candidate.percent ? percent(value) : value, text: candidate.digits }
  }
  if (candidate.kind === "arithmetic") {
    const e = SympyText.parse(candidate.text.replaceAll("\n", " ").replaceAll("^", "**"))
    return { value: e === null ? null : scalar(e), text: candidate.text }
  }
  const pieces = candidate.pieces.map(readPiece)
  const values = pieces.map((p) => p.value)
  if (pieces.length === 1 || values.includes(null)) return pieces[0]
  const items = values.flatMap((v) => (v === null ? [] : v.kind === "set" ? v.items : [v]))
  return { value: { kind: "set", items }, text: pieces.map((p) => p.text).join(" and ") }
}

/**
 * What the grader takes from a text; `numbers`: whether plain numbers and arithmetic count, as they do in responses and not in gold
 * answers.
 *
 * @category extraction
 */
export const extract = (text: string, numbers = true): Reading => {
  let first: string | null = null
  for (const group of candidates(text, numbers)) {
    for (const candidate of group) {
      const found = read(candidate)
      if (found.text !== null && found.text !== "") first ??= found.text
      if (found.value !== null) return { value: found.value, text: first }
    }
  }
  return { value: null, text: first }
}

const matches = (gold: Reading, pred: Reading): boolean => {
  const [a, b] = [gold.value, pred.value]
  if (a !== null && b !== null) {
    const same = within(
      comparisonSteps,
      () => Compare.equal(a, b),
      () => false,
    )
    if (same) return true
  }
  return gold.text !== null && pred.text !== null && gold.text.trim() !== "" && gold.text.trim() === pred.text.trim()
}

/** What the grader found and thinks of it. @category models */
export interface Result {
  readonly correct: boolean
  /** The clean text of the first candidate; null when there is none. */
  readonly extracted: string | null
}

/** @category grading */
export const grade = (response: string, gold: string): Result => {
  const found = extract(response)
  return { correct: matches(extract(`\\boxed{${gold}}`, false), found), extracted: found.text }
}
