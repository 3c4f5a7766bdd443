/** What Math-Verify reads an answer into: scalars, and what is made of them. */
import { children, type Expression } from "../../read/Syntax.ts"

/** @category models */
export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">="

/** @category models */
export type Value =
  | { readonly kind: "scalar"; readonly e: Expression }
  | { readonly kind: "matrix"; readonly rows: ReadonlyArray<ReadonlyArray<Expression>> }
  /** A finite set, in the order in which it was written. */
  | { readonly kind: "set"; readonly items: ReadonlyArray<Value> }
  | { readonly kind: "tuple"; readonly items: ReadonlyArray<Value> }
  | {
      readonly kind: "interval"
      readonly from: Expression
      readonly to: Expression
      readonly leftOpen: boolean
      readonly rightOpen: boolean
    }
  | { readonly kind: "operation"; readonly op: "cup" | "cap" | "setminus"; readonly left: Value; readonly right: Value }
  /** `R`, `Z`, `N`, `Q`, `C` or `empty`. */
  | { readonly kind: "named"; readonly name: string }
  /** A chain: one operator fewer than sides. */
  | { readonly kind: "relation"; readonly operators: ReadonlyArray<Operator>; readonly sides: ReadonlyArray<Value> }
  /** `x \notin S`. */
  | { readonly kind: "not"; readonly value: Value }

/** @category models */
export type Relation = Extract<Value, { readonly kind: "relation" }>

/** @category constructors */
export const scalar = (e: Expression): Value => ({ kind: "scalar", e })

/** Whether it is a set; a tuple is none. @category predicates */
export const isSet = (v: Value): boolean =>
  v.kind === "set" || v.kind === "interval" || v.kind === "operation" || v.kind === "named"

const letters = (e: Expression): boolean => {
  if (e.tag === "symbol") return e.name !== "infinity"
  if (e.tag === "power") return letters(e.base) && (letters(e.exponent) || isMinusOne(e.exponent))
  return (e.tag === "sum" || e.tag === "product" || e.tag === "call") && children(e).every(letters)
}
const isMinusOne = (e: Expression): boolean => e.tag === "number" && e.value.num === -1n && e.value.den === 1n

/** Whether there are only symbols in it: what may stand left of an equals sign that assigns. @category predicates */
export const isOnlySymbols = (v: Value): boolean => {
  if (v.kind === "scalar") return letters(v.e)
  if (v.kind === "tuple") return v.items.every(isOnlySymbols)
  return false
}
