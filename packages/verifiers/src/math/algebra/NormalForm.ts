/**
 * The exact normal form of a scalar expression: one generalised polynomial over another.
 *
 * Two forms are equal when the cross products are. Where all atoms are independent (unknowns, prime roots, i, and one of pi
 * and e) the forms decide both ways; else unequal forms prove nothing, and the values must be looked at.
 */
import * as Exact from "./Exact.ts"
import * as Polynomial from "./Polynomial.ts"
import * as Rational from "./Rational.ts"
import * as Syntax from "../read/Syntax.ts"
import { type Expression } from "../read/Syntax.ts"
import { spend } from "./Work.ts"

/** @category models */
export interface NormalForm {
  readonly num: Polynomial.Polynomial
  /** One, or several terms. */
  readonly den: Polynomial.Polynomial
}

/** A division by zero, or a power 0^0. @category errors */
export class Undefined extends Error {
  override readonly name = "Undefined"
}

const of = (num: Polynomial.Polynomial): NormalForm => ({ num, den: Polynomial.one })
const rational = (value: Rational.Rational): NormalForm => of(Polynomial.constant(value))

/** The value of a form that is a rational number, else null. @category conversions */
export const constantOf = (form: NormalForm): Rational.Rational | null =>
  form.den === Polynomial.one ? Polynomial.constantOf(form.num) : null

const isOne = (p: Polynomial.Polynomial): boolean => {
  const value = Polynomial.constantOf(p)
  return value !== null && Rational.equal(value, Rational.one)
}

const fraction = (num: Polynomial.Polynomial, den: Polynomial.Polynomial): NormalForm => {
  if (Polynomial.isZero(den)) throw new Undefined("division by zero")
  if (Polynomial.isZero(num)) return of(Polynomial.zero)
  const inverse = Polynomial.invert(den)
  if (inverse !== null) return of(isOne(inverse) ? num : Polynomial.multiply(num, inverse))
  if (Polynomial.equal(num, den)) return of(Polynomial.one)
  const by = Rational.invert(Polynomial.leading(den))
  return { num: Polynomial.scaled(num, by), den: Polynomial.scaled(den, by) }
}

const add = (a: NormalForm, b: NormalForm): NormalForm =>
  a.den === Polynomial.one && b.den === Polynomial.one
    ? of(Polynomial.add(a.num, b.num))
    : Polynomial.equal(a.den, b.den)
      ? fraction(Polynomial.add(a.num, b.num), a.den)
      : fraction(
          Polynomial.add(Polynomial.multiply(a.num, b.den), Polynomial.multiply(b.num, a.den)),
          Polynomial.multiply(a.den, b.den),
        )

const multiply = (a: NormalForm, b: NormalForm): NormalForm =>
  a.den === Polynomial.one && b.den === Polynomial.one
    ? of(Polynomial.multiply(a.num, b.num))
    : fraction(Polynomial.multiply(a.num, b.num), Polynomial.multiply(a.den, b.den))

/** The difference. @category arithmetic */
export const subtract = (a: NormalForm, b: NormalForm): NormalForm =>
  add(a, { num: Polynomial.negate(b.num), den: b.den })

/** The quotient; throws `Undefined` when `b` is 0. @category arithmetic */
export const divide = (a: NormalForm, b: NormalForm): NormalForm =>
  fraction(Polynomial.multiply(a.num, b.den), Polynomial.multiply(a.den, b.num))

/** n^e for a whole n > 0: prime roots, and `#` of a composite that could not be taken apart. */
const integerPower = (n: bigint, e: Rational.Rational): Polynomial.Polynomial => {
  const { primes, rest } = Exact.factor(n)
  let out = Polynomial.one
  for (const [prime, count] of primes)
    out = Polynomial.multiply(out, Polynomial.atom(`#${prime}`, Rational.multiply(Rational.integer(count), e)))
  if (rest === 1n) return out
  const root = Exact.squareRoot(rest)
  if (root !== null && root < 4_000_000n)
    return Polynomial.multiply(out, Polynomial.atom(`#${root}`, Rational.multiply(Rational.integer(2), e)))
  return Polynomial.multiply(out, Polynomial.atom(`(${rest})`, e))
}

const positive = (name: string): boolean =>
  name.startsWith("#") || name === "pi" || name === "e" || /^\([0-9]+\)$/.test(name)

/** An expression that stays whole, by the text of its parts. */
const opaque = (name: string, ...args: ReadonlyArray<NormalForm>): NormalForm => {
  const text = `${name}(${args.map(format).join("; ")})`
  // A long name is copied, hashed and compared again and again.
  spend(text.length / 4)
  return of(Polynomial.atom(text))
}

/** The form of base^exponent for an exponent that is a fraction. */
const rootPower = (base: NormalForm, e: Rational.Rational): NormalForm => {
  const whole = (): NormalForm => opaque("pow", base, rational(e))
  if (base.den !== Polynomial.one || base.num.size !== 1) {
    if (base.den === Polynomial.one && Polynomial.isZero(base.num)) {
      if (e.num < 0n) throw new Undefined("division by zero")
      return of(Polynomial.zero)
    }
    return whole()
  }
  const [{ coefficient, powers }] = base.num.values()
  const negative = coefficient.num < 0n
  // An odd root can be taken of each real factor.
  const isRealName = ([name]: readonly [string, Rational.Rational]): boolean =>
    positive(name) || /^[^();]* $/.test(name)
  const odd = e.den % 2n === 1n && powers.every(isRealName)
  if (negative && e.den !== 2n) return whole()
  // (-c m)^(p/2) is only split where m is positive: sqrt(-x) stays whole.
  if (negative && !powers.every(([name]) => positive(name))) return whole()
  const size = negative ? Rational.negate(coefficient) : coefficient
  let out = Polynomial.multiply(integerPower(size.num, e), integerPower(size.den, Rational.negate(e)))
  if (negative) out = Polynomial.multiply(out, Polynomial.atom("i", Rational.integer(e.num)))
  const others = powers.filter(([name]) => !positive(name))
  for (const [name, exponent] of powers)
    if (positive(name)) out = Polynomial.multiply(out, Polynomial.atom(name, Rational.multiply(exponent, e)))
  if ((others.length === 1 && Rational.equal(others[0][1], Rational.one) && others[0][0] !== "i") || odd) {
    for (const [name, exponent] of others)
      out = Polynomial.multiply(out, Polynomial.atom(name, Rational.multiply(exponent, e)))
    return of(out)
  }
  if (others.length > 0) {
    let rest = Polynomial.one
    for (const [name, exponent] of others) rest = Polynomial.multiply(rest, Polynomial.atom(name, exponent))
    return multiply(of(out), opaque("pow", of(rest), rational(e)))
  }
  return of(out)
}

/** Largest whole exponent of a sum that is multiplied out, and most terms of the outcome. */
const maxExpansion = 60
const maxTerms = 2000

/** How many terms a power of `terms` terms can have: (n + t - 1) over (t - 1). */
const expanded = (terms: number, n: number): number => {
  let out = 1
  for (let k = 1; k < terms && out <= maxTerms; k++) out = (out * (n + k)) / k
  return out
}

const power = (base: NormalForm, exponent: NormalForm): NormalForm => {
  const e = constantOf(exponent)
  if (e === null) return opaque("pow", base, exponent)
  if (!Rational.isInteger(e)) return rootPower(base, e)
  if (e.num === 0n) {
    if (Polynomial.isZero(base.num)) throw new Undefined("0^0")
    return of(Polynomial.one)
  }
  const n = e.num < 0n ? -e.num : e.num
  const value = constantOf(base)
  const size = value === null ? 0 : Math.log2(Math.max(Math.abs(Number(value.num)), Number(value.den)))
  const trivial = value !== null && value.den === 1n && (value.num === 1n || value.num === -1n || value.num === 0n)
  const fits =
    trivial || (value === null ? base.num.size === 1 && base.den === Polynomial.one : Number(n) * size < 32_000)
  if (n > BigInt(maxExpansion) && !fits) return opaque("pow", base, exponent)
  if (n > 32_000n && !trivial) return opaque("pow", base, exponent)
  if (Math.max(expanded(base.num.size, Number(n)), expanded(base.den.size, Number(n))) > maxTerms)
    return opaque("pow", base, exponent)
  const k = trivial ? (n % 2n === 0n ? 2 : 1) : Number(n)
  const [num, den] = [
    Polynomial.power(base.num, k),
    base.den === Polynomial.one ? base.den : Polynomial.power(base.den, k),
  ]
  return e.num > 0n ? fraction(num, den) : fraction(den, num)
}

const isUnordered = (name: string): boolean => /^(?:gcd|lcm|max|min)$/.test(name)

const called = (name: string, given: ReadonlyArray<NormalForm>): NormalForm => {
  const args = isUnordered(name) ? [...given].sort((x, y) => (format(x) < format(y) ? -1 : 1)) : given
  if (name === "root" && args.length === 2) {
    const [degree, radicand] = args.map(constantOf)
    if (degree === null || Rational.isZero(degree)) return opaque("root", ...args)
    const inverse = rational(Rational.invert(degree))
    // An odd root of a negative number is the real one.
    if (radicand !== null && radicand.num < 0n && Rational.isInteger(degree) && degree.num % 2n !== 0n)
      return multiply(rational(Rational.integer(-1)), power(rational(Rational.negate(radicand)), inverse))
    return power(args[1], inverse)
  }
  if (name === "binom" && args.length === 2) {
    // n over k is a polynomial in n.
    const k = constantOf(args[1])
    if (k !== null && Rational.isInteger(k) && k.num >= 0n && k.num <= 12n && constantOf(args[0]) === null) {
      let out = rational(Rational.one)
      for (let i = 0n; i < k.num; i++) {
        const factor = subtract(args[0], rational(Rational.integer(i)))
        out = multiply(out, multiply(factor, rational(Rational.make(1n, i + 1n))))
      }
      return out
    }
  }
  // What does not care for the order has one.
  if ((name === "cross" || name === "dot") && args.length === 2) {
    const [x, y] = args.map(format)
    if (x > y) {
      const turned = called(name, [args[1], args[0]])
      return name === "dot" ? turned : multiply(rational(Rational.integer(-1)), turned)
    }
    if (name === "cross" && x === y) return of(Polynomial.zero)
  }
  const values = args.map(constantOf)
  const value = values.every((v) => v !== null) ? Exact.exact(name, values) : null
  return value === null ? opaque(name, ...args) : rational(value)
}

/** A sum or product with number bounds, term by term; null for anything else. */
const summed = (e: Syntax.Tagged<"call">): NormalForm | null => {
  if (e.name !== "sum" && e.name !== "prod") return null
  const [body, name, ...bounds] = e.args
  const [from, to] = bounds.map((bound) => constantOf(normalForm(bound)))
  if (from === null || to === null || !Rational.isInteger(from) || !Rational.isInteger(to)) return null
  if (to.num - from.num > 1000n) return null
  let out = rational(e.name === "sum" ? Rational.zero : Rational.one)
  for (let k = from.num; k <= to.num; k++) {
    const term = normalForm(Syntax.replace(body, name, Syntax.number(Rational.integer(k))))
    out = e.name === "sum" ? add(out, term) : multiply(out, term)
  }
  return out
}

/**
 * The normal form of a scalar. Throws `Undefined` for a division by zero, `WorkExceeded`, and a `TypeError` for what is no
 * scalar.
 *
 * @category constructors
 */
export const normalForm = (e: Expression): NormalForm => {
  spend(3)
  switch (e.tag) {
    case "number":
      return rational(e.value)
    case "symbol":
      return of(Polynomial.atom(`${e.name} `))
    case "constant":
      return of(Polynomial.atom(e.name))
    case "sum":
      return e.terms.map(normalForm).reduce(add)
    case "product":
      return e.factors.map(normalForm).reduce(multiply)
    case "power":
      return power(normalForm(e.base), normalForm(e.exponent))
    case "call":
      return summed(e) ?? called(e.name, e.args.map(normalForm))
    case "based":
    case "list":
    case "matrix":
    case "quantity":
    case "relation":
    case "set":
    case "setop":
    case "text":
    case "tuple":
      throw new TypeError(`a ${e.tag} is not a scalar`)
  }
}

/** The same text for equal forms; equal expressions may still have different forms. @category conversions */
export const format = (form: NormalForm): string => {
  const num = Polynomial.format(form.num)
  return form.den === Polynomial.one ? num : `(${num})/(${Polynomial.format(form.den)})`
}

/** Whether the forms are equal as they stand: then the expressions are. @category comparison */
export const equal = (a: NormalForm, b: NormalForm): boolean =>
  a.den === b.den || Polynomial.equal(a.den, b.den)
    ? Polynomial.equal(a.num, b.num)
    : Polynomial.equal(Polynomial.multiply(a.num, b.den), Polynomial.multiply(b.num, a.den))

/** With sin^2 as 1 - cos^2 throughout. */
const withoutSquaredSines = (a: Polynomial.Polynomial): Polynomial.Polynomial => {
  let out = Polynomial.zero
  for (const { coefficient, powers } of a.values()) {
    let term = Polynomial.constant(coefficient)
    for (const [name, exponent] of powers) {
      const pairs =
        name.startsWith("sin(") && Rational.isInteger(exponent) && exponent.num > 1n ? exponent.num / 2n : 0n
      const rest = Rational.add(exponent, Rational.integer(-2n * pairs))
      if (!Rational.isZero(rest)) term = Polynomial.multiply(term, Polynomial.atom(name, rest))
      const cosine = Polynomial.atom(`cos(${name.slice("sin(".length)}`, Rational.integer(2))
      const square = Polynomial.add(Polynomial.one, Polynomial.negate(cosine))
      if (pairs > 0n) term = Polynomial.multiply(term, Polynomial.power(square, Number(pairs)))
    }
    out = Polynomial.add(out, term)
  }
  return out
}

/** As `equal`, with sin^2 + cos^2 = 1. @category comparison */
export const equalByTrigonometry = (a: NormalForm, b: NormalForm): boolean => {
  const { num } = subtract(a, b)
  return (
    [...Polynomial.atoms(num)].some((name) => name.startsWith("sin(")) && Polynomial.isZero(withoutSquaredSines(num))
  )
}

/** Whether all atoms of these forms are independent of each other: then unequal forms are unequal expressions. @category comparison */
export const isFree = (...forms: ReadonlyArray<NormalForm>): boolean => {
  let transcendental: string | null = null
  for (const { den, num } of forms)
    for (const polynomial of [num, den])
      for (const name of Polynomial.atoms(polynomial)) {
        if (name === "pi" || name === "e") {
          if (transcendental !== null && transcendental !== name) return false
          transcendental = name
        } else if (name !== "i" && !name.startsWith("#") && !/^[^();]* $/.test(name)) return false
      }
  return true
}
