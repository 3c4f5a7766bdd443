/**
 * Congruences: two say the same when their sides differ by a multiple of the modulus.
 */
import * as NormalForm from "../algebra/NormalForm.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Value from "../algebra/Value.ts"
import * as Syntax from "../read/Syntax.ts"
import { type Expression } from "../read/Syntax.ts"
import { decide, type Outcome } from "./Equality.ts"
import type { congruence } from "./Shapes.ts"

/** A congruence that was read. @category models */
export type Congruence = NonNullable<ReturnType<typeof congruence>>

/** Whether two congruences say the same: their sides differ by a multiple of the modulus. */
export const congruences = (a: Congruence, b: Congruence): Outcome => {
  const modulus = decide(a.modulus, b.modulus)
  if (modulus !== "equal") return modulus
  const isMultiple = (e: Expression): boolean => {
    const quotient = NormalForm.constantOf(NormalForm.normalForm(Syntax.quotient(e, a.modulus)))
    return quotient !== null && Rational.isInteger(quotient)
  }
  const sides = [a.left, a.right, b.left, b.right]
  if (!sides.every((side) => side === null || Syntax.isScalar(side))) return "unknown"
  if (a.left === null || b.left === null) {
    const left = a.left ?? b.left
    if (left !== null && left.tag !== "symbol") return "different"
    return isMultiple(Value.difference(a.right, b.right)) ? "equal" : "different"
  }
  const [x, y] = [Value.difference(a.left, a.right), Value.difference(b.left, b.right)]
  return isMultiple(Value.difference(x, y)) || isMultiple(Syntax.sum([x, y])) ? "equal" : "different"
}

/** `2 \pmod 5` beside an answer, or what `7 \equiv 2 \pmod 5` says: the residue as it is written; an outcome where it says nothing. */
export const residue = ({ left, modulus, right }: Congruence): Expression | Outcome => {
  if (left !== null) {
    if (Syntax.unknowns(left).length > 0) return "different"
    const told = congruences({ left: null, right: left, modulus }, { left: null, right, modulus })
    if (told !== "equal") return told
  }
  return right
}
