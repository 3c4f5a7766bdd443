/**
 * The functions of mathematics at complex balls, and how what is 0 is told from what is small.
 *
 * A value around 0 is taken for 0 when it is smaller than anything but 0 that an expression of its size comes to: below
 * 2^-(64 + 4 weight), where the weight counts the bits of the numbers in it, the exponents of its intermediate values and its
 * operations. For roots of rational numbers such a bound is a theorem, with other constants; with exponentials and logarithms none
 * is proved, and none that fails is known. Before that, `Imprecise` asks for more bits.
 */
import * as Ball from "./Ball.ts"
import {
  add,
  argument,
  asin,
  type Complex,
  exp,
  halve,
  invert,
  isReal,
  isZero,
  log,
  modulus,
  multiply,
  negate,
  rationalPower,
  real,
  realOf,
  undefinedValue,
  wholeOf,
} from "./Complex.ts"
import * as Elementary from "./Elementary.ts"
import * as Exact from "./Exact.ts"
import * as Rational from "./Rational.ts"

/** `weight`: see above, in bits. @category models */
export interface Value extends Complex {
  readonly weight: number
}

/** Least bits below 1 at which a value of some weight is 0. */
const zeroBits = (weight: number): number => 64 + 4 * weight

/** The value with what is 0 as exactly 0. */
export const settled = ({ im, re }: Complex, weight: number): Value => {
  const part = (x: Ball.Ball): Ball.Ball => {
    if (!Ball.containsZero(x) || Ball.isZero(x)) return x
    if (Ball.top(x) > -zeroBits(weight)) throw new Ball.Imprecise("whether it is zero")
    return Ball.zero
  }
  const [a, b] = [part(re), part(im)]
  const size = Math.max(Ball.isZero(a) ? 0 : Math.abs(Ball.top(a)), Ball.isZero(b) ? 0 : Math.abs(Ball.top(b)))
  return { re: a, im: b, weight: weight + size }
}

/** The bits of a number as it is written. @category conversions */
export const bitsOf = (q: Rational.Rational): number => Ball.length(q.num) + Ball.length(q.den)
export const rational = (q: Rational.Rational): Ball.Ball =>
  q.den === 1n ? Ball.ball(q.num, 0n, 0) : Ball.divide(Ball.integer(q.num), Ball.integer(q.den))

const floor = (z: Complex, weight: number, up: boolean): Complex => {
  const x = realOf(z)
  if (Ball.top(x) > 10_000) throw undefinedValue("a value too large to compute")
  const near = Ball.nearest(x)
  const { re: rest } = settled(real(Ball.subtract(x, Ball.integer(near))), weight)
  const side = Ball.sign(rest)
  return real(Ball.integer(up ? (side > 0 ? near + 1n : near) : side < 0 ? near - 1n : near))
}

/** A quotient, and the weight of what it is made of: of e^400 nothing is seen in tanh 200, which is 2^-577 below 1. */
const quotient = (a: Value, b: Value): Value => ({ ...multiply(a, invert(b)), weight: a.weight + b.weight })

/** A value, with the weight of what was computed on the way where it is more than that of the arguments. */
export const call = (name: string, args: ReadonlyArray<Value>): Complex & { readonly weight?: number } => {
  const [a, b] = args
  if (a === undefined) throw undefinedValue("no argument")
  const weight = args.reduce((sum, { weight }) => sum + weight, 4)
  switch (name) {
    case "sin":
    case "cos":
    case "tan":
    case "cot":
    case "sec":
    case "csc": {
      const pair = (): { sin: Value; cos: Value } => {
        if (isReal(a)) {
          const { cos, sin } = Elementary.sinCos(a.re)
          return { sin: settled(real(sin), weight), cos: settled(real(cos), weight) }
        }
        const turn = { re: Ball.negate(a.im), im: a.re }
        const [p, n] = [exp(turn), exp(negate(turn))]
        const s = add(p, negate(n))
        return {
          sin: settled({ re: halve(s.im), im: Ball.negate(halve(s.re)) }, weight),
          cos: settled({ re: halve(Ball.add(p.re, n.re)), im: halve(Ball.add(p.im, n.im)) }, weight),
        }
      }
      const { cos, sin } = pair()
      if (name === "sin") return sin
      if (name === "cos") return cos
      const bottom = name === "tan" || name === "sec" ? cos : sin
      if (name === "sec" || name === "csc") return quotient({ ...real(Ball.one), weight: 1 }, bottom)
      return quotient(name === "tan" ? sin : cos, bottom)
    }
    case "cis":
      return exp({ re: Ball.negate(a.im), im: a.re })
    case "arcsin":
      return real(asin(a))
    case "arccos":
      return real(Ball.subtract(halve(Elementary.pi()), asin(a)))
    case "arctan":
      return real(Elementary.atan(realOf(a)))
    case "arccot":
      return real(Ball.subtract(halve(Elementary.pi()), Elementary.atan(realOf(a))))
    case "sinh":
    case "cosh":
    case "tanh":
    case "coth": {
      const [p, n] = [exp(a), exp(negate(a))]
      const sinh = settled(add(p, negate(n)), weight)
      const cosh = settled(add(p, n), weight)
      if (name === "tanh") return quotient(sinh, cosh)
      if (name === "coth") return quotient(cosh, sinh)
      const twice = name === "sinh" ? sinh : cosh
      return { re: halve(twice.re), im: halve(twice.im) }
    }
    case "log": {
      const base = settled(log(a), weight)
      if (b === undefined || isZero(base)) throw undefinedValue("no logarithm")
      return multiply(log(b), invert(base))
    }
    case "root": {
      const degree = Ball.whole(realOf(a))
      if (b === undefined || degree === null || degree === 0n || degree > 10_000n || degree < -10_000n)
        throw undefinedValue("no root")
      if (isZero(b) && degree > 0n) return b
      if (isReal(b) && Ball.sign(b.re) < 0 && degree % 2n !== 0n)
        return negate(rationalPower(negate(b), Rational.make(1n, degree)))
      return rationalPower(b, Rational.make(1n, degree))
    }
    case "abs":
      return real(modulus(a))
    case "floor":
      return floor(a, weight, false)
    case "ceil":
      return floor(a, weight, true)
    case "mod": {
      if (b === undefined) throw undefinedValue("no modulus")
      const quotient = floor(multiply(real(realOf(a)), invert(real(realOf(b)))), weight, false)
      return add(a, negate(multiply(b, quotient)))
    }
    case "factorial": {
      const n = wholeOf(a, 20_000n)
      let out = Ball.one
      for (let k = 2; k <= n; k++) out = Ball.multiply(out, Ball.integer(k))
      return real(out)
    }
    case "double factorial": {
      let out = Ball.one
      for (let k = wholeOf(a, 20_000n); k > 1; k -= 2) out = Ball.multiply(out, Ball.integer(k))
      return real(out)
    }
    case "binom": {
      if (b === undefined) throw undefinedValue("no binomial")
      const n = Ball.whole(realOf(a))
      let k = wholeOf(b, 1_000_000n)
      if (n !== null && n >= 0n) {
        if (BigInt(k) > n) return real(Ball.zero)
        k = Math.min(k, Number(n - BigInt(k)))
      }
      if (k > 5000) throw undefinedValue("a value too large to compute")
      let [top, bottom] = [Ball.one, Ball.one]
      for (let i = 0; i < k; i++) {
        top = Ball.multiply(top, Ball.subtract(a.re, Ball.integer(i)))
        bottom = Ball.multiply(bottom, Ball.integer(i + 1))
      }
      return real(Ball.divide(top, bottom))
    }
    case "gcd":
    case "lcm": {
      const all = args.map((x) => Ball.whole(realOf(x)))
      if (!all.every((n) => n !== null)) throw undefinedValue("not whole numbers")
      const value = Exact.exact(name, all.map(Rational.integer))
      if (value === null) throw undefinedValue("no value")
      return real(rational(value))
    }
    case "max":
    case "min":
      return args.reduce<Complex>((x, y) => {
        const { re } = settled(real(Ball.subtract(realOf(x), realOf(y))), weight)
        return Ball.sign(re) >= 0 === (name === "max") ? x : y
      }, a)
    case "Re":
      return real(a.re)
    case "Im":
      return real(a.im)
    case "arg":
      if (isZero(a)) throw undefinedValue("the argument of zero")
      return real(argument(a))
    default:
      throw undefinedValue(`no value for ${name}`)
  }
}
