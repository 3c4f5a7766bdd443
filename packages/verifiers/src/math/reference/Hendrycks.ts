/**
 * The MATH grader of Hendrycks et al. (2021), which verl calls `math_reward`: a string normal form by which two spellings of
 * an answer become one string, then string equality. mathruler, PRM800K and PRIME start from the same form.
 *
 * @module
 */
import * as Extract from "../read/Extract.ts"

/** The form is not defined for this text: an exception in the grader. */
class Unfit extends Error {}

/** `\sqrt3` to `\sqrt{3}`. */
const braceRoots = (text: string): string => {
  const [first, ...rest] = text.split("\\sqrt")
  return (
    first +
    rest
      .map((part) => {
        if (part === "") throw new Unfit("a root of nothing")
        return part.startsWith("{") ? `\\sqrt${part}` : `\\sqrt{${part[0]}}${part.slice(1)}`
      })
      .join("")
  )
}

/** `\frac12`, `\frac1{72}` to braces; a `\frac` with one character after it ends the work. */
const braceFractions = (text: string): string => {
  const [first, ...rest] = text.split("\\frac")
  let out = first
  for (const part of rest) {
    if (part === "") throw new Unfit("a fraction of nothing")
    out += "\\frac"
    if (part.startsWith("{")) out += part
    else if (part.length < 2) return text
    else out += part[1] === "{" ? `{${part[0]}}${part.slice(1)}` : `{${part[0]}}{${part[1]}}${part.slice(2)}`
  }
  return out
}

/** The form; `percent` also drops `%` without a backslash. Throws `Unfit`. */
const strip = (text: string, percent: boolean): string => {
  let s = text
    .replaceAll("\n", "")
    .replaceAll("\\!", "")
    .replaceAll("\\\\", "\\")
    .replaceAll("tfrac", "frac")
    .replaceAll("dfrac", "frac")
    .replaceAll("\\left", "")
    .replaceAll("\\right", "")
    .replaceAll("^{\\circ}", "")
    .replaceAll("^\\circ", "")
    .replaceAll("\\$", "")
  const units = s.split("\\text{ ")
  if (units.length > 2) throw new Unfit("two units")
  s = units[0].replaceAll("\\%", "")
  if (percent) s = s.replaceAll("%", "")
  s = s.replaceAll(" .", " 0.").replaceAll("{.", "{0.")
  if (s === "") return s
  if (s.startsWith(".")) s = `0${s}`
  const sides = s.split("=")
  if (sides.length === 2 && sides[0].length <= 2) s = sides[1]
  s = braceFractions(braceRoots(s).replaceAll(" ", ""))
  if (s === "0.5") s = "\\frac{1}{2}"
  const ratio = /^(-?(?:0|[1-9][0-9]*))\/(-?(?:0|[1-9][0-9]*))$/.exec(s)
  return ratio === null || ratio[1] === "-0" || ratio[2] === "-0" ? s : `\\frac{${ratio[1]}}{${ratio[2]}}`
}

/**
 * The form as PRM800K and mathruler use it: `\text{}` around the whole is dropped, and where there is none the text stays as it
 * is.
 *
 * @category normalisation
 */
export const normalise = (answer: string, percent = true): string => {
  let text = answer.trim()
  try {
    text = (/^\\text\{(.+?)\}$/.exec(text)?.[1] ?? text).trim()
    return strip(text, percent)
  } catch (error) {
    if (error instanceof Unfit) return text
    throw error
  }
}

/** Whether both have the same form; where one has none, whether they are the same string. @category grading */
export const equal = (given: string, gold: string): boolean => {
  try {
    return strip(given, false) === strip(gold, false)
  } catch (error) {
    if (error instanceof Unfit) return given === gold
    throw error
  }
}

/** The answer that is graded. @category extraction */
export const extract: Extract.Extractor = Extract.hendrycksBox
