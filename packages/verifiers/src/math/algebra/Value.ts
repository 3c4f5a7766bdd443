/**
 * Values of scalar expressions as complex balls. Principal branches; an odd `root` of a negative number is the real one.
 *
 * A value around 0 is taken for 0 when it is smaller than anything but 0 that an expression of its size comes to: below
 * 2^-(64 + 4 weight), where the weight counts the bits of the numbers in it, the exponents of its intermediate values and its
 * operations. For roots of rational numbers such a bound is a theorem, with other constants; with exponentials and logarithms none
 * is proved, and none that fails is known. Before that, `Imprecise` asks for more bits.
 */
import * as Ball from "./Ball.ts"
import * as Elementary from "./Elementary.ts"
import * as NormalForm from "./NormalForm.ts"
import * as Rational from "./Rational.ts"
import { type Expression } from "../read/Syntax.ts"
import * as Syntax from "../read/Syntax.ts"
import { spend } from "./Work.ts"

/** `weight`: see above, in bits. @category models */
export interface Value {
  readonly re: Ball.Ball
  readonly im: Ball.Ball
  readonly weight: number
}

/** What each unknown is worth. @category models */
export type Point = ReadonlyMap<string, Rational.Rational>

type Complex = Omit<Value, "weight">

/** Whether only real numbers count: then the root of a negative number is none. */
let onlyReal = false
const leaveReal = (): void => {
  if (onlyReal) throw undefinedValue("not real")
}

const real = (re: Ball.Ball): Complex => ({ re, im: Ball.zero })
const isReal = (z: Complex): boolean => Ball.isZero(z.im)
const isZero = (z: Complex): boolean => Ball.isZero(z.re) && Ball.isZero(z.im)
const undefinedValue = (why: string): Ball.NoValue => new Ball.NoValue(why)

const add = (a: Complex, b: Complex): Complex => ({ re: Ball.add(a.re, b.re), im: Ball.add(a.im, b.im) })
const negate = (a: Complex): Complex => ({ re: Ball.negate(a.re), im: Ball.negate(a.im) })
const multiply = (a: Complex, b: Complex): Complex =>
  isReal(a) && isReal(b)
    ? real(Ball.multiply(a.re, b.re))
    : {
        re: Ball.subtract(Ball.multiply(a.re, b.re), Ball.multiply(a.im, b.im)),
        im: Ball.add(Ball.multiply(a.re, b.im), Ball.multiply(a.im, b.re)),
      }
const squaredSize = (a: Complex): Ball.Ball => Ball.add(Ball.multiply(a.re, a.re), Ball.multiply(a.im, a.im))
const invert = (a: Complex): Complex => {
  if (isReal(a)) return real(Ball.divide(Ball.one, a.re))
  const norm = squaredSize(a)
  return { re: Ball.divide(a.re, norm), im: Ball.negate(Ball.divide(a.im, norm)) }
}
const halve = (a: Ball.Ball): Ball.Ball => Ball.shifted(a, -1)
const modulus = (a: Complex): Ball.Ball => (isReal(a) ? Ball.abs(a.re) : Ball.sqrt(squaredSize(a)))

const exp = (a: Complex): Complex => {
  const size = Elementary.exp(a.re)
  if (isReal(a)) return real(size)
  const { cos, sin } = Elementary.sinCos(a.im)
  return { re: Ball.multiply(size, cos), im: Ball.multiply(size, sin) }
}
const argument = (a: Complex): Ball.Ball => {
  if (isReal(a)) {
    if (Ball.sign(a.re) >= 0) return Ball.zero
    leaveReal()
    return Elementary.pi()
  }
  if (!Ball.containsZero(a.re) && Ball.sign(a.re) > 0) return Elementary.atan(Ball.divide(a.im, a.re))
  const turn = Ball.sign(a.im) > 0 ? halve(Elementary.pi()) : Ball.negate(halve(Elementary.pi()))
  return Ball.subtract(turn, Elementary.atan(Ball.divide(a.re, a.im)))
}
const log = (a: Complex): Complex => {
  if (isZero(a)) throw undefinedValue("the logarithm of zero")
  if (isReal(a)) return { re: Elementary.log(Ball.abs(a.re)), im: argument(a) }
  return { re: halve(Elementary.log(squaredSize(a))), im: argument(a) }
}
const sqrt = (a: Complex): Complex => {
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
const rationalPower = (a: Complex, { den, num }: Rational.Rational): Complex => {
  if (den === 1n) return wholePower(a, num)
  if (den === 2n) return wholePower(sqrt(a), num)
  return exp(multiply(log(a), real(Ball.divide(Ball.integer(num), Ball.integer(den)))))
}
const power = (a: Complex, b: Complex, exact: Rational.Rational | null): Complex => {
  const whole = isReal(b) ? Ball.whole(b.re) : null
  const e = exact ?? (whole === null ? null : Rational.integer(whole))
  if (isZero(a)) {
    if (isReal(b) && Ball.sign(b.re) > 0) return a
    throw undefinedValue("zero to a power that is not positive")
  }
  if (e !== null && (e.num < 0n ? -e.num : e.num) < 1n << 40n) return rationalPower(a, e)
  return exp(multiply(b, log(a)))
}

/** The rational number that an exponent is as it is written; null for anything else. */
const rationalOf = (e: Expression): Rational.Rational | null => {
  if (e.tag === "number") return e.value
  if (e.tag === "product" && e.factors.length <= 3) {
    const all = e.factors.map(rationalOf)
    return all.every((x) => x !== null) ? all.reduce(Rational.multiply) : null
  }
  if (e.tag === "power" && e.exponent.tag === "number" && e.exponent.value.num === -1n && e.exponent.value.den === 1n) {
    const base = rationalOf(e.base)
    return base === null || Rational.isZero(base) ? null : Rational.invert(base)
  }
  return null
}

const real1 = (z: Complex): Ball.Ball => {
  if (!isReal(z)) throw undefinedValue("not real")
  return z.re
}
const wholeOf = (z: Complex, most: bigint): number => {
  const n = Ball.whole(real1(z))
  if (n === null || n < 0n) throw undefinedValue("not a whole number")
  if (n > most) throw undefinedValue("a value too large to compute")
  return Number(n)
}
const asin = (z: Complex): Ball.Ball => {
  const x = real1(z)
  const rest = Ball.subtract(Ball.one, Ball.multiply(x, x))
  if (!Ball.containsZero(rest) && Ball.sign(rest) < 0) throw undefinedValue("outside of the domain")
  return Ball.shifted(Elementary.atan(Ball.divide(x, Ball.add(Ball.one, Ball.sqrt(rest)))), 1)
}

/** Least bits below 1 at which a value of some weight is 0. */
const zeroBits = (weight: number): number => 64 + 4 * weight

/** The value with what is 0 as exactly 0. */
const settled = ({ im, re }: Complex, weight: number): Value => {
  const part = (x: Ball.Ball): Ball.Ball => {
    if (!Ball.containsZero(x) || Ball.isZero(x)) return x
    if (Ball.top(x) > -zeroBits(weight)) throw new Ball.Imprecise("whether it is zero")
    return Ball.zero
  }
  const [a, b] = [part(re), part(im)]
  const size = Math.max(Ball.isZero(a) ? 0 : Math.abs(Ball.top(a)), Ball.isZero(b) ? 0 : Math.abs(Ball.top(b)))
  return { re: a, im: b, weight: weight + size }
}

const bitsOf = (q: Rational.Rational): number => Ball.length(q.num) + Ball.length(q.den)
const rational = (q: Rational.Rational): Ball.Ball =>
  q.den === 1n ? Ball.ball(q.num, 0n, 0) : Ball.divide(Ball.integer(q.num), Ball.integer(q.den))

const floor = (z: Complex, weight: number, up: boolean): Complex => {
  const x = real1(z)
  if (Ball.top(x) > 10_000) throw undefinedValue("a value too large to compute")
  const near = Ball.nearest(x)
  const { re: rest } = settled(real(Ball.subtract(x, Ball.integer(near))), weight)
  const side = Ball.sign(rest)
  return real(Ball.integer(up ? (side > 0 ? near + 1n : near) : side < 0 ? near - 1n : near))
}

/** A quotient, and the weight of what it is made of: of e^400 nothing is seen in tanh 200, which is 2^-577 below 1. */
const quotient = (a: Value, b: Value): Value => ({ ...multiply(a, invert(b)), weight: a.weight + b.weight })

/** A value, with the weight of what was computed on the way where it is more than that of the arguments. */
const call = (name: string, args: ReadonlyArray<Value>): Complex & { readonly weight?: number } => {
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
      return real(Elementary.atan(real1(a)))
    case "arccot":
      return real(Ball.subtract(halve(Elementary.pi()), Elementary.atan(real1(a))))
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
      const degree = Ball.whole(real1(a))
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
      const quotient = floor(multiply(real(real1(a)), invert(real(real1(b)))), weight, false)
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
      const n = Ball.whole(real1(a))
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
      const all = args.map((x) => Ball.whole(real1(x)))
      if (!all.every((n) => n !== null)) throw undefinedValue("not whole numbers")
      const value = NormalForm.exact(name, all.map(Rational.integer))
      if (value === null) throw undefinedValue("no value")
      return real(rational(value))
    }
    case "max":
    case "min":
      return args.reduce<Complex>((x, y) => {
        const { re } = settled(real(Ball.subtract(real1(x), real1(y))), weight)
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

/** Functions whose values are not known: what they are worth depends on their normal form alone. */
const unknownFunctions = new Set(["apply", "cross", "dot", "matmul", "ratio", "clock", "det"])

/** A number without a pattern for a name, between 1/2 and 5/2. @category points */
export const anyNumber = (name: string, point = 0): Rational.Rational => {
  let hash = 7 + point * 7919
  for (const c of name) hash = (hash * 31 + (c.codePointAt(0) ?? 0)) % 1_000_003
  return Rational.make(BigInt(hash) + 500_000n, 1_000_003n)
}

/** Most terms of a sum or product that is computed one by one. */
const maxTerms = 5000

const visit = (e: Expression, at: Point): Value => {
  spend(2)
  switch (e.tag) {
    case "number":
      return { re: rational(e.value), im: Ball.zero, weight: bitsOf(e.value) }
    case "symbol": {
      const value = at.get(e.name)
      if (value === undefined) throw undefinedValue(`no value for ${e.name}`)
      return { re: rational(value), im: Ball.zero, weight: 8 }
    }
    case "constant":
      if (e.name === "i") return { re: Ball.zero, im: Ball.one, weight: 1 }
      return { ...real(e.name === "pi" ? Elementary.pi() : Elementary.exp(Ball.one)), weight: 4 }
    case "sum": {
      let out: Complex = real(Ball.zero)
      let weight = 2
      for (const term of e.terms) {
        const value = visit(term, at)
        out = add(out, value)
        weight += value.weight
      }
      return settled(out, weight)
    }
    case "product": {
      let out: Complex = real(Ball.one)
      let weight = 2
      for (const factor of e.factors) {
        const value = visit(factor, at)
        out = multiply(out, value)
        weight += value.weight
      }
      return settled(out, weight)
    }
    case "power": {
      const base = visit(e.base, at)
      const exact = rationalOf(e.exponent)
      if (exact !== null) {
        const out = power(base, real(rational(exact)), exact)
        return settled(out, base.weight + bitsOf(exact) + 2)
      }
      const exponent = visit(e.exponent, at)
      return settled(power(base, exponent, null), base.weight + exponent.weight + 2)
    }
    case "call": {
      if (unknownFunctions.has(e.name)) {
        const value = anyNumber(NormalForm.format(NormalForm.normalForm(e)))
        return { re: rational(value), im: Ball.zero, weight: 8 }
      }
      if (e.name === "sum" || e.name === "prod") {
        const [body, name, ...bounds] = e.args
        const [from, to] = bounds.map((bound) => Ball.whole(real1(visit(bound, at))))
        if (name.tag !== "symbol" || from === null || to === null) throw undefinedValue("no bounds")
        if (to - from >= maxTerms) throw undefinedValue("a value too large to compute")
        let out: Value = { ...real(e.name === "sum" ? Ball.zero : Ball.one), weight: 8 }
        for (let k = from; k <= to; k++) {
          const value = visit(body, new Map([...at, [name.name, Rational.integer(k)]]))
          const next = e.name === "sum" ? add(out, value) : multiply(out, value)
          out = settled(next, out.weight + value.weight)
        }
        return out
      }
      const args = e.args.map((arg) => visit(arg, at))
      const value = call(e.name, args)
      return settled(
        value,
        args.reduce((sum, { weight }) => sum + weight, 4 + (value.weight ?? 0)),
      )
    }
    case "based":
    case "list":
    case "matrix":
    case "quantity":
    case "relation":
    case "set":
    case "setop":
    case "text":
    case "tuple":
      throw undefinedValue(`a ${e.tag} has no value`)
  }
}

/** Bits that are tried, one after the other. */
const precisions = [96, 320, 640, 1400, 4000, 12_000]

/**
 * The value with what is 0 told from what is small, or why there is none: `undefined` where it has no value or one too large to
 * compute, `undecided` where the most bits do not suffice. With `isReal` the root of a negative number is undefined. Throws
 * `WorkExceeded`.
 *
 * @category evaluation
 */
export const evaluate = (
  e: Expression,
  at: Point = new Map(),
  from = 0,
  isReal = false,
): Value | "undefined" | "undecided" => {
  const before = onlyReal
  onlyReal = isReal
  try {
    return tried(e, at, from)
  } finally {
    onlyReal = before
  }
}
const tried = (e: Expression, at: Point, from: number): Value | "undefined" | "undecided" => {
  for (const bits of precisions) {
    if (bits < from) continue
    try {
      return Ball.withPrecision(bits, () => visit(e, at))
    } catch (error) {
      if (error instanceof Ball.NoValue) return "undefined"
      if (error instanceof NormalForm.Undefined) return "undefined"
      if (!(error instanceof Ball.Imprecise)) throw error
    }
  }
  return "undecided"
}

/** a - b as an expression. @category evaluation */
export const difference = (a: Expression, b: Expression): Expression => Syntax.sum([a, Syntax.negate(b)])
