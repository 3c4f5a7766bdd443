/** Matrices that are given by other matrices: multiples, sums, products, transposes, determinants, unit vectors, nested lists. */
import * as Rational from "../algebra/Rational.ts"
import { spend } from "../algebra/Work.ts"
import * as Syntax from "../read/Syntax.ts"
import { type Expression } from "../read/Syntax.ts"

type Rows = ReadonlyArray<ReadonlyArray<Expression>>

const matrix = (rows: Rows): Expression => ({ tag: "matrix", rows })
const isMatrix = (e: Expression): e is Syntax.Tagged<"matrix"> => e.tag === "matrix"
const transpose = (rows: Rows): Rows => rows[0].map((_, column) => rows.map((row) => row[column]))

/** Largest determinant that is multiplied out. */
const maxSize = 6
const minor = (rows: Rows, column: number): Rows => rows.slice(1).map((row) => row.filter((_, i) => i !== column))
const determinant = (rows: Rows): Expression => {
  spend(20)
  if (rows.length === 1) return rows[0][0]
  return Syntax.sum(
    rows[0].map((entry, column) => {
      const term = Syntax.product([entry, determinant(minor(rows, column))])
      return column % 2 === 0 ? term : Syntax.negate(term)
    }),
  )
}
const times = (a: Rows, b: Rows): Rows | null =>
  a[0].length === b.length
    ? a.map((row) => b[0].map((_, column) => Syntax.sum(row.map((entry, i) => Syntax.product([entry, b[i][column]])))))
    : null

const isTranspose = (e: Expression): boolean =>
  (e.tag === "symbol" && /^(?:T|top|intercal|t)$/.test(e.name)) || (e.tag === "text" && /^[Tt]$/.test(e.text.trim()))

const inverse = (rows: Rows): Rows | null => {
  if (rows.length !== 2 || rows[0].length !== 2) return null
  const [[a, b], [c, d]] = rows
  const by = Syntax.power(determinant(rows), Syntax.minusOne)
  return [
    [d, Syntax.negate(b)],
    [Syntax.negate(c), a],
  ].map((row) => row.map((entry) => Syntax.product([by, entry])))
}

const powerOf = (base: Rows, exponent: Expression): Rows | null => {
  if (isTranspose(exponent)) return transpose(base)
  if (exponent.tag !== "number" || !Rational.isInteger(exponent.value)) return null
  const n = Number(exponent.value.num)
  if (n === -1) return inverse(base)
  if (n < 1 || n > 8 || base.length !== base[0].length) return null
  let out: Rows | null = base
  for (let i = 1; i < n && out !== null; i++) out = times(out, base)
  return out
}

/** The expression with its matrices worked out as far as they can be. @category matrices */
export const reduced = (e: Expression): Expression => {
  spend(3)
  switch (e.tag) {
    case "product": {
      const factors = e.factors.map(reduced)
      const found = factors.filter(isMatrix)
      if (found.length === 0) return factors.some((f, i) => f !== e.factors[i]) ? Syntax.product(factors) : e
      const scalars = factors.filter((f) => !isMatrix(f))
      let rows: Rows | null = found[0].rows
      for (const next of found.slice(1)) rows = rows === null ? null : times(rows, next.rows)
      if (rows === null || !scalars.every(Syntax.isScalar)) return e
      return matrix(scalars.length === 0 ? rows : rows.map((row) => row.map((x) => Syntax.product([...scalars, x]))))
    }
    case "sum": {
      const terms = e.terms.map(reduced)
      if (!terms.some(isMatrix)) return terms.some((t, i) => t !== e.terms[i]) ? Syntax.sum(terms) : e
      const all = terms.filter(isMatrix).map(({ rows }) => rows)
      const alike = all.every((rows) => rows.length === all[0].length && rows[0].length === all[0][0].length)
      if (all.length < terms.length || !alike) return e
      return matrix(all[0].map((row, i) => row.map((_, j) => Syntax.sum(all.map((rows) => rows[i][j])))))
    }
    case "power": {
      const base = reduced(e.base)
      // (1, 2, 3)^T is a column however it is written.
      if (base.tag === "tuple" && isTranspose(e.exponent)) return base
      const rows = isMatrix(base) ? powerOf(base.rows, e.exponent) : null
      return rows === null ? e : matrix(rows)
    }
    case "call": {
      const [inner] = e.args
      if (e.name !== "det" || inner === undefined) return e
      const held = reduced(inner)
      if (!isMatrix(held) || held.rows.length !== held.rows[0].length || held.rows.length > maxSize) return e
      return determinant(held.rows)
    }
    case "based":
    case "constant":
    case "list":
    case "matrix":
    case "number":
    case "quantity":
    case "relation":
    case "set":
    case "setop":
    case "symbol":
    case "text":
    case "tuple":
      return e
  }
}

/** `2i + 3j` in unit vectors as its components; null for anything else. */
const components = (e: Expression): ReadonlyArray<Expression> | null => {
  const names = new Set(["vec i", "vec j", "vec k", "hat i", "hat j", "hat k"])
  if (!Syntax.some(e, (part) => part.tag === "symbol" && names.has(part.name))) return null
  const parts: [Array<Expression>, Array<Expression>, Array<Expression>] = [[], [], []]
  for (const term of e.tag === "sum" ? e.terms : [e]) {
    const factors = term.tag === "product" ? term.factors : [term]
    const units = factors.filter((f) => f.tag === "symbol" && names.has(f.name))
    const rest = factors.filter((f) => !units.includes(f))
    if (units.length !== 1 || units[0].tag !== "symbol" || !rest.every(Syntax.isScalar)) return null
    parts["ijk".indexOf(units[0].name.slice(-1))].push(rest.length === 0 ? Syntax.integer(1) : Syntax.product(rest))
  }
  return parts.map((terms) => (terms.length === 0 ? Syntax.integer(0) : Syntax.sum(terms)))
}

/** An answer as rows: a matrix, nested lists, a vector in brackets or unit vectors as a column; null for anything else. @category matrices */
export const rows = (e: Expression): Rows | null => {
  if (e.tag === "matrix") return e.rows
  if (e.tag === "tuple") {
    const inner = e.items
    if (inner.every((item) => item.tag === "tuple")) {
      const all = inner.map((item) => (item.tag === "tuple" ? item.items : []))
      return all.every((row) => row.length === all[0].length) ? all : null
    }
    return inner.every(Syntax.isScalar) ? inner.map((item) => [item]) : null
  }
  return components(e)?.map((item) => [item]) ?? null
}

/** Whether it has unit vectors in it. @category matrices */
export const isVector = (e: Expression): boolean => Syntax.isScalar(e) && components(e) !== null

/** Both as matrices of one shape; vectors in two dimensions may lack the third. @category matrices */
export const together = (a: Expression, b: Expression): readonly [Rows, Rows] | null => {
  const [x, y] = [rows(a), rows(b)]
  if (x === null || y === null) return null
  const isZero = ([e]: ReadonlyArray<Expression>): boolean => e.tag === "number" && Rational.isZero(e.value)
  const cut = (given: Expression, own: Rows, other: Rows): Rows =>
    isVector(given) && own.slice(other.length).every(isZero) ? own.slice(0, other.length) : own
  return [cut(a, x, y), cut(b, y, x)]
}
