/**
 * PRIME's `prime_math`: PRM800K's grader in its own variant, then a chain of laxer comparisons: numbers within 1e-4 of the gold, of
 * a hundredth or of a hundred times it, bases ignored, pi tried exactly and as 3.14, brackets ignored, lists element by element.
 *
 * Up to verl 0.3 the chain ends with the values of what SymPy can parse. From 0.4 on, the last step always fails, because the guard
 * around it is a decorator used as a context: `5` is not `3+2` then. 0.9.1 is the newest version seen.
 *
 * SymPy's LaTeX parser is taken to be absent, as it is wherever verl is installed: verl pulls in an ANTLR runtime that SymPy
 * refuses. Left out: predictions written as SymPy prints them (`Matrix([...])`).
 *
 * @module
 */
import * as Python from "../../countdown/Python.ts"
import * as PythonNumber from "../../countdown/PythonNumber.ts"
import * as Extract from "../read/Extract.ts"
import type { Expression } from "../read/Syntax.ts"
import * as Prm800k from "./Prm800k.ts"
import * as Scalar from "./Scalar.ts"
import * as SympyText from "./SympyText.ts"

/** The answer that is graded. @category extraction */
export const extract = Extract.primeAnswer

/** An exception in the grader: the answer counts as wrong. */
class Raised extends Error {}

type Value = string | number

const floatText =
  /^[+-]?(?:(?:[0-9]+(?:_[0-9]+)*\.?(?:[0-9]+(?:_[0-9]+)*)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?|nan)$/i

/** Python's `float`, or null where it raises. */
const float = (text: string): number | null => {
  const bare = text.trim()
  if (!floatText.test(bare)) return null
  if (/n/i.test(bare)) return /nan/i.test(bare) ? Number.NaN : bare.startsWith("-") ? -Infinity : Infinity
  return Number(bare.replaceAll("_", ""))
}

/** Python's `str` of a number. */
const show = (value: Value): string => {
  if (typeof value === "string") return value
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value)
}

const digits = (value: Value): number | null => {
  if (typeof value === "number") return value
  return float(value.includes("{,}") ? value.replaceAll("{,}", "") : value.replaceAll(",", ""))
}

const isClose = (a: number, b: number): boolean =>
  a === b || (Number.isFinite(a) && Number.isFinite(b) && Math.abs(a - b) <= 1e-4 * Math.max(Math.abs(a), Math.abs(b)))

/** Longest text evaluated as Python. */
const maxArithmetic = 10_000

/** `\pi` as a number, and the value where the rest is Python's arithmetic. */
const withPi = (text: string, pi: number): Value => {
  if (!text.includes("\\pi")) return text
  const [first, ...rest] = text.split("\\pi")
  // After a digit pi is a factor; another pi ends in one.
  const factors = rest.map((part, i) => {
    const before = i === 0 ? first : rest[i - 1]
    const follows = before === "" ? i > 0 : /\p{Nd}$/u.test(before.slice(-2))
    return `${follows ? "" : "1"}*${pi}${part}`
  })
  const out = first + factors.join("")
  if (out.length > maxArithmetic) return out
  try {
    const value = Python.evaluate(out, PythonNumber.algebra)
    return typeof value === "object" ? out : Number(value)
  } catch (error) {
    if (error instanceof Python.EvaluationError) return out
    throw error
  }
}

const normalise = (answer: Value, pi: number): Value => {
  if (typeof answer === "number") return answer
  if (/^\$[0-9]+/.test(answer)) return answer.slice(1)
  if (/^[0-9]+(?:\.[0-9]+)?\\?%\n?$/.test(answer)) return answer.replaceAll("\\%", "").replaceAll("%", "")
  if (!answer.includes("_")) return withPi(answer, pi)
  const value = float(answer.split("_", 1)[0])
  if (value === null || !Number.isFinite(value)) throw new Raised("a subscript that is not a base")
  return Math.trunc(value)
}

const interval = (text: string): string => {
  const found = /^Interval(\.Ropen|\.Lopen|\.open)?\((.*)\)$/.exec(text)
  if (found === null) return text
  const [, kind, inner] = found
  const open = kind === ".Lopen" || kind === ".open" ? "(" : "["
  return `${open}${inner}${kind === ".Ropen" || kind === ".open" ? ")" : "]"}`
}

const stripBrackets = (text: string): string => text.replaceAll(/^[[\]()]+|[[\]()]+$/g, "")

/** What cannot be parsed is read once more for its value alone, and then `^` is a power. */
const decimal = (text: string, parsed: Expression | null): number | null => {
  const e = parsed ?? SympyText.parse(text.replaceAll("^", "**"))
  return e === null ? null : Scalar.approximate(e)
}

const symbolic = (a: string, b: string): boolean => {
  const [x, y] = [SympyText.parse(a), SympyText.parse(b)]
  if (x !== null && y !== null && Scalar.equal(x, y)) return true
  const [u, v] = [decimal(a, x), decimal(b, y)]
  return u !== null && v !== null && isClose(u, v)
}

/** Most characters of a prediction that are compared. */
const maxLength = 1000

const equal = (given: Value, gold: Value, pi: number, values: boolean): boolean => {
  let prediction = normalise(given, pi)
  const reference = normalise(gold, pi)
  if (typeof prediction === "string" && prediction.length > maxLength) prediction = prediction.slice(0, maxLength)
  if (typeof prediction === "string" && typeof reference === "string") {
    if (prediction.trim().toLowerCase() === reference.trim().toLowerCase()) return true
    if (prediction.replaceAll(" ", "") === reference.replaceAll(" ", "")) return true
  }
  const [x, y] = [digits(prediction), digits(reference)]
  if (x !== null && y !== null) return [y / 100, y, y * 100].some((item) => isClose(item, x))
  if (prediction === "") return false
  const [p, r] = [interval(show(prediction).trim()), show(reference).trim()]
  const bare =
    (p.startsWith("[") && p.endsWith("]") && !r.startsWith("(")) ||
    (p.startsWith("(") && p.endsWith(")") && !r.startsWith("["))
  const [ps, rs] = [p, r].map((text) => (bare ? stripBrackets(text) : text).replaceAll(/[{}()]/g, ""))
  if (ps === rs) return true
  const parts = (text: string): ReadonlyArray<string> => text.split(",")
  const all = (as: ReadonlyArray<string>, bs: ReadonlyArray<string>): boolean =>
    as.length === bs.length && as.every((a, i) => equal(a, bs[i], Math.PI, values))
  if (/^[([].*[)\]]$/s.test(p) && p[0] === r[0] && p.at(-1) === r.at(-1))
    if (all(parts(p.slice(1, -1)), parts(r.slice(1, -1)))) return true
  if (p.includes(",") && r.includes(",")) {
    const [as, bs] = [p, r].map((text) => parts(text).map((part) => part.trim()))
    if (as.length === bs.length) return all(as, bs)
  }
  if (p.startsWith("Point") && r.startsWith("(") && r.endsWith(")"))
    if (all(parts(p.slice(p.indexOf("(") + 1, -1)), parts(r.slice(1, -1)))) return true
  return values && symbolic(p, r)
}

/** What the grader found and thinks of it. @category models */
export interface Result {
  readonly correct: boolean
  readonly extracted: string
}

/** `values`: whether the last step compares values, as it did up to verl 0.3. @category grading */
export const grade = (response: string, gold: string, values = false): Result => {
  const extracted = Extract.primeAnswer(response)
  return { correct: matches(extracted, gold, values), extracted }
}

const matches = (given: string, gold: string, values: boolean): boolean => {
  if (Prm800k.equal(given, gold, "prime")) return true
  if (given.length > 100 * maxLength) return false
  try {
    if (!given.includes("\\pi") && !gold.includes("\\pi")) return equal(given, gold, Math.PI, values)
  } catch (error) {
    if (error instanceof Raised) return false
    throw error
  }
  const attempt = (pi: number): boolean | null => {
    try {
      return equal(given, gold, pi, values)
    } catch (error) {
      if (error instanceof Raised) return null
      throw error
    }
  }
  const [exact, rough] = [attempt(Math.PI), attempt(3.14)]
  // An exception in either attempt ends both.
  return exact !== null && rough !== null && (exact || rough)
}
