/** What Math-Verify's reading makes of parts: products, sums and quotients with as little computed as the original does, lists. */
import * as Rational from "../../algebra/Rational.ts"
import * as Syntax from "../../read/Syntax.ts"
import { type Expression } from "../../read/Syntax.ts"
import * as Scalar from "../Scalar.ts"
import { Unreadable } from "./Tokens.ts"
import { isSet, scalar, type Value } from "./Values.ts"

export const parseNumber = (text: string): Expression => {
  const bare = text.replaceAll(",", "")
  return Syntax.number(
    Rational.fromDecimal(bare),
    bare.includes(".") ? Math.max(15, bare.replace(".", "").length) : null,
  )
}

export const isInteger = (x: Expression): x is Syntax.Tagged<"number"> =>
  x.tag === "number" && x.digits === null && Rational.isInteger(x.value)
export const isPositiveRational = (x: Expression): x is Syntax.Tagged<"number"> =>
  x.tag === "number" && x.digits === null && x.value.num > 0n

/** a times b, flat, nothing computed. */
export const times = (a: Expression, b: Expression): Expression =>
  Syntax.product([...(a.tag === "product" ? a.factors : [a]), ...(b.tag === "product" ? b.factors : [b])])
export const plus = (a: Expression, b: Expression): Expression =>
  Syntax.sum([...(a.tag === "sum" ? a.terms : [a]), ...(b.tag === "sum" ? b.terms : [b])])
export const minus = (a: Expression): Expression => (a.tag === "number" ? Syntax.negate(a) : times(Syntax.minusOne, a))
export const divide = (a: Expression, b: Expression): Expression => {
  if (!isInteger(a) || !isInteger(b)) return times(a, Syntax.power(b, Syntax.minusOne))
  if (b.value.num === 0n) throw new Unreadable("division by zero")
  return Syntax.number(Rational.make(a.value.num, b.value.num))
}

/** `(a, b)` and the like: an interval unless its ends are known to stand the wrong way round. */
export const interval = (from: Expression, to: Expression, leftOpen: boolean, rightOpen: boolean): Value => {
  const [a, b] = [bound(from), bound(to)]
  if (a !== null && b !== null) {
    const backwards = leftOpen && rightOpen ? b <= a : !leftOpen && !rightOpen ? b < a : false
    if (backwards) return { kind: "tuple", items: [scalar(from), scalar(to)] }
    if (a === b && !leftOpen && !rightOpen) return { kind: "set", items: [scalar(from)] }
    if (b <= a) return { kind: "named", name: "empty" }
  }
  // Nothing reaches infinity.
  return { kind: "interval", from, to, leftOpen: leftOpen || a === -Infinity, rightOpen: rightOpen || b === Infinity }
}

/** The value of an end of an interval, possibly infinite; null when it has unknowns. @category values */
export const bound = (x: Expression): number | null => {
  if (x.tag === "symbol" && x.name === "infinity") return Infinity
  if (x.tag === "product" && x.factors.length === 2) {
    const [sign, rest] = x.factors
    if (sign.tag === "number" && rest.tag === "symbol" && rest.name === "infinity")
      return sign.value.num < 0n ? -Infinity : Infinity
  }
  return Scalar.approximate(x)
}

export const isTerm = (v: Value): boolean => v.kind === "scalar" || v.kind === "matrix"
export const isScalarOrRelation = (v: Value): boolean => v.kind === "scalar" || v.kind === "relation"

/** What may stand before `=` as a name: a symbol, or a tuple of symbols in brackets. */
export const namesOf = (v: Value): Value | null => {
  const name = (x: Expression): boolean => x.tag === "symbol"
  if (v.kind === "scalar") return name(v.e) ? v : null
  if (v.kind === "interval" && v.leftOpen && v.rightOpen && name(v.from) && name(v.to))
    return { kind: "tuple", items: [scalar(v.from), scalar(v.to)] }
  if (v.kind === "tuple" && v.items.every((item) => item.kind === "scalar" && name(item.e))) return v
  return null
}

/** One value, a set of values, or a set of tuples when semicolons separate lists. */
export const setOf = (groups: ReadonlyArray<ReadonlyArray<Value>>): Value => {
  if (groups.length === 1) return groups[0].length === 1 ? groups[0][0] : { kind: "set", items: groups[0] }
  if (groups.every((group) => group.length === 1)) return { kind: "set", items: groups.map(([only]) => only) }
  return { kind: "set", items: groups.map((items) => ({ kind: "tuple", items })) }
}

export const asSet = (v: Value): Value => {
  if (v.kind === "tuple") return { kind: "set", items: v.items }
  if (!isSet(v)) throw new Unreadable(`a ${v.kind} where a set belongs`)
  return v
}

export const negate = (v: Value): Value => {
  if (v.kind === "matrix") return { kind: "matrix", rows: v.rows.map((row) => row.map(minus)) }
  if (v.kind !== "scalar") throw new Unreadable(`minus a ${v.kind}`)
  return scalar(minus(v.e))
}
export const multiply = (a: Value, b: Value): Value => {
  if (a.kind === "scalar" && b.kind === "scalar") return scalar(times(a.e, b.e))
  if (a.kind === "scalar" && b.kind === "matrix")
    return { kind: "matrix", rows: b.rows.map((row) => row.map((x) => times(a.e, x))) }
  if (a.kind === "matrix" && b.kind === "scalar") return multiply(b, a)
  throw new Unreadable("a product of these")
}
/** Factors side by side: an integer before a positive rational is a mixed number. */
export const juxtapose = (a: Value, b: Value): Value => {
  if (a.kind === "scalar" && b.kind === "scalar" && isInteger(a.e) && isPositiveRational(b.e)) {
    const whole = a.e.value
    return scalar(Syntax.number(Rational.add(whole, whole.num < 0n ? Rational.negate(b.e.value) : b.e.value)))
  }
  return multiply(a, b)
}
export const addMatrices = (
  a: Extract<Value, { readonly kind: "matrix" }>,
  b: Extract<Value, { readonly kind: "matrix" }>,
  subtract: boolean,
): Value => {
  if (a.rows.length !== b.rows.length || a.rows[0].length !== b.rows[0].length)
    throw new Unreadable("matrices of different shapes")
  return {
    kind: "matrix",
    rows: a.rows.map((row, i) => row.map((x, j) => plus(x, subtract ? minus(b.rows[i][j]) : b.rows[i][j]))),
  }
}
export const transpose = (m: Extract<Value, { readonly kind: "matrix" }>): Value => ({
  kind: "matrix",
  rows: m.rows[0].map((_, j) => m.rows.map((row) => row[j])),
})
export const determinant = (rows: ReadonlyArray<ReadonlyArray<Expression>>): Expression => {
  if (rows.length !== rows[0].length || rows.length > 3) throw new Unreadable("a determinant of this shape")
  if (rows.length === 1) return rows[0][0]
  return Syntax.sum(
    rows[0].map((x, j) => {
      const minor = determinant(rows.slice(1).map((row) => row.filter((_, k) => k !== j)))
      return j % 2 === 0 ? times(x, minor) : times(Syntax.minusOne, times(x, minor))
    }),
  )
}

/** Whether a comma belongs to one number: `1,000` is not a list. */
