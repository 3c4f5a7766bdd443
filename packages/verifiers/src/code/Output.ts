/**
 * What a program printed against what it should have.
 *
 * @module
 */

/** How far two floats may be apart: |a - b| <= absolute + relative |b|. @category models */
export interface Tolerance {
  readonly relative: number
  readonly absolute: number
}

/** Nothing but itself is close to an infinity. @category comparison */
export const isClose = (given: number, expected: number, { absolute, relative }: Tolerance): boolean =>
  given === expected ||
  (Number.isFinite(expected) && Math.abs(given - expected) <= absolute + relative * Math.abs(expected))

const stripped = (text: string): Array<string> =>
  text
    .trim()
    .split("\n")
    .map((line) => line.trim())

const filled = (text: string): Array<string> => stripped(text).filter((line) => line !== "")

const same = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((line, i) => line === b[i])

/** Python's float() of a stripped text; null when it raises. */
const float = (text: string): number | null => {
  if (/^[+-]?(?:\d+(?:_\d+)*\.?|(?:\d+(?:_\d+)*)?\.\d+(?:_\d+)*)(?:e[+-]?\d+)?$/i.test(text))
    return Number(text.replaceAll("_", ""))
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text)
  if (special === null) return null
  return special[2].toLowerCase() === "nan" ? NaN : special[1] === "-" ? -Infinity : Infinity
}

/** numpy.allclose's defaults. */
const numpy: Tolerance = { relative: 1e-5, absolute: 1e-8 }

/**
 * PRIME's comparison: equal when stripped, or line by line, blank lines ignored, or one close float per line. Lines of digits alone
 * are not taken for floats.
 *
 * @category comparison
 */
export const prime = (given: string, expected: string): boolean => {
  if (given.trim() === expected.trim()) return true
  const [a, b] = [filled(given), filled(expected)]
  if (same(a, b)) return true
  if (a.length !== b.length) return false
  const digits = /^\d+$/
  if (a.every((line, i) => digits.test(line) && digits.test(b[i]))) return false
  return a.every((line, i) => {
    const [x, y] = [float(line), float(b[i])]
    return x !== null && y !== null && isClose(x, y, numpy)
  })
}

/** Floats of strict mode. @category comparison */
export const tolerance: Tolerance = { relative: 1e-6, absolute: 1e-9 }

const number = /^[+-]?(?:0|[1-9]\d*)(?:\.\d*)?(?:e[+-]?\d+)?$|^[+-]?\.\d+(?:e[+-]?\d+)?$/i
const whole = /^[+-]?(?:0|[1-9]\d*)$/

/** A decimal as sign, significant digits and the power of ten after them: the same for equal numbers, exact at any length. */
const exact = (text: string): string => {
  const [mantissa, exponent = "0"] = text.toLowerCase().split("e")
  const unsigned = mantissa.replace(/^[+-]/, "")
  const [before, after = ""] = unsigned.split(".")
  const digits = (before + after).replace(/^0+/, "")
  // Not by a regular expression: it would try from every zero.
  let end = digits.length
  while (end > 0 && digits[end - 1] === "0") end--
  if (end === 0) return "0"
  const power = Number(exponent) - after.length + (digits.length - end)
  return `${mantissa.startsWith("-") ? "-" : ""}${digits.slice(0, end)}e${power}`
}

const sameToken = (given: string, expected: string): boolean => {
  if (given === expected) return true
  if (!number.test(given) || !number.test(expected)) return false
  // A whole number is that number, however it is written; nothing else is.
  if (whole.test(expected)) return exact(given) === exact(expected)
  const [x, y] = [Number(given), Number(expected)]
  return Number.isFinite(x) && Number.isFinite(y) && isClose(x, y, tolerance)
}

/** Blank, tab, vertical tab, form feed, carriage return; a line feed apart. */
const isBlank = (code: number): boolean => code === 32 || code === 9 || (code >= 11 && code <= 13)

/** The words of a text, one after the other, each with whether it begins a line: a text of megabytes is never cut into a list. */
class Words {
  readonly #text: string
  #at = 0
  /** Whether the word that `next` gave is the first of its line. */
  first = false
  constructor(text: string) {
    this.#text = text
  }

  next(): string | null {
    const text = this.#text
    let at = this.#at
    this.first = at === 0
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === 10) this.first = true
      else if (!isBlank(code)) break
    }
    const from = at
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === 10 || isBlank(code)) break
    }
    this.#at = at
    return at === from ? null : text.slice(from, at)
  }
}

/**
 * Strict comparison: the same lines of the same words. Blank lines do not count, nor how many blanks or tabs stand around a word. A word
 * that should be a whole number must be that number; one that should be another decimal number may differ by the tolerance. Stops at
 * the first difference.
 *
 * @category comparison
 */
export const strict = (given: string, expected: string): boolean => {
  if (given === expected) return true
  const [a, b] = [new Words(given), new Words(expected)]
  for (;;) {
    const [word, wanted] = [a.next(), b.next()]
    if (word === null || wanted === null) return word === wanted
    if (a.first !== b.first || !sameToken(word, wanted)) return false
  }
}

/** Longer ones are their own key: finding their words takes time. */
const maxCanonical = 2 ** 16

/** A text that is the same for outputs that differ in white space only, up to 64 KiB. @category formatting */
export const canonical = (given: string): string => {
  if (given.length > maxCanonical) return given
  const words = new Words(given)
  let out = ""
  for (let word = words.next(); word !== null; word = words.next()) out += `${words.first ? "\n" : " "}${word}`
  return out.trim()
}
