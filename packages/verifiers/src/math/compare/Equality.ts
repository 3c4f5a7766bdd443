/**
 * Whether two scalar expressions are equal: first exactly, by normal forms; then by their values to 40 digits, at several
 * points when there are unknowns.
 *
 * Unknowns are real. Both sides must be defined at the same points: sqrt(x^2) is not x, log(x^2) is not 2 log(x), while
 * sqrt(1/x) is 1/sqrt(x). Agreement at points is no proof; two different answers that agree to 25 digits at all of them would be
 * taken for equal, and none is known.
 */
import { type Complex, evaluate } from "../algebra/Evaluate.ts"
import * as NormalForm from "../algebra/NormalForm.ts"
import * as Rational from "../algebra/Rational.ts"
import { type Expression, isScalar, some, unknowns } from "../read/Syntax.ts"
import { within } from "../algebra/Work.ts"

/** `unknown`: too much work, or no values to compare. @category models */
export type Outcome = "equal" | "different" | "unknown"

const digits = 40

/** Whether a value is 0 up to rounding: it vanishes when the precision doubles. */
const vanishes = (e: Expression, values: ReadonlyMap<string, string>, z: Complex): boolean => {
  if (z.re.e > -20 && !z.re.isZero()) return false
  if (z.im.e > -20 && !z.im.isZero()) return false
  const finer = evaluate(e, values, 2 * digits)
  if (finer === null) return false
  const tiny = (x: Complex["re"]): boolean => x.isZero() || x.e < -1.5 * digits
  return tiny(finer.re) && tiny(finer.im)
}

/** Whether the imaginary part is rounding. */
const isReal = (z: Complex): boolean => z.im.isZero() || z.im.e < z.re.e - 30

const close = (a: Expression, b: Expression, values: ReadonlyMap<string, string>, x: Complex, y: Complex): boolean => {
  const size = [x.re, x.im, y.re, y.im].reduce((m, v) => (v.abs().gt(m) ? v.abs() : m))
  const limit = size.times("1e-25")
  if (x.re.minus(y.re).abs().lte(limit) && x.im.minus(y.im).abs().lte(limit)) return true
  return vanishes(a, values, x) && vanishes(b, values, y)
}

/** Points to try: positive, of either sign, and whole. Drawn once; any numbers without a pattern do. */
const points = 7
const valueAt = (point: number, index: number, whole: boolean): string => {
  let state = (point + 1) * 7919 + (index + 1) * 104_729
  for (let i = 0; i < 3; i++) state = (state * 16_807 + 12_345) % 2_147_483_647
  const unit = state / 2_147_483_647
  if (whole) return String(1 + ((state + 3 * point + index) % (5 + 2 * point)))
  if (point < 2) return (0.1 + 2.8 * unit).toFixed(9)
  if (point < 5) return (unit < 0.5 ? -0.2 - 4 * unit : 0.3 + 3 * (unit - 0.5)).toFixed(9)
  return String(2 + ((state + index) % (point === 6 ? 12 : 7)))
}

/** What the expression is at a point, with `names` in a fixed order. */
const at = (names: ReadonlyArray<string>, point: number, whole: boolean): ReadonlyMap<string, string> =>
  new Map(names.map((name, i) => [name, valueAt(point, i, whole)]))

/** Functions that only take whole numbers. */
const isDiscrete = (e: Expression): boolean => e.tag === "call" && (e.name === "factorial" || e.name === "binom")

const byValue = (a: Expression, b: Expression): Outcome => {
  const names = [...new Set([...unknowns(a), ...unknowns(b)])]
  if (names.includes("infinity") || names.includes("pm")) return "different"
  if (names.length === 0) {
    const none = new Map<string, string>()
    const [x, y] = [evaluate(a, none, digits), evaluate(b, none, digits)]
    if (x === null || y === null) return "unknown"
    return close(a, b, none, x, y) ? "equal" : "different"
  }
  const discrete = some(a, isDiscrete) || some(b, isDiscrete)
  const imaginary = [a, b].some((e) => some(e, (part) => part.tag === "constant" && part.name === "i"))
  let agreed = 0
  let complex = 0
  let missed = 0
  for (let point = 0; point < points; point++) {
    const values = at(names, point, discrete)
    const [x, y] = [evaluate(a, values, digits), evaluate(b, values, digits)]
    if (x === null || y === null) {
      if (x !== y) missed++
      continue
    }
    if (close(a, b, values, x, y)) {
      if (imaginary || isReal(x)) agreed++
      else complex++
    } else if (imaginary || isReal(x) || isReal(y)) return "different"
    else missed++
  }
  // One is defined where the other is not, at most points.
  if (missed > points / 2) return agreed + complex === 0 ? "different" : "unknown"
  return agreed + complex >= 2 ? "equal" : "unknown"
}

/**
 * Compares two scalars. `unknown` when one is no scalar, and when neither has a value. Throws `WorkExceeded`, and
 * `NormalForm.Undefined` when a side divides by zero.
 *
 * @category comparison
 */
export const decide = (a: Expression, b: Expression): Outcome => {
  if (a.tag === "number" && b.tag === "number") return Rational.equal(a.value, b.value) ? "equal" : "different"
  if (!isScalar(a) || !isScalar(b)) return "unknown"
  const [x, y] = [NormalForm.normalForm(a), NormalForm.normalForm(b)]
  if (NormalForm.equal(x, y)) return "equal"
  return NormalForm.isFree(x, y) ? "different" : byValue(a, b)
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
