/**
 * The expression tree that answers are read into. Subtraction and division are sums and products with a factor -1 and an
 * exponent -1; `\pm` is the symbol `pm` as a factor; everything else keeps the shape that it was written in.
 */
import * as Rational from "../algebra/Rational.ts"

/**
 * How two sides are related; `in` also stands for `\ni` turned round. What begins with a backslash is known by its name alone, but for
 * `\modulo`, whose right side is the modulus of all before it.
 *
 * @category models
 */
export type Relation = "=" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "~" | "equiv" | `\\${string}`

/** @category models */
export type Expression =
  /** `digits`: how many significant digits were written when it is a decimal, null when it is an integer. */
  | { readonly tag: "number"; readonly value: Rational.Rational; readonly digits: number | null }
  /** A letter with subscript and primes, as `x`, `x_1`, `theta`; `infinity`; `pm`. */
  | { readonly tag: "symbol"; readonly name: string }
  | { readonly tag: "constant"; readonly name: "pi" | "e" | "i" }
  | { readonly tag: "sum"; readonly terms: ReadonlyArray<Expression> }
  | { readonly tag: "product"; readonly factors: ReadonlyArray<Expression> }
  | { readonly tag: "power"; readonly base: Expression; readonly exponent: Expression }
  /** A named function: `sin`, `log` (base, argument), `root` (degree, argument), `abs`, `factorial`, `binom`... */
  | { readonly tag: "call"; readonly name: string; readonly args: ReadonlyArray<Expression> }
  /** A number with a unit, a currency or `%`. */
  | { readonly tag: "quantity"; readonly value: Expression; readonly unit: string }
  | { readonly tag: "based"; readonly digits: string; readonly base: number }
  /** `letters`: a run of letters, which beside a formula is their product. */
  | { readonly tag: "text"; readonly text: string; readonly letters?: boolean }
  /** Several answers side by side, in no order; `joiner` is what stood between them. */
  | { readonly tag: "list"; readonly joiner: "," | "or" | "and"; readonly items: ReadonlyArray<Expression> }
  | {
      readonly tag: "tuple"
      readonly open: "(" | "["
      readonly close: ")" | "]"
      readonly items: ReadonlyArray<Expression>
    }
  | { readonly tag: "set"; readonly items: ReadonlyArray<Expression> }
  | { readonly tag: "matrix"; readonly rows: ReadonlyArray<ReadonlyArray<Expression>> }
  | {
      readonly tag: "relation"
      readonly relations: ReadonlyArray<Relation>
      readonly sides: ReadonlyArray<Expression>
    }
  /** `cup`, `cap` or `setminus`. */
  | { readonly tag: "setop"; readonly op: "cup" | "cap" | "setminus"; readonly items: ReadonlyArray<Expression> }

/** @category models */
export type Tagged<T extends Expression["tag"]> = Extract<Expression, { readonly tag: T }>

/** @category constructors */
export const number = (value: Rational.Rational, digits: number | null = null): Expression => ({
  tag: "number",
  value,
  digits,
})
/** @category constructors */
export const integer = (n: number): Expression => number(Rational.integer(n))
/** @category constructors */
export const minusOne: Expression = integer(-1)
/** @category constructors */
export const symbol = (name: string): Expression => ({ tag: "symbol", name })
/** @category constructors */
export const infinity: Expression = symbol("infinity")
/** @category constructors */
export const plusMinus: Expression = symbol("pm")
/** @category constructors */
export const pi: Expression = { tag: "constant", name: "pi" }
/** @category constructors */
export const sum = (terms: ReadonlyArray<Expression>): Expression =>
  terms.length === 1 ? terms[0] : { tag: "sum", terms }
/** @category constructors */
export const product = (factors: ReadonlyArray<Expression>): Expression =>
  factors.length === 1 ? factors[0] : { tag: "product", factors }
/** @category constructors */
export const power = (base: Expression, exponent: Expression): Expression => ({ tag: "power", base, exponent })
/** @category constructors */
export const call = (name: string, ...args: ReadonlyArray<Expression>): Expression => ({ tag: "call", name, args })
/** A number literal keeps its sign inside, so that a negative decimal is still a decimal. @category constructors */
export const negate = (a: Expression): Expression =>
  a.tag === "number" ? number(Rational.negate(a.value), a.digits) : product([minusOne, a])
/** @category constructors */
export const quotient = (a: Expression, b: Expression): Expression => product([a, power(b, minusOne)])

/** The expressions directly inside. @category traversal */
export const children = (e: Expression): ReadonlyArray<Expression> => {
  switch (e.tag) {
    case "number":
    case "symbol":
    case "constant":
    case "based":
    case "text":
      return []
    case "sum":
      return e.terms
    case "product":
      return e.factors
    case "power":
      return [e.base, e.exponent]
    case "call":
      return e.args
    case "quantity":
      return [e.value]
    case "list":
    case "tuple":
    case "set":
    case "setop":
      return e.items
    case "matrix":
      return e.rows.flat()
    case "relation":
      return e.sides
  }
}

/** Whether some part of it satisfies `test`. @category traversal */
export const some = (e: Expression, test: (e: Expression) => boolean): boolean =>
  test(e) || children(e).some((child) => some(child, test))

/** One text for each expression, as it is written: `JSON.stringify` does not take the numbers. @category traversal */
export const written = (e: Expression): string =>
  JSON.stringify(e, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value))

/** Whether it is a value that arithmetic can take: no list, set, relation, text or unit anywhere in it. @category predicates */
export const isScalar = (e: Expression): boolean => {
  switch (e.tag) {
    case "number":
    case "symbol":
    case "constant":
      return true
    case "sum":
    case "product":
    case "power":
    case "call":
      return children(e).every(isScalar)
    case "based":
    case "list":
    case "matrix":
    case "quantity":
    case "relation":
    case "set":
    case "setop":
    case "text":
    case "tuple":
      return false
  }
}

/** The names of the unknowns in it, sorted; what a sum counts with is none. @category traversal */
export const unknowns = (e: Expression): ReadonlyArray<string> => {
  const names = new Set<string>()
  const visit = (e: Expression): void => {
    if (e.tag === "symbol") {
      if (!e.name.startsWith("bound ")) names.add(e.name)
    } else for (const child of children(e)) visit(child)
  }
  visit(e)
  return [...names].sort()
}

/** The same expression with `from`, a name or `i`, written as `to` everywhere. @category traversal */
export const replace = (e: Expression, from: Expression, to: Expression): Expression => {
  const visit = (e: Expression): Expression => {
    if (e.tag === from.tag && "name" in e && "name" in from && e.tag !== "call" && e.name === from.name) return to
    switch (e.tag) {
      case "number":
      case "symbol":
      case "constant":
      case "based":
      case "text":
        return e
      case "sum":
        return sum(e.terms.map(visit))
      case "product":
        return product(e.factors.map(visit))
      case "power":
        return power(visit(e.base), visit(e.exponent))
      case "call":
        return call(e.name, ...e.args.map(visit))
      case "quantity":
        return { ...e, value: visit(e.value) }
      case "list":
      case "tuple":
      case "set":
      case "setop":
        return { ...e, items: e.items.map(visit) }
      case "matrix":
        return { ...e, rows: e.rows.map((row) => row.map(visit)) }
      case "relation":
        return { ...e, sides: e.sides.map(visit) }
    }
  }
  return visit(e)
}
