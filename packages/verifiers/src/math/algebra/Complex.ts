/**
 * Complex numbers whose parts are balls: arithmetic, roots, powers, exponentials and logarithms, by their principal branches.
 * What has no value throws `NoValue`; what needs more bits, `Imprecise`.
 */
import * as Ball from "./Ball.ts"
import * as Elementary from "./Elementary.ts"
import * as Rational from "./Rational.ts"

/** @category models */
export interface Complex {
  readonly re: Ball.Ball
  readonly im: Ball.Ball
}

/** Whether only real numbers count: then the root of a negative number is none. */
let onlyReal = false

/** Runs `f` where only real numbers count, or all do. @category evaluation */
export const within = <A>(reals: boolean, f: () => A): A => {
  const before = onlyReal
  onlyReal = reals
  try {
    return f()
  } finally {
    onlyReal = before
  }
}
const leaveReal = (): void => {
  if (onlyReal) throw undefinedValue("not real")
}

export const real = (re: Ball.Ball): Complex => ({ re, im: Ball.zero })
export const isReal = (z: Complex): boolean => Ball.isZero(z.im)
export const isZero = (z: Complex): boolean => Ball.isZero(z.re) && Ball.isZero(z.im)
export const undefinedValue = (why: string): Ball.NoValue => new Ball.NoValue(why)

export const add = (a: Complex, b: Complex): Complex => ({ re: Ball.add(a.re, b.re), im: Ball.add(a.im, b.im) })
export const negate = (a: Complex): Complex => ({ re: Ball.negate(a.re), im: Ball.negate(a.im) })
export const multiply = (a: Complex, b: Complex): Complex =>
  isReal(a) && isReal(b)
    ? real(Ball.multiply(a.re, b.re))
    : {
        re: Ball.subtract(Ball.multiply(a.re, b.re), Ball.multiply(a.im, b.im)),
        im: Ball.add(Ball.multiply(a.re, b.im), Ball.multiply(a.im, b.re)),
      }
const squaredSize = (a: Complex): Ball.Ball => Ball.add(Ball.multiply(a.re, a.re), Ball.multiply(a.im, a.im))
export const invert = (a: Complex): Complex => {
  if (isReal(a)) return real(Ball.divide(Ball.one, a.re))
  const norm = squaredSize(a)
  return { re: Ball.divide(a.re, norm), im: Ball.negate(Ball.divide(a.im, norm)) }
}
export const halve = (a: Ball.Ball): Ball.Ball => Ball.shifted(a, -1)
export const modulus = (a: Complex): Ball.Ball => (isReal(a) ? Ball.abs(a.re) : Ball.sqrt(squaredSize(a)))

export const exp = (a: Complex): Complex => {
  const size = Elementary.exp(a.re)
  if (isReal(a)) return real(size)
  const { cos, sin } = Elementary.sinCos(a.im)
  return { re: Ball.multiply(size, cos), im: Ball.multiply(size, sin) }
}
export const argument = (a: Complex): Ball.Ball => {
  if (isReal(a)) {
    if (Ball.sign(a.re) >= 0) return Ball.zero
    leaveReal()
    return Elementary.pi()
  }
  if (!Ball.containsZero(a.re) && Ball.sign(a.re) > 0) return Elementary.atan(Ball.divide(a.im, a.re))
  const turn = Ball.sign(a.im) > 0 ? halve(Elementary.pi()) : Ball.negate(halve(Elementary.pi()))
  return Ball.subtract(turn, Elementary.atan(Ball.divide(a.re, a.im)))
}
export const log = (a: Complex): Complex => {
  if (isZero(a)) throw undefinedValue("the logarithm of zero")
  if (isReal(a)) return { re: Elementary.log(Ball.abs(a.re)), im: argument(a) }
  return { re: halve(Elementary.log(squaredSize(a))), im: argument(a) }
}
export const sqrt = (a: Complex): Complex => {
  if (isReal(a)) {
    if (Ball.sign(a.re) >= 0) return real(Ball.sqrt(a.re))
    leaveReal()
    return { re: Ball.zero, im: Ball.sqrt(Ball.negate(a.re)) }
  }
  const m = modulus(a)
  if (Ball.sign(a.re) >= 0) {
    const re = Ball.sqrt(halve(Ball.add(m, a.re)))
    return { re, im: Ball.divide(halve(a.im), re) }
  }
  const im = Ball.sqrt(halve(Ball.subtract(m, a.re)))
  const upper = Ball.sign(a.im) > 0
  return { re: Ball.divide(halve(Ball.abs(a.im)), im), im: upper ? im : Ball.negate(im) }
}
const wholePower = (a: Complex, n: bigint): Complex => {
  let out = real(Ball.one)
  let square = a
  for (let k = n < 0n ? -n : n; k > 0n; k >>= 1n) {
    if (k & 1n) out = multiply(out, square)
    if (k > 1n) square = multiply(square, square)
  }
  return n < 0n ? invert(out) : out
}
export const rationalPower = (a: Complex, { den, num }: Rational.Rational): Complex => {
  if (den === 1n) return wholePower(a, num)
  if (den === 2n) return wholePower(sqrt(a), num)
  return exp(multiply(log(a), real(Ball.divide(Ball.integer(num), Ball.integer(den)))))
}
export const power = (a: Complex, b: Complex, exact: Rational.Rational | null): Complex => {
  const whole = isReal(b) ? Ball.whole(b.re) : null
  const e = exact ?? (whole === null ? null : Rational.integer(whole))
  if (isZero(a)) {
    if (isReal(b) && Ball.sign(b.re) > 0) return a
    throw undefinedValue("zero to a power that is not positive")
  }
  if (e !== null && (e.num < 0n ? -e.num : e.num) < 1n << 40n) return rationalPower(a, e)
  return exp(multiply(b, log(a)))
}

/** A number as the real one it is. @category conversions */
export const realOf = (z: Complex): Ball.Ball => {
  if (!isReal(z)) throw undefinedValue("not real")
  return z.re
}
/** A number as the whole one it is, between 0 and `most`. @category conversions */
export const wholeOf = (z: Complex, most: bigint): number => {
  const n = Ball.whole(realOf(z))
  if (n === null || n < 0n) throw undefinedValue("not a whole number")
  if (n > most) throw undefinedValue("a value too large to compute")
  return Number(n)
}
export const asin = (z: Complex): Ball.Ball => {
  const x = realOf(z)
  const rest = Ball.subtract(Ball.one, Ball.multiply(x, x))
  if (!Ball.containsZero(rest) && Ball.sign(rest) < 0) throw undefinedValue("outside of the domain")
  return Ball.shifted(Elementary.atan(Ball.divide(x, Ball.add(Ball.one, Ball.sqrt(rest)))), 1)
}
