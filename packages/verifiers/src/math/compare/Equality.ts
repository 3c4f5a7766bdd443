/**
 * Whether two scalar expressions are equal: first exactly, by normal forms; then by their difference, computed with ever more
 * digits until its own error bound tells it from 0, at several points when there are unknowns. What stays undecided is not equal.
 *
 * Unknowns are real, and whole where they stand in factorials and the like. Both sides are compared where all in them is real:
 * sqrt(x^2) is not x, while sqrt(x) sqrt(y) is sqrt(xy), and log(x^2) is 2 log(x).
 *
 * @module
 */
import * as Ball from "../algebra/Ball.ts"
import * as NormalForm from "../algebra/NormalForm.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Value from "../algebra/Value.ts"
import { type Expression, isScalar, some, unknowns } from "../read/Syntax.ts"
import { within } from "../algebra/Work.ts"

/** `unknown`: too much work, or no values to compare. @category models */
export type Outcome = "equal" | "different" | "unknown"

/** Points to try: positive, of either sign, and whole. Drawn once; any numbers without a pattern do. */
const points = 9
const valueAt = (point: number, index: number, whole: boolean): Rational.Rational => {
  let state = (point + 1) * 7919 + (index + 1) * 104_729
  for (let i = 0; i < 3; i++) state = (state * 16_807 + 12_345) % 2_147_483_647
  // Even and odd ones for every letter, and of two letters now one is larger, now the other.
  if (whole) return Rational.integer(1 + ((point * (index + 1) + (state % 5)) % (4 + 2 * point)))
  const unit = BigInt(state)
  const scale = 2_147_483_647n
  if (point < 3) return Rational.make(scale / 10n + 3n * unit, scale)
  // The first signs run through all of a few letters.
  const negative = point < 7 && ((point - 3) >> (index % 2)) % 2 === 0
  if (point < 7) return Rational.make((negative ? -1n : 1n) * (scale / 4n + 3n * unit), scale)
  return Rational.make(scale / 2n + 7n * unit, scale)
}

/** Points at which the difference is told from 0 for sure; at the others 25 digits are looked at. */
const sure = 4

/** Letters that are whole numbers where whole numbers are the custom. */
const wholeNames = /^(?:[jklmnpqNM]|n_.*|k_.*)$/
const rounds = new Set(["floor", "ceil", "mod", "gcd", "lcm", "sum", "prod"])

/** Whether all unknowns stand for whole numbers, or those with the usual names do. */
const discreteness = (sides: ReadonlyArray<Expression>): "all" | "named" | "none" => {
  const has = (test: (e: Expression) => boolean): boolean => sides.some((side) => some(side, test))
  if (has((e) => e.tag === "call" && /^(?:(?:double )?factorial|binom)$/.test(e.name))) return "all"
  const negative = (e: Expression): boolean => e.tag === "number" && e.value.num < 0n
  if (has((e) => e.tag === "call" && rounds.has(e.name))) return "named"
  if (has((e) => e.tag === "call" && e.name === "root" && unknowns(e.args[0]).length > 0)) return "named"
  return has((e) => e.tag === "power" && negative(e.base) && unknowns(e.exponent).length > 0) ? "named" : "none"
}

/** Whether a - b is 0 at a point, `glance`: to 25 digits; null where one side is not real there, or has no value. */
const vanishes = (
  a: Expression,
  b: Expression,
  at: Value.Point,
  { complex, glance }: { readonly complex: boolean; readonly glance: boolean },
): boolean | "undecided" | null => {
  const [x, y] = [Value.evaluate(a, at, 0, !complex), Value.evaluate(b, at, 0, !complex)]
  if (x === "undefined" || y === "undefined") return null
  if (x === "undecided" || y === "undecided") return "undecided"
  if (!complex && (!Ball.isZero(x.im) || !Ball.isZero(y.im))) return null
  // What differs at a glance does.
  const apart = (p: Ball.Ball, q: Ball.Ball): boolean => !Ball.containsZero(Ball.subtract(p, q))
  if (apart(x.re, y.re) || apart(x.im, y.im)) return false
  if (glance) return true
  const z = Value.evaluate(Value.difference(a, b), at, 320, !complex)
  if (z === "undefined") return null
  if (z === "undecided") return "undecided"
  return Ball.isZero(z.re) && Ball.isZero(z.im)
}

const isConstant = (name: "i") => (e: Expression) => e.tag === "constant" && e.name === name

const byValue = (a: Expression, b: Expression): Outcome => {
  const names = [...new Set([...unknowns(a), ...unknowns(b)])]
  if (names.includes("infinity") || names.includes("pm")) return "different"
  if (names.length === 0) {
    const same = vanishes(a, b, new Map(), { complex: true, glance: false })
    return same === true ? "equal" : same === false ? "different" : "unknown"
  }
  const whole = discreteness([a, b])
  const imaginary = some(a, isConstant("i")) || some(b, isConstant("i"))
  let agreed = 0
  let open = false
  const at = (point: number): Value.Point =>
    new Map(
      names.map((name, i) => {
        const isWhole = whole === "all" || (whole === "named" && wholeNames.test(name))
        return [name, valueAt(point, i, isWhole)] as const
      }),
    )
  for (let point = 0; point < points; point++) {
    const same = vanishes(a, b, at(point), { complex: imaginary, glance: agreed >= sure })
    if (same === false) return "different"
    if (same === true) agreed++
    else if (same === "undecided") open = true
  }
  if (open) return "unknown"
  if (agreed >= 3) return "equal"
  // Real at hardly any point: equal where they are complex then.
  if (agreed > 0 || imaginary) return "unknown"
  for (let point = 0; point < points; point++) {
    const same = vanishes(a, b, at(point), { complex: true, glance: agreed >= sure })
    if (same === true) agreed++
    else if (same !== null) return same === false ? "different" : "unknown"
  }
  return agreed >= 3 ? "equal" : "unknown"
}

/** Steps for exact arithmetic before values are looked at. */
const formSteps = 25_000

/**
 * Compares two scalars. `unknown` when one is not a scalar, and when it cannot be found out. Throws `WorkExceeded`, and
 * `NormalForm.Undefined` when a side divides by zero.
 *
 * @category comparison
 */
export const decide = (a: Expression, b: Expression): Outcome => {
  if (a.tag === "number" && b.tag === "number") return Rational.equal(a.value, b.value) ? "equal" : "different"
  if (!isScalar(a) || !isScalar(b)) return "unknown"
  const exact = within<Outcome, Outcome>(
    formSteps,
    () => {
      const [x, y] = [NormalForm.normalForm(a), NormalForm.normalForm(b)]
      if (NormalForm.equal(x, y) || NormalForm.equalByTrigonometry(x, y)) return "equal"
      return NormalForm.isFree(x, y) ? "different" : "unknown"
    },
    () => "unknown",
  )
  return exact === "unknown" ? byValue(a, b) : exact
}

/** Most steps that `equal` takes unless told otherwise: some tens of milliseconds. @category limits */
export const defaultSteps = 1_000_000

/** As `decide`, and `unknown` when a side divides by zero or it takes more than `steps`. @category comparison */
export const equal = (a: Expression, b: Expression, steps: number = defaultSteps): Outcome => {
  try {
    return within<Outcome, Outcome>(
      steps,
      () => decide(a, b),
      () => "unknown",
    )
  } catch (error) {
    if (error instanceof NormalForm.Undefined) return "unknown"
    throw error
  }
}
