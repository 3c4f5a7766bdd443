/**
 * The grader of PRM800K and its family: DeepScaleR, rLLM, mathruler (geo3k of verl), Polaris, and the first half of PRIME's. Equal
 * Hendrycks forms pass, or equal normal forms, or element by element an equal value. Where it asks SymPy to simplify a
 * difference, this compares values (`Numeric`).
 *
 * Known defect, kept: LaTeX becomes plain text without grouping, so `\frac{1}{2}n+2` equals `\frac{1}{2n+2}`.
 *
 * @module
 */
import * as Extract from "../read/Extract.ts"
import * as Hendrycks from "./Hendrycks.ts"
import * as LatexText from "./LatexText.ts"
import * as Numeric from "./Numeric.ts"

/** The answer that is graded. @category extraction */
export const extract: Extract.Extractor = Extract.lastBox

/**
 * mathruler's drops a bare `%` in the Hendrycks form (`prm800k`), DeepScaleR's and Polaris's keeps it, as does PRIME's, which also keeps
 * spaces and braces in the normal form.
 *
 * @category models
 */
export type Variant = "prm800k" | "deepscaler" | "prime"

const units = "degree cm centimeter meter mile second minute hour day week month year foot feet inch yard"
  .split(" ")
  .map((unit) => new RegExp(`${unit}(?:es)?s? *(?:\\^[0-9]+)?`, "g"))
/** Cheap: does any unit occur at all? */
const someUnit = /degree|cm|meter|mile|second|minute|hour|day|week|month|year|foot|feet|inch|yard/
const liter = /liter(?:es)?s? *(?:\^[0-9]+)?/g

const float = /^\s*[+-]?(?:[0-9]+(?:_[0-9]+)*\.?(?:[0-9]+(?:_[0-9]+)*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*$/
const isWhole = (x: number): boolean => Number.isFinite(x) && Math.abs(x - Math.round(x)) <= 1e-7
const toNumber = (text: string): number => Number(text.replaceAll("_", ""))
/** Python writes an integer out in full where JavaScript would use an exponent. */
const whole = (x: number): string => (Math.abs(x) < 1e21 ? String(x) : String(BigInt(x)))

const withoutCommas = (text: string): string => {
  for (let out = text; ;) {
    const next = out.replaceAll(/([0-9]),([0-9]{3})(?=$|[^0-9])/g, "$1$2")
    if (next === out) return out
    out = next
  }
}

const isInteger = (text: string): boolean => {
  const bare = withoutCommas(text)
  return float.test(bare) && isWhole(toNumber(bare))
}

/** Answers longer than this are compared as strings: no answer of a data set is, and the work stays bounded. @category limits */
export const maxLength = 2000

/** The grader's normal form. @category normalisation */
export const normalise = (answer: string, variant: Variant = "prm800k"): string => {
  let s = /^\\text\{(.+?)\}$/.exec(answer)?.[1] ?? answer
  s = s
    .replaceAll("\\%", "%")
    .replaceAll("\\$", "$")
    .replaceAll(/[$%]/g, "")
    .replaceAll(" or ", " , ")
    .replaceAll(" and ", " , ")
    .replaceAll("million", "*10^6")
    .replaceAll("billion", "*10^9")
    .replaceAll("trillion", "*10^12")
  // One after the other: what a unit leaves behind may be another.
  if (someUnit.test(s)) for (const unit of units) s = s.replaceAll(unit, "")
  if (variant === "prime") s = s.replaceAll(liter, "")
  s = s.replaceAll(/\^ *\\circ/g, "")
  if (s.startsWith("{") && s.endsWith("}")) s = s.slice(1, -1)
  s = s.replaceAll(/,\\! */g, "")
  if (float.test(s) && isWhole(toNumber(s))) s = whole(Math.round(toNumber(s)))
  if (s.includes("\\")) s = LatexText.convert(s)
  s = s.replaceAll(/- */g, "-").replaceAll(/([0-9]) +([0-9])/g, "$1+$2")
  if (variant !== "prime") s = s.replaceAll(/[ {}]/g, "")
  s = s.toLowerCase()
  return isInteger(s) ? whole(Math.trunc(toNumber(s.replaceAll(",", "")))) : s
}

const isFraction = (text: string): boolean => /^-?[0-9]+.?\/0*[1-9][0-9]*.?$/.test(text)

const mayEvaluate = (a: string, b: string): boolean => {
  const text = `(${a})-(${b})`
  const letters = new Set(text.replaceAll(/sqrt|frac/g, "").match(/\p{L}/gu))
  return letters.size <= 2 && !/\^\{|\^\(|\^[0-9]+\^|\^[0-9]{2}/.test(text)
}

/** Without white space; a point after some is not part of a number. */
const joined = (text: string): string => text.replaceAll(/\s+\./g, "?").replaceAll(/\s/g, "")

const elements = (text: string): Array<string> => {
  const bare = withoutCommas(text)
  const inner = bare.slice(1, -1)
  return bare.length > 2 && /^[([\])].*[()[\]]$/s.test(bare) && !/[()[\]]/.test(inner)
    ? inner.split(",").map((e) => e.trim())
    : [bare]
}

/** Whether the grader calls `given` right. @category grading */
export const equal = (given: string, gold: string, variant: Variant = "prm800k"): boolean => {
  if (given.length > maxLength || gold.length > maxLength) return given.trim() === gold.trim()
  const percent = variant === "prm800k"
  if (Hendrycks.normalise(given, percent) === Hendrycks.normalise(gold, percent)) return true
  const [a, b] = [normalise(given, variant), normalise(gold, variant)]
  if (a === b) return true
  if (a === "") return false
  const [as, bs] = [elements(a), b === "" ? [] : elements(b)]
  if (bs.length > 1 && (a[0] !== b[0] || a.at(-1) !== b.at(-1))) return false
  if (as.length !== bs.length) return false
  return bs.every((y, i) => {
    const x = as[i]
    if (isFraction(x) && isFraction(y)) return x === y
    if (isInteger(x) !== isInteger(y)) return false
    if (!mayEvaluate(x, y)) return false
    return variant === "prime" ? Numeric.equal(joined(x), joined(y)) : Numeric.equal(x, y)
  })
}
