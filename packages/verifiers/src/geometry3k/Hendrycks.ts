/**
 * The string normal form of the MATH grader (Hendrycks et al. 2021) in the variant that mathruler carries, by which two
 * spellings of an answer become one string. Anything it cannot handle stays as it is.
 */

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

/** `\frac12`, `\frac1{72}` to braces; a `\frac` with less than two characters after it ends the work. */
const braceFractions = (text: string): string => {
  const [first, ...rest] = text.split("\\frac")
  let out = first
  for (const part of rest) {
    out += "\\frac"
    if (part.startsWith("{")) out += part
    else if (part.length < 2) return text
    else out += part[1] === "{" ? `{${part[0]}}${part.slice(1)}` : `{${part[0]}}{${part[1]}}${part.slice(2)}`
  }
  return out
}

const strip = (text: string): string => {
  let s = text
    .replaceAll("\n", "")
    .replaceAll("\\!", "")
    .replaceAll("\\\\", "\\")
    .replaceAll(/[td]frac/g, "frac")
    .replaceAll("\\left", "")
    .replaceAll("\\right", "")
    .replaceAll("^{\\circ}", "")
    .replaceAll("^\\circ", "")
    .replaceAll("\\$", "")
  const units = s.split("\\text{ ")
  if (units.length > 2) throw new Unfit("two units")
  s = units[0].replaceAll("\\%", "").replaceAll("%", "").replaceAll(" .", " 0.").replaceAll("{.", "{0.")
  if (s === "") return s
  if (s.startsWith(".")) s = `0${s}`
  const sides = s.split("=")
  if (sides.length === 2 && sides[0].length <= 2) s = sides[1]
  s = braceFractions(braceRoots(s).replaceAll(" ", ""))
  if (s === "0.5") s = "\\frac{1}{2}"
  const ratio = /^(-?(?:0|[1-9][0-9]*))\/(-?(?:0|[1-9][0-9]*))$/.exec(s)
  return ratio === null || ratio[1] === "-0" || ratio[2] === "-0" ? s : `\\frac{${ratio[1]}}{${ratio[2]}}`
}

/** The normal form. @category normalisation */
export const normalise = (answer: string): string => {
  let text = answer.trim()
  try {
    text = (/^\\text\{(.+?)\}$/.exec(text)?.[1] ?? text).trim()
    return strip(text)
  } catch (error) {
    if (error instanceof Unfit) return text
    throw error
  }
}
