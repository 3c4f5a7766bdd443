/**
 * What an answer says: a name and its value, the end of a chain of equals signs, the several answers of a list or of `\pm`, a
 * quantity's value and unit, an equation or inequality as a polynomial.
 */
import { decide } from "./Equality.ts"
import * as NormalForm from "../algebra/NormalForm.ts"
import * as Polynomial from "../algebra/Polynomial.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Syntax from "../read/Syntax.ts"
import { type Expression } from "../read/Syntax.ts"
import { spend } from "../algebra/Work.ts"

const hundredth = Syntax.number(Rational.make(1n, 100n))

/** The value of a quantity, and its unit. @category shapes */
export const measure = (
  e: Syntax.Tagged<"quantity">,
  options: { readonly percent?: "value" | "unit" },
): { value: Expression; unit: string | null } => {
  if (e.unit !== "%" || options.percent === "unit") return { value: e.value, unit: e.unit }
  const { value } = e
  const exact =
    value.tag === "number"
      ? Syntax.number(Rational.multiply(value.value, Rational.make(1n, 100n)), value.digits)
      : Syntax.product([value, hundredth])
  return { value: exact, unit: null }
}

const upper = (e: Expression): boolean => e.tag === "symbol" && /^[A-Z](?:_.*)?'*$/.test(e.name)

const isAngle = (e: Expression): boolean =>
  e.tag === "symbol" && /^(?:[A-Z]|angle .*|alpha|beta|gamma|theta|phi)$/.test(e.name)

/** Whether a side names what the other side says: `x`, `AC`, `\angle ABC`, `f(x)`, `\text{Area}`, `(x, y)`. */
const isName = (e: Expression): boolean => {
  switch (e.tag) {
    case "symbol":
      return e.name !== "infinity" && e.name !== "pm"
    case "text":
      return true
    case "call":
      return (
        e.name === "apply" ||
        (/^(?:sin|cos|tan|cot|sec|csc)$/.test(e.name) && isAngle(e.args[0])) ||
        (e.name === "abs" && isName(e.args[0]) && (e.args[0].tag === "product" || upper(e.args[0])))
      )
    case "product":
      return (
        (e.factors.length <= 4 && e.factors.every(upper)) ||
        (e.factors.length === 2 &&
          e.factors[1].tag === "symbol" &&
          /^(?:angle|overline|widehat|overarc|arc|triangle) /.test(e.factors[1].name))
      )
    case "tuple":
      return e.items.every((item) => item.tag === "symbol")
    case "based":
    case "constant":
    case "list":
    case "matrix":
    case "number":
    case "power":
    case "quantity":
    case "relation":
    case "set":
    case "setop":
    case "sum":
      return false
  }
}

/** @category models */
export interface Named {
  readonly name: Expression
  readonly value: Expression
}

/**
 * What `x = 5`, `5 = x` and `x = 10/2 = 5` say about x. Equal sides of a chain are one; a side after an approximation sign is
 * not looked at. Null when nothing is named, or the sides contradict each other.
 *
 * @category shapes
 */
export const named = (e: Expression): Named | null => {
  if (e.tag !== "relation") return null
  const { relations, sides } = e
  if (!relations.every((r) => r === "=" || r === "~")) return null
  const [first, second] = sides
  if (isName(first)) {
    const about = relations.slice(1).indexOf("~")
    const all = about < 0 ? sides.slice(1) : sides.slice(1, about + 2)
    // y = x = 7 is about both.
    const last = all.at(-1)
    const closes = last !== undefined && Syntax.unknowns(last).length === 0
    const isOther = (v: Expression): boolean => v.tag === "symbol" || (v.tag === "product" && isName(v))
    const values = closes && all.length > 1 ? all.filter((v) => v === last || !isOther(v)) : all
    const names = Syntax.unknowns(first)
    if (first.tag !== "call" && values.some((v) => Syntax.unknowns(v).some((n) => names.includes(n)))) return null
    if (values.slice(1).some((v) => decide(values[0], v) !== "equal")) return null
    return { name: first, value: values[0] }
  }
  return sides.length === 2 && isName(second) && Syntax.unknowns(first).length === 0
    ? { name: second, value: first }
    : null
}

/** The value of a chain without a name, as 2 + 3 = 5; null when there is none. @category shapes */
export const chained = (e: Expression): Expression | null => {
  if (e.tag !== "relation" || Syntax.unknowns(e).length > 0) return null
  const about = e.relations.indexOf("~")
  const sides = about < 0 ? e.sides : e.sides.slice(0, about + 1)
  if (!e.relations.slice(0, sides.length - 1).every((r) => r === "=")) return null
  return sides.slice(1).every((side) => decide(sides[0], side) === "equal") ? sides[0] : null
}

const replaceSign = (e: Expression, sign: Expression): Expression => {
  switch (e.tag) {
    case "symbol":
      return e.name === "pm" ? sign : e
    case "sum":
      return Syntax.sum(e.terms.map((t) => replaceSign(t, sign)))
    case "product":
      return Syntax.product(e.factors.map((f) => replaceSign(f, sign)))
    case "power":
      return Syntax.power(replaceSign(e.base, sign), replaceSign(e.exponent, sign))
    case "call":
      return Syntax.call(e.name, ...e.args.map((a) => replaceSign(a, sign)))
    case "quantity":
      return { ...e, value: replaceSign(e.value, sign) }
    case "relation":
      return { ...e, sides: e.sides.map((side) => replaceSign(side, sign)) }
    case "tuple":
      return { ...e, items: e.items.map((item) => replaceSign(item, sign)) }
    case "based":
    case "constant":
    case "list":
    case "matrix":
    case "number":
    case "set":
    case "setop":
    case "text":
      return e
  }
}

const isSign = (e: Expression): boolean => e.tag === "symbol" && e.name === "pm"

const countSigns = (e: Expression): number =>
  isSign(e) ? 1 : Syntax.children(e).reduce((n, child) => n + countSigns(child), 0)

/**
 * The answers that an expression gives side by side: those of a list, of a set, the two of `\pm`. One alone is itself. A set
 * has each member once; so has `\pm 0`.
 *
 * @category shapes
 */
export const several = (e: Expression): ReadonlyArray<Expression> => {
  spend(10)
  // A set in a list or a set is one thing.
  if (e.tag === "list" || e.tag === "set")
    return e.items.flatMap((item) => (item.tag === "set" ? [item] : several(item)))
  if (e.tag === "relation") {
    const said = named(e)
    if (said !== null && (said.value.tag === "set" || said.value.tag === "list"))
      return several(said.value).map((value) => ({ tag: "relation", relations: ["="], sides: [said.name, value] }))
  }
  // Two signs in one answer: whether they go together is not said.
  if (countSigns(e) !== 1) return [e]
  const both = [replaceSign(e, Syntax.integer(1)), replaceSign(e, Syntax.minusOne)]
  return Syntax.isScalar(e) && decide(both[0], both[1]) === "equal" ? [both[0]] : both
}

/** One equation or inequality as a polynomial that is 0, or positive; null when it is neither. @category shapes */
export const relation = (e: Expression): { kind: "=" | "!=" | ">" | ">="; form: NormalForm.NormalForm } | null => {
  if (e.tag !== "relation" || e.relations.length !== 1 || !e.sides.every(Syntax.isScalar)) return null
  const [op] = e.relations
  const [left, right] = e.sides.map(NormalForm.normalForm)
  switch (op) {
    case "=":
    case "!=": {
      let { num } = NormalForm.subtract(left, right)
      // Clear x^-1: the equation 1/x = 2 is 1 = 2x.
      for (const name of Polynomial.atoms(num)) {
        let least = Rational.zero
        for (const { powers } of num.values())
          for (const [atom, exponent] of powers)
            if (atom === name && Rational.compare(exponent, least) < 0) least = exponent
        if (!Rational.isZero(least) && !name.startsWith("#"))
          num = Polynomial.multiply(num, Polynomial.atom(name, Rational.negate(least)))
      }
      if (Polynomial.isZero(num)) return { kind: op, form: { num, den: Polynomial.one } }
      return {
        kind: op,
        form: { num: Polynomial.scaled(num, Rational.invert(Polynomial.leading(num))), den: Polynomial.one },
      }
    }
    case "<":
    case "<=":
    case ">":
    case ">=": {
      const form = op.startsWith(">") ? NormalForm.subtract(left, right) : NormalForm.subtract(right, left)
      const size = Polynomial.leading(form.num)
      const by = Rational.isZero(size) ? Rational.one : Rational.invert(size.num < 0n ? Rational.negate(size) : size)
      return {
        kind: op.endsWith("=") ? ">=" : ">",
        form: { num: Polynomial.scaled(form.num, by), den: form.den },
      }
    }
    case "equiv":
    case "in":
    case "~":
    default:
      return null
  }
}

/** Values by the names of distinct letters, as `x = 1, y = 2` and `(x, y) = (1, 2)` give them; null for anything else. @category shapes */
export const assignments = (e: Expression): ReadonlyMap<string, Expression> | null => {
  const out = new Map<string, Expression>()
  if (e.tag === "relation" && e.relations.length === 1 && e.relations[0] === "=") {
    const [left, right] = e.sides
    if (left.tag !== "tuple" || right.tag !== "tuple" || left.items.length !== right.items.length) return null
    for (const [i, item] of left.items.entries()) if (item.tag === "symbol") out.set(item.name, right.items[i])
    return out.size === left.items.length ? out : null
  }
  if (e.tag !== "list" || e.joiner === "or") return null
  for (const item of e.items) {
    const said = named(item)
    if (said === null || said.name.tag !== "symbol") return null
    out.set(said.name.name, said.value)
  }
  return out.size === e.items.length && out.size > 1 ? out : null
}

/** A congruence: `left`, null for a residue alone, and what is congruent to it; null for anything else. @category shapes */
export const congruence = (
  e: Expression,
): { readonly left: Expression | null; readonly right: Expression; readonly modulus: Expression } | null => {
  if (e.tag !== "relation" || e.relations.at(-1) !== "\\modulo" || e.sides.length > 3) return null
  const [first, second, third] = e.sides
  if (third === undefined) return { left: null, right: first, modulus: second }
  return e.relations[0] === "equiv" || e.relations[0] === "=" ? { left: first, right: second, modulus: third } : null
}

/** Without `c \in \mathbb{R}` and the like after an answer in which c occurs. @category shapes */
export const unqualified = (e: Expression): Expression => {
  // What is in a set of named members is one of them.
  if (e.tag === "relation" && e.relations.length === 1 && e.relations[0] === "in" && e.sides[1].tag === "set")
    return e.sides[0].tag === "symbol" || (e.sides[0].tag === "tuple" && isName(e.sides[0])) ? e.sides[1] : e
  if (e.tag !== "list") return e
  const isQualifier = (item: Expression): item is Syntax.Tagged<"relation"> =>
    item.tag === "relation" &&
    item.relations.length === 1 &&
    item.relations[0] === "in" &&
    item.sides[1].tag === "symbol" &&
    /^set [RZNQC]/.test(item.sides[1].name)
  const rest = e.items.filter((item) => !isQualifier(item))
  if (rest.length === e.items.length || rest.length === 0) return e
  const used = new Set(rest.flatMap((item) => Syntax.unknowns(item)))
  const all = e.items
    .filter(isQualifier)
    .every((item) => Syntax.unknowns(item.sides[0]).every((name) => used.has(name)))
  if (!all) return e
  return rest.length === 1 ? rest[0] : { ...e, items: rest }
}
