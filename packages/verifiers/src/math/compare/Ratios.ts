/** Ratios and clock times. */
import * as Syntax from "../read/Syntax.ts"
import { type Expression } from "../read/Syntax.ts"
import { decide, type Outcome } from "./Equality.ts"
import { all } from "./Scalars.ts"

/**
 * A ratio is what is proportional to it, or the quotient of two; a clock time is itself.
 *
 * @category comparison
 */
export const ratios = (a: Expression, b: Expression): Outcome => {
  const parts = (e: Expression): ReadonlyArray<Expression> | null =>
    e.tag === "call" && (e.name === "ratio" || e.name === "clock") ? e.args : null
  const [x, y] = [parts(a), parts(b)]
  const isClock = (e: Expression): boolean => e.tag === "call" && e.name === "clock"
  if (x !== null && y !== null) {
    if (x.length !== y.length) return "different"
    if (isClock(a) && isClock(b)) return all(x.map((part, i) => decide(part, y[i])))
    if ([x, y].some((side) => side.every((part) => decide(part, Syntax.integer(0)) === "equal"))) return "different"
    const crossed = (i: number, j: number): Outcome =>
      decide(Syntax.product([x[i], y[j]]), Syntax.product([x[j], y[i]]))
    return all(x.flatMap((_, j) => x.slice(0, j).map((_, i) => crossed(i, j))))
  }
  const [ratio, other] = x === null ? [y, a] : [x, b]
  if (ratio === null || ratio.length !== 2 || isClock(a) || isClock(b) || !Syntax.isScalar(other)) return "different"
  return decide(Syntax.quotient(ratio[0], ratio[1]), other)
}

/** Whether an answer is a ratio or a clock time. @category guards */
export const isRatio = (e: Expression): boolean => e.tag === "call" && (e.name === "ratio" || e.name === "clock")
