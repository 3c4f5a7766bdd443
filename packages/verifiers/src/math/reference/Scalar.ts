/** Values of scalar expressions with a bound on the work, for the graders that ask SymPy for one. */
import * as Equality from "../Equality.ts"
import { evaluate } from "../Evaluate.ts"
import { type Expression, isScalar, unknowns } from "../Syntax.ts"
import { within } from "../Work.ts"

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
