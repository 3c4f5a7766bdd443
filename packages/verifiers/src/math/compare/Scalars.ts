/**
 * Equality of numbers and formulas with what a written number may stand for: a decimal for 1/3, a root for the one that is real.
 */
import * as Ball from "../algebra/Ball.ts"
import * as NormalForm from "../algebra/NormalForm.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Value from "../algebra/Value.ts"
import * as Syntax from "../read/Syntax.ts"
import { type Expression } from "../read/Syntax.ts"
import { decide, type Outcome } from "./Equality.ts"

/** @category models */
export interface Options {
  /** Decimal places from which a decimal may stand for 1/3 or a surd; `Infinity`: never. Default 6. */
  readonly decimals?: number
  /** `value`: 50 % is 1/2. `unit`: 50 % is 50, and not 1/2. Default `value`. */
  readonly percent?: "value" | "unit"
}

/** A decimal by itself: its value, places and significant digits; null for anything else. */
const decimal = (e: Expression): { value: Rational.Rational; places: number; digits: number } | null => {
  if (e.tag !== "number" || e.digits === null) return null
  // The written value is m / 10^places in lowest terms at best; digits give the places.
  const size = Math.abs(Number(e.value.num) / Number(e.value.den))
  const magnitude = size === 0 || !Number.isFinite(size) ? 0 : Math.floor(Math.log10(size)) + 1
  return { value: e.value, places: e.digits - magnitude, digits: e.digits }
}

const terminates = (value: Rational.Rational): boolean => {
  let { den } = value
  for (const p of [2n, 5n]) while (den % p === 0n) den /= p
  return den === 1n
}

/** Whether decimal `a` is the number `b`, which no decimal can say, as far as it is written. */
const stands = (a: Expression, b: Expression, decimals: number): boolean => {
  const given = decimal(a)
  if (given === null || Math.min(given.places, given.digits) < decimals || decimal(b) !== null) return false
  if (Syntax.unknowns(b).length > 0) return false
  const exact = NormalForm.constantOf(NormalForm.normalForm(b))
  if (exact !== null && terminates(exact)) return false
  const value = Value.evaluate(b, new Map(), 320)
  if (typeof value === "string" || !Ball.isZero(value.im)) return false
  const negative = given.value.num < 0n
  const written = Value.difference(Syntax.number(given.value), b)
  const rest = Value.evaluate(negative ? written : Syntax.negate(written), new Map(), 320)
  if (typeof rest === "string") return false
  // Rounded or cut off: from half a unit of the last place below what is meant to a whole one above.
  const unit = Ball.divide(Ball.one, Ball.integer(10n ** BigInt(given.places)))
  const [low, high] = [Ball.add(rest.re, Ball.shifted(unit, -1)), Ball.subtract(unit, rest.re)]
  return !Ball.containsZero(low) && Ball.sign(low) > 0 && !Ball.containsZero(high) && Ball.sign(high) > 0
}

/** (-8)^{1/3} as the root that is real. */
const realRoots = (e: Expression): Expression => {
  if (e.tag === "sum" || e.tag === "product") {
    const parts = Syntax.children(e)
    const roots = parts.map(realRoots)
    if (roots.every((part, i) => part === parts[i])) return e
    return e.tag === "sum" ? Syntax.sum(roots) : Syntax.product(roots)
  }
  if (e.tag !== "power" || Syntax.unknowns(e).length > 0 || !Syntax.isScalar(e)) return e
  const [base, exponent] = [e.base, e.exponent].map((part) => NormalForm.constantOf(NormalForm.normalForm(part)))
  if (base === null || exponent === null || base.num >= 0n || exponent.den % 2n === 0n || exponent.den === 1n) return e
  return Syntax.power(
    Syntax.call("root", Syntax.integer(Number(exponent.den)), e.base),
    Syntax.number(Rational.integer(exponent.num)),
  )
}

/** Whether two numbers or formulas are equal, a decimal standing for what it cannot say. @category comparison */
export const scalars = (a: Expression, b: Expression, options: Options): Outcome => {
  const outcome = decide(a, b)
  if (outcome !== "different") return outcome
  const [x, y] = [realRoots(a), realRoots(b)]
  if ((x !== a || y !== b) && decide(x, y) === "equal") return "equal"
  const { decimals = 6 } = options
  return stands(a, b, decimals) || stands(b, a, decimals) ? "equal" : "different"
}

/** Equal where all are, different where one is. @category comparison */
export const all = (outcomes: Iterable<Outcome>): Outcome => {
  let out: Outcome = "equal"
  for (const outcome of outcomes) {
    if (outcome === "different") return "different"
    if (outcome === "unknown") out = "unknown"
  }
  return out
}
