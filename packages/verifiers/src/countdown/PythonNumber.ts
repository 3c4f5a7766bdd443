/**
 * Python's numbers under + - * / // **: integers of any size, doubles, and the complex numbers that a negative base with a
 * broken exponent gives. Agrees with CPython to the last bits of a double, which the graders' tolerances never see.
 */
import { type Algebra, Endless, EvaluationError } from "./Python.ts"

/** @category models */
export interface Complex {
  readonly re: number
  readonly im: number
}

/** @category models */
export type PythonNumber = bigint | number | Complex

/** Bits of the largest integer computed; Python would go on, for minutes or for ever. */
const maxBits = 2 ** 20

const bits = (n: bigint): number => (n === 0n ? 0 : (n < 0n ? -n : n).toString(16).length * 4)

const toDouble = (a: bigint | number): number => {
  if (typeof a === "number") return a
  const out = Number(a)
  if (!Number.isFinite(out)) throw new EvaluationError("integer too large to convert to float")
  return out
}

/** Quotient of integers as a double, also when neither fits one. */
const ratio = (a: bigint, b: bigint): number => {
  if (b === 0n) throw new EvaluationError("division by zero")
  const shift = Math.max(0, 128 - (bits(a) - bits(b)))
  const scaled = shift > 2000 ? 0 : Number((a << BigInt(shift)) / b) / 2 ** Math.min(shift, 1000)
  const out = shift > 1000 ? scaled / 2 ** (shift - 1000) : scaled
  if (!Number.isFinite(out)) throw new EvaluationError("integer division result too large for a float")
  return out
}

const isReal = (a: PythonNumber): a is bigint | number => typeof a !== "object"
const toComplex = (a: PythonNumber): Complex => (isReal(a) ? { re: toDouble(a), im: 0 } : a)

/** Power of integers with a non-negative exponent. @category arithmetic */
export const integerPower = (base: bigint, exponent: bigint): bigint => {
  const size = bits(base)
  if (size > 4 || (base !== 0n && base !== 1n && base !== -1n)) {
    if (exponent > BigInt(maxBits) || Number(exponent) * size > maxBits)
      throw new Endless(`a power of about ${Number(exponent) * size} bits`)
    return base ** exponent
  }
  return base === -1n ? (exponent % 2n === 0n ? 1n : -1n) : exponent === 0n ? 1n : base
}

const complexPower = (a: Complex, b: Complex): Complex => {
  if (b.re === 0 && b.im === 0) return { re: 1, im: 0 }
  const modulus = Math.hypot(a.re, a.im)
  if (modulus === 0) {
    if (b.im !== 0 || b.re < 0) throw new EvaluationError("0.0 to a negative or complex power")
    return { re: 0, im: 0 }
  }
  const angle = Math.atan2(a.im, a.re)
  const length = modulus ** b.re * Math.exp(-angle * b.im)
  const phase = angle * b.re + Math.log(modulus) * b.im
  if (!Number.isFinite(length)) throw new EvaluationError("complex exponentiation")
  return { re: length * Math.cos(phase), im: length * Math.sin(phase) }
}

const realPower = (a: bigint | number, b: bigint | number): PythonNumber => {
  if (typeof a === "bigint" && typeof b === "bigint" && b >= 0n) return integerPower(a, b)
  const [x, y] = [toDouble(a), toDouble(b)]
  if (x === 0 && y < 0) throw new EvaluationError("0.0 cannot be raised to a negative power")
  if (x < 0 && Number.isFinite(y) && !Number.isInteger(y)) return complexPower({ re: x, im: 0 }, { re: y, im: 0 })
  // C's pow(1, y) and pow(-1, +-inf) are 1; JavaScript says NaN.
  const out = x === 1 || (x === -1 && !Number.isFinite(y)) ? 1 : x ** y
  if (!Number.isFinite(out) && Number.isFinite(x) && Number.isFinite(y)) throw new EvaluationError("result too large")
  return out
}

const complexBinary = (op: string, a: Complex, b: Complex): Complex => {
  if (op === "+") return { re: a.re + b.re, im: a.im + b.im }
  if (op === "-") return { re: a.re - b.re, im: a.im - b.im }
  if (op === "*") return { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re }
  if (op === "**") return complexPower(a, b)
  if (op !== "/") throw new EvaluationError(`unsupported operand types for ${op}`)
  const norm = b.re * b.re + b.im * b.im
  if (norm === 0) throw new EvaluationError("complex division by zero")
  return { re: (a.re * b.re + a.im * b.im) / norm, im: (a.im * b.re - a.re * b.im) / norm }
}

const integerBinary = (op: string, a: bigint, b: bigint): bigint | number => {
  if (op === "+") return a + b
  if (op === "-") return a - b
  if (op === "/") return ratio(a, b)
  if (op === "*") {
    if (bits(a) + bits(b) > 2 * maxBits) throw new Endless("a product of millions of bits")
    return a * b
  }
  if (b === 0n) throw new EvaluationError("integer division or modulo by zero")
  const remainder = a % b
  return a / b - (remainder !== 0n && remainder < 0n !== b < 0n ? 1n : 0n)
}

const realBinary = (op: string, a: number, b: number): number => {
  if (op === "+") return a + b
  if (op === "-") return a - b
  if (op === "*") return a * b
  if (b === 0) throw new EvaluationError("float division by zero")
  return op === "/" ? a / b : Math.floor(a / b)
}

/** Python's arithmetic; names and calls raise. @category arithmetic */
export const algebra: Algebra<PythonNumber> = {
  number: (text) => (/^[0-9]+$/.test(text) ? BigInt(text) : Number(text)),
  unary: (op, a) => {
    if (op === "+") return a
    if (op === "~") throw new EvaluationError("~ is not arithmetic")
    return typeof a === "object" ? { re: -a.re, im: -a.im } : -a
  },
  binary: (op, a, b) => {
    if (!isReal(a) || !isReal(b)) return complexBinary(op, toComplex(a), toComplex(b))
    if (op === "**") return realPower(a, b)
    if (typeof a === "bigint" && typeof b === "bigint") return integerBinary(op, a, b)
    return realBinary(op, toDouble(a), toDouble(b))
  },
  name: (name) => {
    throw new EvaluationError(`name "${name}" is not defined`)
  },
  call: (name) => {
    throw new EvaluationError(`name "${name}" is not defined`)
  },
}

/** |value - target|. @category arithmetic */
export const distance = (value: PythonNumber, target: number): number => {
  // Python reads 1e21, as JavaScript writes it, as a float.
  if (typeof value === "bigint" && Number.isInteger(target) && Math.abs(target) < 1e21)
    return Math.abs(Number(value - BigInt(target)))
  if (typeof value === "bigint") return Math.abs(toDouble(value) - target)
  if (typeof value === "number") return Math.abs(value - target)
  return Math.hypot(value.re - target, value.im)
}
