/**
 * Plain text as SymPy's `parse_expr` reads it without further transformations: Python's grammar, so `2x` is an error; `!` is
 * the factorial; names are symbols except the few that SymPy defines.
 */
import * as Python from "../../countdown/Python.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Syntax from "../read/Syntax.ts"
import { type Expression } from "../read/Syntax.ts"
import { within, WorkExceeded } from "../algebra/Work.ts"

const constants: Readonly<Record<string, Expression>> = {
  pi: Syntax.pi,
  E: { tag: "constant", name: "e" },
  I: { tag: "constant", name: "i" },
  oo: Syntax.infinity,
}
/** SymPy's names for things that are not numbers; an expression with one has no value here. */
const reserved = new Set("S N O Q C Eq Ne Lt Le Gt Ge And Or Not Xor Matrix Interval FiniteSet Union".split(" "))
const functions: Readonly<Record<string, string>> = {
  sqrt: "sqrt",
  sin: "sin",
  cos: "cos",
  tan: "tan",
  cot: "cot",
  sec: "sec",
  csc: "csc",
  asin: "arcsin",
  acos: "arccos",
  atan: "arctan",
  sinh: "sinh",
  cosh: "cosh",
  tanh: "tanh",
  log: "log",
  ln: "log",
  exp: "exp",
  Abs: "abs",
  factorial: "factorial",
}

const half = Syntax.quotient(Syntax.integer(1), Syntax.integer(2))

const isWhole = (e: Expression): e is Syntax.Tagged<"number"> =>
  e.tag === "number" && e.digits === null && Rational.isInteger(e.value)

/** `2^10` is 8, as in Python. */
const bitwise: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  "^": (a, b) => a ^ b,
  "|": (a, b) => a | b,
  "&": (a, b) => a & b,
}

const algebra: Python.Algebra<Expression> = {
  number: (text) => {
    const [, digits, exponent] = /^([0-9.]+)(?:[eE]([+-]?[0-9]+))?$/.exec(text) ?? ["", "0", undefined]
    const decimal = /[.eE]/.test(text)
    return Syntax.number(
      Rational.fromDecimal(digits, Number(exponent ?? 0)),
      decimal ? digits.replace(".", "").length : null,
    )
  },
  unary: (op, a) => {
    if (op === "~") throw new Python.EvaluationError("~ of a number")
    return op === "-" ? Syntax.negate(a) : a
  },
  binary: (op, a, b) => {
    if (op === "+") return Syntax.sum([a, b])
    if (op === "-") return Syntax.sum([a, Syntax.negate(b)])
    if (op === "*") return Syntax.product([a, b])
    if (op === "/") return Syntax.quotient(a, b)
    if (op === "**") return Syntax.power(a, b)
    if (Object.hasOwn(bitwise, op) && isWhole(a) && isWhole(b))
      return Syntax.number(Rational.make(bitwise[op](a.value.num, b.value.num)))
    throw new Python.EvaluationError(`${op} is not read`)
  },
  name: (name) => {
    if (reserved.has(name) || Object.hasOwn(functions, name))
      throw new Python.EvaluationError(`${name} is not a number`)
    return Object.hasOwn(constants, name) ? constants[name] : Syntax.symbol(name)
  },
  call: (name, args) => {
    if (!Object.hasOwn(functions, name) || args.length !== 1) throw new Python.EvaluationError(`${name} is not read`)
    const [arg] = args
    if (name === "sqrt") return Syntax.power(arg, half)
    if (name === "exp") return Syntax.power(constants["E"], arg)
    if (functions[name] === "log") return Syntax.call("log", constants["E"], arg)
    return Syntax.call(functions[name], arg)
  },
  factorial: (a) => Syntax.call("factorial", a),
}

/** Longest text read, in characters. */
const maxLength = 1000

const arithmetic = (text: string): Expression | null => {
  try {
    return within(
      100_000,
      () => Python.evaluate(text, algebra),
      () => null,
    )
  } catch (error) {
    if (error instanceof Python.EvaluationError || error instanceof WorkExceeded) return null
    throw error
  }
}

const isZero = (e: Expression): boolean => e.tag === "number" && Rational.isZero(e.value)

/** Python's `or` and `and` of numbers: the first that is not 0, the first that is, else the last. */
const logical = (parts: ReadonlyArray<Expression | null>, or: boolean): Expression | null => {
  if (parts.includes(null)) return null
  return parts.find((e) => e !== null && isZero(e) !== or) ?? parts.at(-1) ?? null
}

/** The expression, or null where SymPy raises or this does not follow it; `1 or 2` is 1, as in Python. @category parsing */
export const parse = (text: string): Expression | null => {
  if (text.length > maxLength) return null
  const alternatives = text.split(/\bor\b/).map((part) => logical(part.split(/\band\b/).map(arithmetic), false))
  return logical(alternatives, true)
}
