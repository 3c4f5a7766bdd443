/**
 * Exact fractions of big integers, reduced, with a positive denominator. Sizes are bounded: a result beyond `maxBits` ends
 * the comparison as too much work.
 */
import { spend, WorkExceeded } from "./Work.ts"

/** @category models */
export interface Rational {
  readonly num: bigint
  readonly den: bigint
}

/** Longest numerator or denominator, in bits. @category limits */
export const maxBits = 32_768
const largest = 1n << BigInt(maxBits)

const bits = (a: bigint): number => (a < 1n << 64n && a > -(1n << 64n) ? 64 : a.toString(16).length * 4)

const gcd = (a: bigint, b: bigint): bigint => {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b]
  // Long numbers take long to divide.
  const each = x > 1n << 128n && y > 1n << 128n ? 1 + bits(y) / 1000 : 1
  while (y !== 0n) {
    spend(each)
    ;[x, y] = [y, x % y]
  }
  return x
}

/** The reduced fraction; `den` must not be 0. @category constructors */
export const make = (num: bigint, den: bigint = 1n): Rational => {
  if (den === 1n) return { num, den }
  if (num > largest || -num > largest || den > largest || -den > largest) throw new WorkExceeded("number too long")
  const g = den < 0n ? -gcd(num, den) : gcd(num, den)
  return g === 1n ? { num, den } : { num: num / g, den: den / g }
}

/** @category constructors */
export const integer = (n: number | bigint): Rational => ({ num: BigInt(n), den: 1n })
/** @category constructors */
export const zero: Rational = { num: 0n, den: 1n }
/** @category constructors */
export const one: Rational = { num: 1n, den: 1n }

/** @category predicates */
export const isZero = (a: Rational): boolean => a.num === 0n
/** @category predicates */
export const isInteger = (a: Rational): boolean => a.den === 1n
/** @category predicates */
export const equal = (a: Rational, b: Rational): boolean => a.num === b.num && a.den === b.den

const long = 1n << 1024n
const isLong = (n: bigint): boolean => n > long || n < -long
/** Arithmetic on long numbers takes long. */
const spendOnLong = (a: Rational, b: Rational): void => {
  if ((isLong(a.num) || isLong(a.den)) && (isLong(b.num) || isLong(b.den)))
    spend(((bits(a.num) + bits(a.den)) * (bits(b.num) + bits(b.den))) / 1_000_000)
}

const checked = (a: bigint): bigint => {
  if (a > largest || -a > largest) throw new WorkExceeded("number too long")
  return a
}

/** @category arithmetic */
export const add = (a: Rational, b: Rational): Rational => {
  spend(1)
  if (a.den === 1n && b.den === 1n) return { num: checked(a.num + b.num), den: 1n }
  return make(a.num * b.den + b.num * a.den, a.den * b.den)
}
/** @category arithmetic */
export const negate = (a: Rational): Rational => ({ num: -a.num, den: a.den })
/** @category arithmetic */
export const multiply = (a: Rational, b: Rational): Rational => {
  spend(1)
  spendOnLong(a, b)
  if (a.den === 1n && b.den === 1n) return { num: checked(a.num * b.num), den: 1n }
  return make(a.num * b.num, a.den * b.den)
}
/** The reciprocal; `a` must not be 0. @category arithmetic */
export const invert = (a: Rational): Rational =>
  a.num < 0n ? { num: -a.den, den: -a.num } : { num: a.den, den: a.num }
/** An integer power; 0 to a negative power must not be asked for. @category arithmetic */
export const power = (a: Rational, exponent: number): Rational => {
  const n = Math.abs(exponent)
  const size = Math.max(bits(a.num), bits(a.den))
  const trivial = a.den === 1n && (a.num === 1n || a.num === -1n || a.num === 0n)
  if (!trivial && size > 64 && size * n > maxBits) throw new WorkExceeded("power too large")
  if (!trivial && n > maxBits) throw new WorkExceeded("power too large")
  spend(1 + (n * size) / 4096)
  const e = trivial ? BigInt(n === 0 ? 0 : 2 - (n % 2)) : BigInt(n)
  const out = { num: checked(a.num ** e), den: checked(a.den ** e) }
  return exponent < 0 ? invert(out) : out
}
/** -1, 0 or 1. @category order */
export const compare = (a: Rational, b: Rational): number => {
  const [x, y] = [a.num * b.den, b.num * a.den]
  return x < y ? -1 : x > y ? 1 : 0
}
/** `3` or `-3/4`. @category conversions */
export const format = (a: Rational): string => {
  spendOnLong(a, a)
  return written(a)
}
const written = (a: Rational): string => (a.den === 1n ? `${a.num}` : `${a.num}/${a.den}`)

/** The value of decimal digits such as `12.50` or `.5` times ten to `exponent`. @category conversions */
export const fromDecimal = (digits: string, exponent = 0): Rational => {
  const dot = digits.indexOf(".")
  const places = dot < 0 ? 0 : digits.length - dot - 1
  const whole = BigInt(digits.replace(".", "") || "0")
  const shift = exponent - places
  if (Math.abs(shift) > 5000) throw new WorkExceeded("number too long")
  return shift >= 0 ? { num: whole * 10n ** BigInt(shift), den: 1n } : make(whole, 10n ** BigInt(-shift))
}
