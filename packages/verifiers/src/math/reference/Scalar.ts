/** Values of scalar expressions with a bound on the work, for the graders that ask SymPy for one. */
import * as Equality from "../compare/Equality.ts"
import { evaluate } from "../algebra/Evaluate.ts"
import * as Syntax from "../read/Syntax.ts"
import { type Expression, isScalar, unknowns } from "../read/Syntax.ts"
import { within } from "../algebra/Work.ts"

/** Most steps spent on one comparison: some tens of milliseconds. @category limits */
export const steps = 300_000

/** The value to `digits` digits as a real number, or null: no scalar, unknowns, not real, too much work. @category values */
export const decimal = (e: Expression, digits = 30) => {
  if (!isScalar(e) || unknowns(e).length > 0) return null
  const value = within(
    steps,
    () => evaluate(e, new Map(), digits),
    () => null,
  )
  return value === null || !value.im.isZero() ? null : value.re
}

/** The value as a double, or null. @category values */
export const approximate = (e: Expression): number | null => decimal(e)?.toNumber() ?? null

/** Whether they are equal, as far as can be decided. @category comparison */
export const equal = (a: Expression, b: Expression): boolean => Equality.equal(a, b, steps) === "equal"

/** The same expression with `f` applied to what it is directly made of. @category traversal */
export const mapParts = (e: Expression, f: (part: Expression) => Expression): Expression => {
  if (e.tag === "sum") return Syntax.sum(e.terms.map(f))
  if (e.tag === "product") return Syntax.product(e.factors.map(f))
  if (e.tag === "power") return Syntax.power(f(e.base), f(e.exponent))
  return e.tag === "call" ? Syntax.call(e.name, ...e.args.map(f)) : e
}
