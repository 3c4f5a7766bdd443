/**
 * Strict equality of answers of any kind.
 *
 * - A name before an equals sign and a unit after a number may be missing on one side; two that differ do not match.
 * - Lists and sets match as whole multisets, `\pm` being two answers; tuples match in order and with their brackets.
 * - Inequalities, intervals and their unions match as sets of numbers; equations when one is a multiple of the other.
 * - A decimal is the number that it says. It stands for a number that no decimal can say, as 1/3 and 3 pi, when it is given to
 *   `decimals` places and as many significant digits.
 * - A number in another base keeps its base.
 */
import * as Ball from "../algebra/Ball.ts"
import * as Value from "../algebra/Value.ts"
import { decide, type Outcome } from "./Equality.ts"
import * as NormalForm from "../algebra/NormalForm.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Region from "./Region.ts"
import { chained, measure, named, relation, several } from "./Shapes.ts"
import * as Syntax from "../read/Syntax.ts"
import { type Expression } from "../read/Syntax.ts"
import * as Words from "../read/Words.ts"
import { spend } from "../algebra/Work.ts"

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

const scalars = (a: Expression, b: Expression, options: Options): Outcome => {
  const outcome = decide(a, b)
  if (outcome !== "different") return outcome
  const { decimals = 6 } = options
  return stands(a, b, decimals) || stands(b, a, decimals) ? "equal" : "different"
}

const all = (outcomes: Iterable<Outcome>): Outcome => {
  let out: Outcome = "equal"
  for (const outcome of outcomes) {
    if (outcome === "different") return "different"
    if (outcome === "unknown") out = "unknown"
  }
  return out
}

const inOrder = (a: ReadonlyArray<Expression>, b: ReadonlyArray<Expression>, options: Options): Outcome =>
  a.length === b.length ? all(a.map((x, i) => compare(x, b[i], options))) : "different"

/** Most answers in a list. */
const maxItems = 100

const anyOrder = (a: ReadonlyArray<Expression>, b: ReadonlyArray<Expression>, options: Options): Outcome => {
  if (a.length !== b.length || a.length > maxItems) return "different"
  // Items that name different things keep their names: x = 1, y = 2 is not 1, 2.
  const names = (items: ReadonlyArray<Expression>): Set<string> =>
    new Set(items.map(named).flatMap((n) => (n === null ? [] : [JSON.stringify(n.name)])))
  if ((names(a).size > 1 || names(b).size > 1) && names(a).size !== names(b).size) return "different"
  const rest = [...b]
  let open = false
  for (const x of a) {
    let found = -1
    for (const [i, y] of rest.entries()) {
      spend(10)
      const outcome = compare(x, y, options)
      if (outcome === "equal") {
        found = i
        break
      }
      if (outcome === "unknown") open = true
    }
    if (found < 0) return open ? "unknown" : "different"
    rest.splice(found, 1)
  }
  return "equal"
}

const regions = (a: Region.Region, b: Region.Region, options: Options): Outcome => {
  if (a.name !== null && b.name !== null && a.name !== b.name) return "different"
  if (a.intervals.length !== b.intervals.length) return "different"
  return all(
    a.intervals.flatMap((x, i) => {
      const y = b.intervals[i]
      if (x.lowClosed !== y.lowClosed || x.highClosed !== y.highClosed) return ["different" as const]
      return [scalars(x.low, y.low, options), scalars(x.high, y.high, options)]
    }),
  )
}

const isRegionOnly = (e: Expression): boolean =>
  e.tag === "setop" ||
  (e.tag === "symbol" && e.name === "set R") ||
  (e.tag === "relation" && !e.relations.every((r) => r === "=" || r === "~"))

/**
 * Compares two answers as expressions. Throws `WorkExceeded`, and `NormalForm.Undefined` for a division by zero.
 *
 * @category comparison
 */
export const compare = (a: Expression, b: Expression, options: Options = {}): Outcome => {
  spend(10)
  if (a.tag === "number" && b.tag === "number") return scalars(a, b, options)
  const [words, otherWords] = [Words.spelled(a), Words.spelled(b)]
  if (a.tag === "text" || b.tag === "text")
    return words !== null && otherWords !== null && Words.alike(words, otherWords) ? "equal" : "different"

  if ([a, b].some((e) => isRegionOnly(e) || (e.tag === "list" && e.items.some(isRegionOnly)))) {
    const [x, y] = [Region.of(a), Region.of(b)]
    if (x !== null && y !== null) return regions(x, y, options)
    if (a.tag === "setop" && b.tag === "setop" && a.op === b.op)
      return a.op === "setminus" ? inOrder(a.items, b.items, options) : anyOrder(a.items, b.items, options)
    if (a.tag !== "list" && b.tag !== "list") return related(a, b, options)
  }

  const [saysA, saysB] = [named(a), named(b)]
  if (saysA !== null && saysB !== null && JSON.stringify(saysA.name) === JSON.stringify(saysB.name))
    return compare(saysA.value, saysB.value, options)
  if (saysA !== null && b.tag !== "relation" && b.tag !== "list") return compare(saysA.value, b, options)
  if (saysB !== null && a.tag !== "relation" && a.tag !== "list") return compare(a, saysB.value, options)

  const [manyA, manyB] = [several(a), several(b)]
  if (manyA.length !== 1 || manyB.length !== 1) return anyOrder(manyA, manyB, options)
  if (manyA[0] !== a || manyB[0] !== b) return compare(manyA[0], manyB[0], options)

  if (a.tag === "quantity" || b.tag === "quantity") {
    const [x, y] = [a, b].map((e) => (e.tag === "quantity" ? measure(e, options) : { value: e, unit: null }))
    if (x.unit !== null && y.unit !== null && x.unit !== y.unit) return "different"
    return compare(x.value, y.value, options)
  }
  if (a.tag === "relation" || b.tag === "relation") {
    const [x, y] = [chained(a), chained(b)]
    if (x !== null && b.tag !== "relation") return compare(x, b, options)
    if (y !== null && a.tag !== "relation") return compare(a, y, options)
    return related(a, b, options)
  }
  if (a.tag === "tuple" && b.tag === "tuple")
    return a.open === b.open && a.close === b.close ? inOrder(a.items, b.items, options) : "different"
  if (a.tag === "matrix" && b.tag === "matrix")
    return a.rows.length === b.rows.length ? all(a.rows.map((row, i) => inOrder(row, b.rows[i], options))) : "different"
  if (a.tag === "based" && b.tag === "based") return a.base === b.base && a.digits === b.digits ? "equal" : "different"
  if (Syntax.isScalar(a) && Syntax.isScalar(b)) return scalars(a, b, options)
  return alike(a, b, options)
}

const related = (a: Expression, b: Expression, options: Options): Outcome => {
  if (a.tag !== "relation" || b.tag !== "relation") return "different"
  const [x, y] = [relation(a), relation(b)]
  if (x !== null && y !== null && x.kind === y.kind && NormalForm.equal(x.form, y.form)) return "equal"
  const same = a.relations.length === b.relations.length && a.relations.every((r, i) => r === b.relations[i])
  return same ? inOrder(a.sides, b.sides, options) : "different"
}

/** Functions of what is no scalar, as the determinant of a matrix: equal when their parts are. */
const alike = (a: Expression, b: Expression, options: Options): Outcome => {
  if (a.tag !== b.tag) return "different"
  if (a.tag === "call" && b.tag === "call") return a.name === b.name ? inOrder(a.args, b.args, options) : "different"
  return JSON.stringify(a, (_, v: unknown) => (typeof v === "bigint" ? `${v}` : v)) ===
    JSON.stringify(b, (_, v: unknown) => (typeof v === "bigint" ? `${v}` : v))
    ? "equal"
    : "different"
}
