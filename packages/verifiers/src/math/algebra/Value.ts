/**
 * Values of scalar expressions as complex balls. Principal branches; an odd `root` of a negative number is the real one. `Functions`
 * says when a value is 0.
 */
import * as Ball from "./Ball.ts"
import { add, type Complex, multiply, power, real, realOf, undefinedValue, within } from "./Complex.ts"
import * as Elementary from "./Elementary.ts"
import { bitsOf, call, rational, settled, type Value } from "./Functions.ts"
import * as NormalForm from "./NormalForm.ts"
import * as Rational from "./Rational.ts"
import { type Expression } from "../read/Syntax.ts"
import * as Syntax from "../read/Syntax.ts"
import { spend } from "./Work.ts"

export type { Value } from "./Functions.ts"

/** What each unknown is worth. @category models */
export type Point = ReadonlyMap<string, Rational.Rational>

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
        const [from, to] = bounds.map((bound) => Ball.whole(realOf(visit(bound, at))))
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
): Value | "undefined" | "undecided" => within(isReal, () => tried(e, at, from))
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
