/** An answer as the other side would write it: letters, choices, intervals, angles and the names of whole numbers. */
import * as Value from "../algebra/Value.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Syntax from "../read/Syntax.ts"
import { type Expression } from "../read/Syntax.ts"
import * as Words from "../read/Words.ts"
import { decide } from "./Equality.ts"
import { unqualified } from "./Shapes.ts"

/** Whether an answer is one capital letter. @category guards */
export const isLetter = (e: Expression): boolean => e.tag === "symbol" && /^[A-Z]$/.test(e.name)

/** What a letter of a product stands for. @category conversions */
export const letter = (name: string): Expression =>
  name === "e" || name === "i" ? { tag: "constant", name } : Syntax.symbol(name)

/** The choices of a question with several, as `A, C` and `AC` name them in alphabetical order; null for anything else. @category conversions */
export const ticked = (e: Expression): string | null => {
  const parts =
    e.tag === "list" ? e.items.map((item) => (isLetter(item) ? Words.spelled(item) : null)) : [Words.spelled(e)]
  const text = parts.map((part) => part?.text ?? "?").join("")
  return /^(?=..)A?B?C?D?E?F?G?H?$/.test(text) ? text : null
}

/** Intervals side by side as their union, where the other side is one. @category conversions */
export const joined = (e: Expression, other: Expression): Expression =>
  other.tag === "setop" && other.op === "cup" && e.tag === "list" && e.items.every((item) => item.tag === "tuple")
    ? { tag: "setop", op: "cup", items: e.items }
    : e

/** Degrees in radians, where the other side has pi in it and no unit. @category conversions */
export const inRadians = (e: Expression, other: Expression): Expression | null =>
  e.tag === "quantity" &&
  e.unit === "degree" &&
  Syntax.isScalar(other) &&
  Syntax.some(other, (part) => part.tag === "constant" && part.name === "pi")
    ? Syntax.product([e.value, Syntax.pi, Syntax.number(Rational.make(1n, 180n))])
    : null

/** What counts through all whole numbers has any name: 3k + 1, 2 k pi. @category conversions */
export const renamed = (a: Expression, b: Expression): Expression | null => {
  const [[x, ...more], [y, ...others]] = [Syntax.unknowns(a), Syntax.unknowns(b)]
  if (more.length > 0 || others.length > 0 || x === undefined || y === undefined || x === y) return null
  if (!/^[klmn]$/.test(x) || !/^[klmn]$/.test(y)) return null
  const at = (n: number): Expression => Syntax.replace(b, Syntax.symbol(y), Syntax.integer(n))
  const [zero, one, two] = [at(0), at(1), at(2)]
  // Linear, with a step that is not 1 and either a start or pi in it.
  const step = Value.difference(one, zero)
  if (decide(step, Value.difference(two, one)) !== "equal" || decide(step, Syntax.integer(1)) === "equal") return null
  const turns = Syntax.some(b, (e) => e.tag === "constant" && e.name === "pi")
  if (!turns && decide(zero, Syntax.integer(0)) === "equal") return null
  return Syntax.replace(b, Syntax.symbol(y), Syntax.symbol(x))
}

/** The sets that qualifiers name, in order. @category conversions */
export const setsIn = (e: Expression): Expression =>
  e.tag === "list"
    ? {
        tag: "set",
        items: e.items.flatMap((item) =>
          item.tag === "relation" && item.relations[0] === "in" && unqualified(e) !== e ? [item.sides[1]] : [],
        ),
      }
    : e
