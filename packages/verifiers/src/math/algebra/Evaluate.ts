/**
 * Complex values of scalar expressions to any number of digits, with decimal.js. Principal branches; an odd `root` of a
 * negative number is the real one. A value that is too large, or not defined, is null.
 */
import { Decimal } from "decimal.js"
import { type Expression } from "../read/Syntax.ts"
import { spend, WorkExceeded } from "./Work.ts"

type Real = Decimal

/** @category models */
export interface Complex {
  readonly re: Real
  readonly im: Real
}

class Unevaluable extends Error {}

type Context = {
  readonly D: typeof Decimal
  readonly zero: Real
  readonly one: Real
  readonly pi: Real
  /** Steps for one elementary function at this precision. */
  readonly cost: number
}

const contexts = new Map<number, Context>()
const contextOf = (digits: number): Context => {
  let found = contexts.get(digits)
  if (found === undefined) {
    const D = Decimal.clone({ precision: digits, minE: -9e8, maxE: 9e8 })
    found = { D, zero: new D(0), one: new D(1), pi: D.acos(-1), cost: digits * 4 }
    contexts.set(digits, found)
  }
  return found
}

/** Largest exponent of ten of an intermediate value. */
const maxExponent = 400_000

const evaluator = (context: Context, unknowns: ReadonlyMap<string, string>) => {
  const { cost, D, one, pi, zero } = context
  const real = (re: Real): Complex => ({ re, im: zero })
  const check = (z: Complex): Complex => {
    if (!z.re.isFinite() || !z.im.isFinite()) throw new Unevaluable("not finite")
    if (z.re.e > maxExponent || z.im.e > maxExponent) throw new WorkExceeded("a value too large to compute")
    return z
  }
  const isZero = (z: Complex): boolean => z.re.isZero() && z.im.isZero()
  const isReal = (z: Complex): boolean => z.im.isZero()
  const add = (a: Complex, b: Complex): Complex => ({ re: a.re.plus(b.re), im: a.im.plus(b.im) })
  const multiply = (a: Complex, b: Complex): Complex =>
    isReal(a) && isReal(b)
      ? real(a.re.times(b.re))
      : {
          re: a.re.times(b.re).minus(a.im.times(b.im)),
          im: a.re.times(b.im).plus(a.im.times(b.re)),
        }
  const invert = (a: Complex): Complex => {
    if (isZero(a)) throw new Unevaluable("division by zero")
    if (isReal(a)) return real(one.div(a.re))
    const norm = a.re.times(a.re).plus(a.im.times(a.im))
    return { re: a.re.div(norm), im: a.im.neg().div(norm) }
  }
  const scale = (a: Complex, by: Real): Complex => ({ re: a.re.times(by), im: a.im.times(by) })
  const modulus = (a: Complex): Real => (isReal(a) ? a.re.abs() : a.re.times(a.re).plus(a.im.times(a.im)).sqrt())
  const small = (x: Real): Real => {
    if (x.e > 12) throw new WorkExceeded("an angle too large to compute")
    return x
  }
  const exp = (a: Complex): Complex => {
    spend(cost * 2)
    if (a.re.e > 5) throw new WorkExceeded("a value too large to compute")
    const size = a.re.exp()
    if (isReal(a)) return real(size)
    const angle = small(a.im)
    return { re: size.times(D.cos(angle)), im: size.times(D.sin(angle)) }
  }
  const argument = (a: Complex): Real => {
    if (isReal(a)) return a.re.isNegative() ? pi : zero
    return D.atan2(a.im, a.re)
  }
  const log = (a: Complex): Complex => {
    spend(cost * 4)
    if (isZero(a)) throw new Unevaluable("logarithm of zero")
    return { re: modulus(a).ln(), im: argument(a) }
  }
  const sqrt = (a: Complex): Complex => {
    spend(cost)
    if (isReal(a)) return a.re.isNegative() ? { re: zero, im: a.re.neg().sqrt() } : real(a.re.sqrt())
    const m = modulus(a)
    const re = m.plus(a.re).div(2).sqrt()
    const im = m.minus(a.re).div(2).sqrt()
    return { re, im: a.im.isNegative() ? im.neg() : im }
  }
  const integerPower = (a: Complex, n: number): Complex => {
    let out = real(one)
    let square = a
    for (let k = Math.abs(n); k > 0; k = Math.floor(k / 2)) {
      spend(40)
      if (k % 2 === 1) out = check(multiply(out, square))
      if (k > 1) square = check(multiply(square, square))
    }
    return n < 0 ? invert(out) : out
  }
  const power = (a: Complex, b: Complex): Complex => {
    if (isZero(a)) {
      if (isReal(b) && b.re.isPositive() && !b.re.isZero()) return real(zero)
      throw new Unevaluable("zero to a power that is not positive")
    }
    if (isReal(b) && b.re.isInteger() && b.re.abs().lte(1_000_000)) return integerPower(a, b.re.toNumber())
    if (isReal(b) && b.re.eq(0.5)) return sqrt(a)
    const l = log(a)
    return exp(multiply(l, b))
  }
  const sin = (a: Complex): Complex => {
    spend(cost * 2)
    const s = D.sin(small(a.re))
    if (isReal(a)) return real(s)
    if (a.im.e > 3) throw new WorkExceeded("a value too large to compute")
    return { re: s.times(D.cosh(a.im)), im: D.cos(a.re).times(D.sinh(a.im)) }
  }
  const cos = (a: Complex): Complex => {
    spend(cost * 2)
    const c = D.cos(small(a.re))
    if (isReal(a)) return real(c)
    if (a.im.e > 3) throw new WorkExceeded("a value too large to compute")
    return { re: c.times(D.cosh(a.im)), im: D.sin(a.re).times(D.sinh(a.im)).neg() }
  }
  const realOnly = (a: Complex): Real => {
    if (!isReal(a)) throw new Unevaluable("not real")
    return a.re
  }
  const within = (a: Complex, limit: 1): Real => {
    const x = realOnly(a)
    if (x.abs().gt(limit)) throw new Unevaluable("outside of the domain")
    return x
  }
  const whole = (a: Complex): number => {
    const x = realOnly(a)
    if (!x.isInteger() || x.isNegative() || x.gt(3000)) throw new Unevaluable("not a whole number")
    return x.toNumber()
  }
  const factorial = (n: number): Real => {
    let out = one
    for (let k = 2; k <= n; k++) {
      spend(10)
      out = out.times(k)
    }
    return out
  }
  const call = (name: string, args: ReadonlyArray<Complex>): Complex => {
    const [a, b] = args
    if (a === undefined) throw new Unevaluable("no argument")
    switch (name) {
      case "sin":
        return sin(a)
      case "cos":
        return cos(a)
      case "tan":
      case "cot":
      case "sec":
      case "csc": {
        const bottom = name === "tan" || name === "sec" ? cos(a) : sin(a)
        const tiny = new D(10).pow(-Math.floor(D.precision * 0.8))
        if (modulus(bottom).lt(tiny)) throw new Unevaluable("pole")
        if (name === "sec" || name === "csc") return invert(bottom)
        return multiply(name === "tan" ? sin(a) : cos(a), invert(bottom))
      }
      case "arcsin":
        spend(cost * 4)
        return real(D.asin(within(a, 1)))
      case "arccos":
        spend(cost * 4)
        return real(D.acos(within(a, 1)))
      case "arctan":
        spend(cost * 4)
        return real(D.atan(realOnly(a)))
      case "arccot":
        spend(cost * 4)
        return real(pi.div(2).minus(D.atan(realOnly(a))))
      case "sinh":
      case "cosh":
      case "tanh": {
        const [p, n] = [exp(a), exp(scale(a, one.neg()))]
        const sinh = scale(add(p, scale(n, one.neg())), new D(0.5))
        const cosh = scale(add(p, n), new D(0.5))
        return name === "sinh" ? sinh : name === "cosh" ? cosh : multiply(sinh, invert(cosh))
      }
      case "log": {
        const base = log(a)
        if (b === undefined || isZero(base)) throw new Unevaluable("no logarithm")
        return multiply(log(b), invert(base))
      }
      case "root": {
        const degree = realOnly(a)
        if (degree.isZero()) throw new Unevaluable("root of degree zero")
        const odd = degree.isInteger() && !degree.mod(2).isZero()
        if (odd && isReal(b) && b.re.isNegative())
          return scale(power(real(b.re.neg()), real(one.div(degree))), one.neg())
        return power(b, real(one.div(degree)))
      }
      case "abs":
        return real(modulus(a))
      case "floor":
        return real(realOnly(a).floor())
      case "ceil":
        return real(realOnly(a).ceil())
      case "factorial":
        return real(factorial(whole(a)))
      case "binom": {
        let out = one
        for (let i = 0; i < whole(b); i++) {
          spend(20)
          out = out.times(realOnly(a).minus(i)).div(i + 1)
        }
        return real(out)
      }
      case "max":
        return real(D.max(...args.map(realOnly)))
      case "min":
        return real(D.min(...args.map(realOnly)))
      case "Re":
        return real(a.re)
      case "Im":
        return real(a.im)
      default:
        throw new Unevaluable(`no value for ${name}`)
    }
  }
  const visit = (e: Expression): Complex => {
    spend(20)
    switch (e.tag) {
      case "number": {
        const num = new D(e.value.num.toString())
        return real(e.value.den === 1n ? num : num.div(e.value.den.toString()))
      }
      case "symbol": {
        const value = unknowns.get(e.name)
        if (value === undefined) throw new Unevaluable(`no value for ${e.name}`)
        return real(new D(value))
      }
      case "constant":
        return e.name === "pi" ? real(pi) : e.name === "e" ? real(D.exp(1)) : { re: zero, im: one }
      case "sum":
        return check(e.terms.map(visit).reduce(add))
      case "product":
        return check(e.factors.map(visit).reduce(multiply))
      case "power":
        return check(power(visit(e.base), visit(e.exponent)))
      case "call":
        return check(call(e.name, e.args.map(visit)))
      case "based":
      case "list":
      case "matrix":
      case "quantity":
      case "relation":
      case "set":
      case "setop":
      case "text":
      case "tuple":
        throw new Unevaluable(`a ${e.tag} has no value`)
    }
  }
  return visit
}

/**
 * The value of a scalar to about `digits` digits, with a value for each unknown; null when there is none. Throws
 * `WorkExceeded`.
 *
 * @category evaluation
 */
export const evaluate = (
  e: Expression,
  unknowns: ReadonlyMap<string, string> = new Map(),
  digits = 50,
): Complex | null => {
  try {
    return evaluator(contextOf(digits), unknowns)(e)
  } catch (error) {
    if (error instanceof WorkExceeded) throw error
    if (error instanceof Unevaluable) return null
    // decimal.js says so when an argument needs more digits of pi than it has.
    if (error instanceof Error && error.message.startsWith("[DecimalError]")) return null
    throw error
  }
}
