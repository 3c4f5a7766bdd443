/** Numbers of a problem and of an answer as exact fractions. */

/** A reduced fraction with a positive denominator. @category models */
export interface Rational {
  readonly num: bigint
  readonly den: bigint
}

const gcd = (a: bigint, b: bigint): bigint => {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}

/** num / den, reduced; `den` is not 0. @category constructors */
export const rational = (num: bigint, den: bigint = 1n): Rational => {
  if (den === 1n) return { num, den }
  const g = gcd(num, den) * (den < 0n ? -1n : 1n)
  return { num: num / g, den: den / g }
}

/** `-12`, `1.50`, `3/2`; null for anything else. @category constructors */
export const fromText = (text: string): Rational | null => {
  const found = /^([+-]?)([0-9]{1,400})(?:\.([0-9]{1,400})|\/([0-9]{1,400}))?$/.exec(text.trim())
  if (found === null) return null
  const [, sign, whole, decimals = "", below] = found
  const den = below === undefined ? 10n ** BigInt(decimals.length) : BigInt(below)
  if (den === 0n) return null
  const num = BigInt(whole + decimals)
  return rational(sign === "-" ? -num : num, den)
}

/**
 * What a problem gives: a number, or the text of one. Null when it is not a number, and for a whole `number` above 2^53, of which nobody
 * knows whether it is what was meant: write such a one as text.
 *
 * @category constructors
 */
export const exact = (value: number | string): Rational | null => {
  if (typeof value === "string") return fromText(value)
  if (Number.isSafeInteger(value)) return { num: BigInt(value), den: 1n }
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return null
  const [digits, exponent = "0"] = String(value).split("e")
  const base = fromText(digits)
  const shift = BigInt(exponent)
  if (base === null) return null
  return shift < 0n ? rational(base.num, base.den * 10n ** -shift) : rational(base.num * 10n ** shift, base.den)
}

/** @category comparison */
export const equal = (a: Rational, b: Rational): boolean => a.num === b.num && a.den === b.den

/** `65` or `3/2`. @category formatting */
export const show = ({ den, num }: Rational): string => (den === 1n ? `${num}` : `${num}/${den}`)
