/**
 * Generalised polynomials: sums of a rational coefficient times powers of atoms with rational exponents. Atoms are written as
 * text: `#p` is the prime p, which only has exponents in (0, 1); `i` only has exponent 1; `x` is the unknown x; `pi` and `e`
 * the constants; anything else stands for an expression that is not taken apart.
 */
import * as Rational from "./Rational.ts"
import { spend } from "./Work.ts"

/** Exponents by atom, sorted by atom. @category models */
export type Powers = ReadonlyArray<readonly [atom: string, exponent: Rational.Rational]>

/** @category models */
export interface Term {
  readonly coefficient: Rational.Rational
  readonly powers: Powers
}

/** Terms by the text of their powers; no coefficient is 0. @category models */
export type Polynomial = ReadonlyMap<string, Term>

const keyOf = (powers: Powers): string => powers.map(([atom, e]) => `${atom}^${Rational.format(e)}`).join("*")

/** @category constructors */
export const zero: Polynomial = new Map()

/** @category constructors */
export const constant = (value: Rational.Rational): Polynomial =>
  Rational.isZero(value) ? zero : new Map([["", { coefficient: value, powers: [] }]])

/** @category constructors */
export const one: Polynomial = constant(Rational.one)

/** A power of one atom, in lowest terms as `multiply` would leave it. @category constructors */
export const atom = (name: string, exponent: Rational.Rational = Rational.one): Polynomial => {
  const powers: Powers = [[name, exponent]]
  return multiply(one, new Map([[keyOf(powers), { coefficient: Rational.one, powers }]]))
}

/** @category predicates */
export const isZero = (a: Polynomial): boolean => a.size === 0

/** The value of a polynomial without atoms; null when it has some. @category conversions */
export const constantOf = (a: Polynomial): Rational.Rational | null =>
  a.size === 0 ? Rational.zero : a.size === 1 ? (a.get("")?.coefficient ?? null) : null

/** @category arithmetic */
export const add = (a: Polynomial, b: Polynomial): Polynomial => {
  if (a.size === 0) return b
  const out = new Map(a)
  for (const [key, term] of b) {
    spend(4)
    const before = out.get(key)
    if (before === undefined) {
      out.set(key, term)
      continue
    }
    const coefficient = Rational.add(before.coefficient, term.coefficient)
    if (Rational.isZero(coefficient)) out.delete(key)
    else out.set(key, { coefficient, powers: term.powers })
  }
  return out
}

const scale = (a: Polynomial, by: Rational.Rational): Polynomial => {
  const out = new Map<string, Term>()
  for (const [key, { coefficient, powers }] of a)
    out.set(key, { coefficient: Rational.multiply(coefficient, by), powers })
  return out
}

/** @category arithmetic */
export const negate = (a: Polynomial): Polynomial => scale(a, Rational.integer(-1))

const floor = (a: Rational.Rational): bigint => (a.num >= 0n ? a.num / a.den : -((-a.num + a.den - 1n) / a.den))

/** The product of two terms: i^2 is -1, and whole powers of primes are part of the coefficient. */
const times = (a: Term, b: Term): Term => {
  spend(6 + a.powers.length + b.powers.length)
  let coefficient = Rational.multiply(a.coefficient, b.coefficient)
  if (a.powers.length === 0 && b.powers.length === 0) return { coefficient, powers: [] }
  const merged = new Map(a.powers)
  for (const [name, e] of b.powers) {
    const before = merged.get(name)
    merged.set(name, before === undefined ? e : Rational.add(before, e))
  }
  const powers: Array<readonly [string, Rational.Rational]> = []
  for (const [name, exponent] of merged) {
    let e = exponent
    if (name === "i" && Rational.isInteger(e)) {
      const turns = ((e.num % 4n) + 4n) % 4n
      if (turns >= 2n) coefficient = Rational.negate(coefficient)
      e = Rational.integer(turns % 2n)
    } else if (name.startsWith("#")) {
      const whole = floor(e)
      if (whole !== 0n) {
        const prime = Rational.integer(BigInt(name.slice(1)))
        coefficient = Rational.multiply(coefficient, Rational.power(prime, Number(whole)))
        e = Rational.add(e, Rational.integer(-whole))
      }
    }
    if (!Rational.isZero(e)) powers.push([name, e])
  }
  if (powers.length > 1) powers.sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0))
  return { coefficient, powers }
}

/** @category arithmetic */
export const multiply = (a: Polynomial, b: Polynomial): Polynomial => {
  const out = new Map<string, Term>()
  for (const x of a.values())
    for (const y of b.values()) {
      const term = times(x, y)
      const key = keyOf(term.powers)
      const before = out.get(key)
      const coefficient = before === undefined ? term.coefficient : Rational.add(before.coefficient, term.coefficient)
      if (Rational.isZero(coefficient)) out.delete(key)
      else out.set(key, { coefficient, powers: term.powers })
    }
  return out
}

/** A power with a whole exponent, >= 0. @category arithmetic */
export const power = (a: Polynomial, exponent: number): Polynomial => {
  const value = constantOf(a)
  if (value !== null) return constant(Rational.power(value, exponent))
  let out = one
  let square = a
  for (let n = exponent; n > 0; n >>= 1) {
    if (n & 1) out = multiply(out, square)
    if (n > 1) square = multiply(square, square)
  }
  return out
}

/** The reciprocal of a single term; null for none or several. @category arithmetic */
export const invert = (a: Polynomial): Polynomial | null => {
  if (a.size !== 1) return null
  const [{ coefficient, powers }] = a.values()
  const inverse: Term = {
    coefficient: Rational.invert(coefficient),
    powers: powers.map(([name, e]) => [name, Rational.negate(e)] as const),
  }
  return multiply(one, new Map([[keyOf(inverse.powers), inverse]]))
}

/** @category predicates */
export const equal = (a: Polynomial, b: Polynomial): boolean => {
  if (a.size !== b.size) return false
  for (const [key, { coefficient }] of a) {
    const other = b.get(key)
    if (other === undefined || !Rational.equal(coefficient, other.coefficient)) return false
  }
  return true
}

/** The number that a term's greatness is ordered by does not matter, only that it is fixed: by the text of the powers. */
const ordered = (a: Polynomial): Array<readonly [string, Term]> =>
  [...a].sort(([x], [y]) => (x.length !== y.length ? y.length - x.length : x < y ? -1 : x > y ? 1 : 0))

/** The same text for equal polynomials. @category conversions */
export const format = (a: Polynomial): string =>
  a.size === 0
    ? "0"
    : ordered(a)
        .map(([key, { coefficient }]) => {
          const powers = key.replaceAll(/\^1(?=\*|$)/g, "")
          if (powers === "") return Rational.format(coefficient)
          if (Rational.equal(coefficient, Rational.one)) return powers
          return `${Rational.format(coefficient)}*${powers}`
        })
        .join(" + ")

/** The first term's coefficient in a fixed order, never 0 unless the polynomial is. @category conversions */
export const leading = (a: Polynomial): Rational.Rational => ordered(a)[0]?.[1].coefficient ?? Rational.zero

/** Every coefficient times `by`. @category arithmetic */
export const scaled = scale

/** The atoms that occur. @category conversions */
export const atoms = (a: Polynomial): ReadonlySet<string> =>
  new Set([...a.values()].flatMap(({ powers }) => powers.map(([name]) => name)))
