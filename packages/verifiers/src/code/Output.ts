/** What a program printed against what it should have. */

/** How far two floats may be apart: |a - b| <= absolute + relative |b|. @category models */
export interface Tolerance {
  readonly relative: number
  readonly absolute: number
}

/** @category comparison */
export const isClose = (given: number, expected: number, { absolute, relative }: Tolerance): boolean =>
  given === expected || Math.abs(given - expected) <= absolute + relative * Math.abs(expected)

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

/** What should be a whole number may only carry the noise of floating point. */
const noise: Tolerance = { relative: 1e-9, absolute: 1e-9 }

const number = /^[+-]?(?:0|[1-9]\d*)(?:\.\d*)?(?:e[+-]?\d+)?$|^[+-]?\.\d+(?:e[+-]?\d+)?$/i

const sameToken = (given: string, expected: string): boolean => {
  if (given === expected) return true
  if (!number.test(given) || !number.test(expected)) return false
  const whole = /^[+-]?\d+$/
  // Two integers in other words are two integers: they are compared as text.
  if (whole.test(given) && whole.test(expected)) return false
  const [x, y] = [Number(given), Number(expected)]
  if (!Number.isFinite(x) || !Number.isFinite(y)) return false
  return isClose(x, y, whole.test(expected) ? noise : tolerance)
}

/**
 * Strict comparison: the same lines, blank ones and white space at their ends ignored, each with the same words, one space apart; words
 * that are decimal numbers may differ by the tolerance.
 *
 * @category comparison
 */
export const strict = (given: string, expected: string): boolean => {
  const [a, b] = [filled(given), filled(expected)]
  return (
    a.length === b.length &&
    a.every((line, i) => {
      if (line === b[i]) return true
      const [words, wanted] = [line.split(" "), b[i].split(" ")]
      return words.length === wanted.length && words.every((word, k) => sameToken(word, wanted[k]))
    })
  )
}

/** A text that is the same for outputs that differ in white space only. @category formatting */
export const canonical = (given: string): string => filled(given).join("\n")
