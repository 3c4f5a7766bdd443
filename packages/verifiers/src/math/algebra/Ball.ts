/**
 * Real numbers with their error: a ball `(m ± r) 2^e` holds the true value of what it was computed from, whatever the precision.
 * Every operation rounds to `precision` bits and widens the radius by what that loses.
 */
import { spend } from "./Work.ts"

/** @category models */
export interface Ball {
  readonly m: bigint
  readonly r: bigint
  readonly e: number
}

/** More precision is needed to say: a division by what may be 0, the sign of what may be 0. @category errors */
export class Imprecise extends Error {
  override readonly name = "Imprecise"
}
/** No precision helps: too large or too small to write down, or no value there. @category errors */
export class NoValue extends Error {
  override readonly name = "NoValue"
}

let bits = 128
/** Bits that results are rounded to. @category precision */
export const precision = (): number => bits

/** Runs `f` with results rounded to `p` bits. @category precision */
export const withPrecision = <A>(p: number, f: () => A): A => {
  const before = bits
  bits = p
  try {
    return f()
  } finally {
    bits = before
  }
}

const magnitude = (a: bigint): bigint => (a < 0n ? -a : a)

/** The length of |a| in bits, perhaps one more; 0 for 0. @category parts */
export const length = (a: bigint): number => {
  const size = Number(a < 0n ? -a : a)
  if (size < 1e300) return size === 0 ? 0 : Math.floor(Math.log2(size)) + 1
  const digits = (a < 0n ? -a : a).toString(16)
  return digits.length * 4 - Math.clz32(Number.parseInt(digits[0], 16)) + 28
}

/** Exponents beyond this are given up. */
const maxExponent = 2 ** 45

const rounded = (m: bigint, r: bigint, e: number): Ball => {
  if (e > maxExponent || e < -maxExponent) throw new NoValue("a value too large or too small to compute")
  let shift = Math.max(0, length(m) - bits - 8)
  if (r > 1n << 40n) shift = Math.max(shift, length(r) - 32)
  if (shift === 0) return { m, r, e }
  const s = BigInt(shift)
  const short = m >> s
  // What was cut off is part of the error, unless it was nothing.
  const exact = r === 0n && short << s === m
  return { m: short, r: exact ? 0n : (r >> s) + 2n, e: e + shift }
}

/** @category constructors */
export const integer = (n: bigint | number): Ball => ({ m: BigInt(n), r: 0n, e: 0 })
/** @category constructors */
export const zero: Ball = integer(0)
/** @category constructors */
export const one: Ball = integer(1)
/** @category constructors */
export const ball = rounded

/** The exact value of a double. @category constructors */
export const fromNumber = (x: number): Ball => {
  if (x === 0) return zero
  const e = Math.max(-1022, Math.floor(Math.log2(Math.abs(x)))) - 60
  // Scaled in two steps: 2^-e alone may overflow.
  const half = Math.trunc(-e / 2)
  return { m: BigInt(Math.round(x * 2 ** half * 2 ** (-e - half))), r: 0n, e }
}

/** @category predicates */
export const isExact = (a: Ball): boolean => a.r === 0n
/** Exactly 0. @category predicates */
export const isZero = (a: Ball): boolean => a.m === 0n && a.r === 0n
/** Whether 0 is in it. @category predicates */
export const containsZero = (a: Ball): boolean => magnitude(a.m) <= a.r

/** -1, 0 (exactly) or 1. Throws `Imprecise` when it may be either. @category predicates */
export const sign = (a: Ball): number => {
  if (!containsZero(a)) return a.m > 0n ? 1 : -1
  if (isZero(a)) return 0
  throw new Imprecise("a sign")
}

/** Least k known with |a| < 2^k; `-Infinity` for 0. @category parts */
export const top = (a: Ball): number => (isZero(a) ? Number.NEGATIVE_INFINITY : a.e + length(magnitude(a.m) + a.r))

/** @category arithmetic */
export const negate = (a: Ball): Ball => ({ m: -a.m, r: a.r, e: a.e })
/** @category arithmetic */
export const abs = (a: Ball): Ball => (sign(a) < 0 ? negate(a) : a)
/** Times 2^k. @category arithmetic */
export const shifted = (a: Ball, k: number): Ball => ({ m: a.m, r: a.r, e: a.e + k })

/** @category arithmetic */
export const add = (a: Ball, b: Ball): Ball => {
  spend(1 + bits / 2048)
  if (isZero(a)) return b
  if (isZero(b)) return a
  const [high, low] = a.e >= b.e ? [a, b] : [b, a]
  const gap = high.e - low.e
  if (gap + length(high.m) > 2 * bits + length(low.m) + 64) {
    // The lower one is far below what is kept of the higher: all of it is error.
    const k = Math.min(gap, Math.max(0, bits + 8 - length(high.m)))
    const r = ((magnitude(low.m) + low.r) >> BigInt(gap - k)) + 1n
    return rounded(high.m << BigInt(k), (high.r << BigInt(k)) + r, high.e - k)
  }
  const s = BigInt(gap)
  return rounded((high.m << s) + low.m, (high.r << s) + low.r, low.e)
}
/** @category arithmetic */
export const subtract = (a: Ball, b: Ball): Ball => add(a, negate(b))

/** @category arithmetic */
export const multiply = (a: Ball, b: Ball): Ball => {
  spend(1 + (bits / 1024) * (bits / 1024))
  if (isZero(a) || isZero(b)) return zero
  const r = a.r === 0n && b.r === 0n ? 0n : magnitude(a.m) * b.r + magnitude(b.m) * a.r + a.r * b.r
  return rounded(a.m * b.m, r, a.e + b.e)
}

/** Throws `NoValue` for a division by 0, `Imprecise` where `b` may be 0. @category arithmetic */
export const divide = (a: Ball, b: Ball): Ball => {
  spend(2 + (bits / 512) * (bits / 1024))
  if (isZero(b)) throw new NoValue("division by zero")
  if (containsZero(b)) throw new Imprecise("a division")
  if (isZero(a)) return zero
  const shift = Math.max(0, bits + 10 + length(b.m) - length(a.m))
  const s = BigInt(shift)
  const q = (a.m << s) / b.m
  const exact = a.r === 0n && b.r === 0n && q * b.m === a.m << s
  const r = exact ? 0n : ((a.r << s) + (magnitude(q) + 1n) * b.r) / (magnitude(b.m) - b.r) + 2n
  return rounded(q, r, a.e - shift - b.e)
}

/** The whole square root of n >= 0, rounded down. @category arithmetic */
export const wholeRoot = (n: bigint): bigint => {
  if (n < 4_503_599_627_370_496n) return BigInt(Math.floor(Math.sqrt(Number(n))))
  let x = 1n << BigInt((length(n) + 1) >> 1)
  for (;;) {
    spend(1)
    const next = (x + n / x) >> 1n
    if (next >= x) return x
    x = next
  }
}

/** The root of what is not negative; of a ball around 0, what it can be. @category arithmetic */
export const sqrt = (a: Ball): Ball => {
  spend(4 + (bits / 256) * (bits / 1024))
  if (isZero(a)) return zero
  const low = a.m - a.r
  if (low < 0n) {
    // [0, s] as a ball.
    const high = { m: a.m + a.r, r: 0n, e: a.e }
    if (high.m <= 0n) throw new NoValue("the root of a negative number")
    const s = sqrt(high)
    return { m: s.m, r: s.m + s.r + 1n, e: s.e - 1 }
  }
  const shift = Math.max(0, 2 * bits + 8 - length(a.m))
  const even = shift + (Math.abs(a.e - shift) % 2)
  const s = BigInt(even)
  const root = wholeRoot(a.m << s)
  const exact = a.r === 0n && root * root === a.m << s
  const error = a.r === 0n ? 0n : (a.r << s) / (wholeRoot(low << s) + 1n) + 1n
  return rounded(root, exact ? 0n : error + 1n, (a.e - even) / 2)
}

/** The nearest whole number to the middle. @category conversions */
export const nearest = (a: Ball): bigint =>
  a.e >= 0 ? a.m << BigInt(Math.min(a.e, 100_000)) : ((a.m >> BigInt(-a.e - 1)) + 1n) >> 1n

/** The middle as a double, `Infinity` and 0 included. @category conversions */
export const toNumber = (a: Ball): number => {
  if (a.m === 0n) return 0
  const cut = Math.max(0, length(a.m) - 62)
  const e = a.e + cut
  const value = Number(a.m >> BigInt(cut))
  const half = Math.trunc(Math.max(-2200, Math.min(2200, e)) / 2)
  return value * 2 ** half * 2 ** (Math.max(-2200, Math.min(2200, e)) - half)
}

/** The whole number that it exactly is; null when it is none, or not known to be. @category conversions */
export const whole = (a: Ball): bigint | null => {
  if (a.r !== 0n) return null
  if (a.e >= 0) return a.e > 100_000 ? null : a.m << BigInt(a.e)
  const s = BigInt(Math.min(-a.e, 1_000_000))
  return (a.m >> s) << s === a.m ? a.m >> s : null
}
