/**
 * The value SymPy gives a parsed expression once it is turned into a float: exact while rational, a double from the first
 * root, decimal or constant on. What has no real value (symbols, complex numbers, infinities) raises, as `float` does.
 */
import { type Algebra, Endless, EvaluationError } from "./Python.ts"
import { integerPower } from "./PythonNumber.ts"

/** A fraction with positive denominator, a double, or `zoo`, what SymPy makes of 1/0. @category models */
export type SympyNumber = { readonly num: bigint; readonly den: bigint } | number | "zoo"

const gcd = (a: bigint, b: bigint): bigint => {
  while (b !== 0n) [a, b] = [b, a % b]
  return a < 0n ? -a : a
}

const fraction = (num: bigint, den: bigint): SympyNumber => {
  if (den === 0n) return num === 0n ? Number.NaN : "zoo"
  const g = gcd(num, den) * (den < 0n ? -1n : 1n)
  return { num: num / g, den: den / g }
}

const integer = (n: bigint): SympyNumber => ({ num: n, den: 1n })

/** As a double; `zoo` has none. @category conversion */
export const toDouble = (a: SympyNumber): number => {
  if (a === "zoo") throw new EvaluationError("complex infinity is not a float")
  if (typeof a === "number") return a
  const whole = a.num / a.den
  const scale = 10n ** 20n
  return Number(whole) + Number(((a.num % a.den) * scale) / a.den) / 1e20
}

const asInteger = (a: SympyNumber, op: string): bigint => {
  if (typeof a !== "object" || a.den !== 1n) throw new EvaluationError(`${op} needs integers`)
  return a.num
}

const floorOf = (a: SympyNumber): SympyNumber => {
  if (a === "zoo") return Number.NaN
  if (typeof a === "number") return Number.isFinite(a) ? integer(BigInt(Math.floor(a))) : a
  const q = a.num / a.den
  return integer(a.num % a.den < 0n ? q - 1n : q)
}

const infinite = (op: string, a: SympyNumber, b: SympyNumber): SympyNumber => {
  const zero = (x: SympyNumber): boolean => x === 0 || (typeof x === "object" && x.num === 0n)
  const both = a === "zoo" && b === "zoo"
  if (op === "+" || op === "-") return both ? Number.NaN : "zoo"
  if (op === "*") return zero(a) || zero(b) ? Number.NaN : "zoo"
  if (op === "/") return both ? Number.NaN : a === "zoo" ? "zoo" : integer(0n)
  if (op === "**" && a === "zoo" && b !== "zoo") {
    const exponent = toDouble(b)
    return exponent > 0 ? "zoo" : integer(exponent === 0 ? 1n : 0n)
  }
  return Number.NaN
}

const power = (a: SympyNumber, b: SympyNumber): SympyNumber => {
  if (a === "zoo" || b === "zoo") return infinite("**", a, b)
  if (typeof b === "object" && b.den === 1n) {
    if (typeof a === "object") {
      if (b.num >= 0n) return { num: integerPower(a.num, b.num), den: integerPower(a.den, b.num) }
      if (a.num === 0n) return "zoo"
      return fraction(integerPower(a.den, -b.num), integerPower(a.num, -b.num))
    }
    if (a === 0 && b.num < 0n) return "zoo"
  }
  const [x, y] = [toDouble(a), toDouble(b)]
  if (x < 0 && !Number.isInteger(y)) throw new EvaluationError("a complex number is not a float")
  if (x === 0 && y < 0) return "zoo"
  const out = x === 1 ? 1 : x ** y
  const root = typeof a === "object" && typeof b === "object" ? exactRoot(a, b) : null
  return root ?? out
}

/** a^(p/q) when it is rational: SymPy keeps sqrt(9) an integer, which matters to `//` and `%`. */
const exactRoot = (
  a: { readonly num: bigint; readonly den: bigint },
  b: { readonly num: bigint; readonly den: bigint },
): SympyNumber | null => {
  const root = (n: bigint): bigint | null => {
    const guess = BigInt(Math.round(Number(n) ** (1 / Number(b.den))))
    return b.den <= 64n && guess ** b.den === n ? guess : null
  }
  if (a.num < 0n || a.num > 2n ** 53n || a.den > 2n ** 53n) return null
  const [num, den] = [root(a.num), root(a.den)]
  return num === null || den === null ? null : power({ num, den }, integer(b.num))
}

const exact = (
  op: string,
  a: { readonly num: bigint; readonly den: bigint },
  b: { readonly num: bigint; readonly den: bigint },
): SympyNumber => {
  if ((a.num.toString(16).length + b.num.toString(16).length) * 4 > 2 ** 21) throw new Endless("millions of bits")
  if (op === "+") return fraction(a.num * b.den + b.num * a.den, a.den * b.den)
  if (op === "-") return fraction(a.num * b.den - b.num * a.den, a.den * b.den)
  if (op === "*") return fraction(a.num * b.num, a.den * b.den)
  return fraction(a.num * b.den, a.den * b.num)
}

const bitwise: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
  "&": (a, b) => a & b,
  "<<": (a, b) => {
    if (b < 0n || b > 2n ** 20n) throw new EvaluationError("shift out of range")
    return a << b
  },
  ">>": (a, b) => {
    if (b < 0n) throw new EvaluationError("negative shift count")
    return b > 2n ** 20n ? (a < 0n ? -1n : 0n) : a >> b
  },
}

const binary = (op: string, a: SympyNumber, b: SympyNumber): SympyNumber => {
  if (Object.hasOwn(bitwise, op)) return integer(bitwise[op](asInteger(a, op), asInteger(b, op)))
  if (op === "**") return power(a, b)
  if (op === "//" || op === "%") {
    if (b !== "zoo" && toDouble(b) === 0) throw new EvaluationError("integer division or modulo by zero")
    const quotient = floorOf(binary("/", a, b))
    return op === "//" ? quotient : binary("-", a, binary("*", b, quotient))
  }
  if (a === "zoo" || b === "zoo") return infinite(op, a, b)
  if (typeof a === "object" && typeof b === "object") return exact(op, a, b)
  const [x, y] = [toDouble(a), toDouble(b)]
  if (op === "+") return x + y
  if (op === "-") return x - y
  if (op === "*") return x * y
  return y === 0 ? (x === 0 ? Number.NaN : "zoo") : x / y
}

const negate = (a: SympyNumber): SympyNumber =>
  a === "zoo" ? a : typeof a === "number" ? -a : { num: -a.num, den: a.den }

const real =
  (f: (x: number) => number) =>
  (a: SympyNumber): SympyNumber => {
    const x = toDouble(a)
    const y = f(x)
    if (Number.isNaN(y) && !Number.isNaN(x)) throw new EvaluationError("a complex number is not a float")
    return y
  }

const functions: Readonly<Record<string, (a: SympyNumber) => SympyNumber>> = {
  sqrt: (a) => power(a, { num: 1n, den: 2n }),
  cbrt: (a) => power(a, { num: 1n, den: 3n }),
  Abs: (a) => (a !== "zoo" && toDouble(a) < 0 ? negate(a) : a),
  abs: (a) => (a !== "zoo" && toDouble(a) < 0 ? negate(a) : a),
  floor: floorOf,
  ceiling: (a) => negate(floorOf(negate(a))),
  Integer: (a) => (typeof a === "object" && a.den === 1n ? a : integer(BigInt(Math.trunc(toDouble(a))))),
  Float: (a) => toDouble(a),
  Rational: (a) => a,
  exp: real(Math.exp),
  log: real(Math.log),
  ln: real(Math.log),
  sin: real(Math.sin),
  cos: real(Math.cos),
  tan: real(Math.tan),
  factorial: (a) => factorial(a),
}

const factorial = (a: SympyNumber): SympyNumber => {
  const n = asInteger(a, "!")
  if (n < 0n) return "zoo"
  if (n > 20_000n) throw new Endless(`the factorial of ${n}`)
  let out = 1n
  for (let i = 2n; i <= n; i++) out *= i
  return integer(out)
}

const constants: Readonly<Record<string, number>> = { pi: Math.PI, E: Math.E, GoldenRatio: (1 + Math.sqrt(5)) / 2 }

/** SymPy's arithmetic on what a Countdown answer may hold; any other name raises. @category arithmetic */
export const algebra: Algebra<SympyNumber> = {
  number: (text) => (/^[0-9]+$/.test(text) ? integer(BigInt(text)) : Number(text)),
  unary: (op, a) => (op === "+" ? a : op === "-" ? negate(a) : integer(~asInteger(a, "~"))),
  binary,
  name: (name) => {
    if (Object.hasOwn(constants, name)) return constants[name]
    throw new EvaluationError(`the symbol "${name}" has no value`)
  },
  call: (name, args) => {
    if (Object.hasOwn(functions, name) && args.length === 1) return functions[name](args[0])
    if (name === "Rational" && args.length === 2) return binary("/", args[0], args[1])
    throw new EvaluationError(`${name} of ${args.length} arguments has no value`)
  },
  factorial,
  logic: {
    // A float is never equal to a fraction.
    equal: (a, b) =>
      typeof a === "object" && typeof b === "object"
        ? a.num === b.num && a.den === b.den
        : typeof a === typeof b && a === b,
    isTrue: (a) => a === "zoo" || (typeof a === "object" ? a.num !== 0n : a !== 0),
    truth: (value) => integer(value ? 1n : 0n),
  },
}
