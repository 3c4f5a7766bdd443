/** Python's arithmetic: ints of any size, floats, and how floats are written. */
import { defined, fail, isNumber, Markup, Tuple, textOf, typeOf, type Value } from "./Value.ts"

type Whole = boolean | bigint
type Num = Whole | number

const isFloat = (value: Num): value is number => typeof value === "number"
const whole = (value: Num): bigint => (isFloat(value) ? BigInt(Math.trunc(value)) : BigInt(value))

/** A float as Python reads it from an int. */
export const toFloat = (value: Num): number => {
  const out = Number(value)
  return !isFloat(value) && !Number.isFinite(out) ? fail("int too large to convert to float") : out
}

const exponent = (text: string): string => {
  const [digits, power] = text.split("e")
  return `${digits}e${power[0]}${power.slice(1).padStart(2, "0")}`
}

/** `repr` of a float. */
export const floatText = (value: number): string => {
  if (Number.isNaN(value)) return "nan"
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf"
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) return exponent(value.toExponential())
  const text = Object.is(value, -0) ? "-0" : String(value)
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}

/** A float with so many digits after the point, to the nearest, ties to even. */
export const fixed = (value: number, places: number): string => {
  if (!Number.isFinite(value)) return floatText(value)
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}${places > 0 ? `.${"0".repeat(places)}` : ""}`
  const size = Math.abs(value)
  const digits = Math.min(100, places)
  let text = size.toFixed(digits)
  // JavaScript rounds a tie up; whether it is one, the digits that follow say.
  const longer = size.toFixed(Math.min(100, digits + 60))
  const rest = longer.slice(longer.indexOf(".") + 1 + digits)
  if (/^50*$/.test(rest)) {
    const kept = longer.slice(0, longer.length - rest.length).replace(/\.$/, "")
    if (Number(kept.at(-1)) % 2 === 0) text = kept
  }
  const sign = value < 0 || Object.is(value, -0) ? "-" : ""
  return sign + text + "0".repeat(places - digits)
}

/** Quotient, rounded down, and rest with the sign of the divisor. */
const divide = (a: Num, b: Num): readonly [bigint | number, bigint | number] => {
  if (!isFloat(a) && !isFloat(b)) {
    const [x, y] = [whole(a), whole(b)]
    if (y === 0n) return fail("integer division or modulo by zero")
    const [quotient, rest] = [x / y, x % y]
    return rest !== 0n && rest < 0n !== y < 0n ? [quotient - 1n, rest + y] : [quotient, rest]
  }
  const [x, y] = [toFloat(a), toFloat(b)]
  if (y === 0) return fail("float floor division by zero")
  let rest = x % y
  let quotient = (x - rest) / y
  if (rest === 0) rest = y < 0 ? -0 : 0
  else if (rest < 0 !== y < 0) {
    rest += y
    quotient--
  }
  if (quotient === 0) return [x / y < 0 ? -0 : 0, rest]
  const down = Math.floor(quotient)
  return [quotient - down > 0.5 ? down + 1 : down, rest]
}

const power = (a: Num, b: Num): Value => {
  if (!isFloat(a) && !isFloat(b) && whole(b) >= 0n) return whole(a) ** whole(b)
  const [x, y] = [toFloat(a), toFloat(b)]
  if (x === 0 && y < 0) return fail("0.0 cannot be raised to a negative power")
  if (x < 0 && !Number.isInteger(y)) return fail("complex numbers are not implemented")
  const out = x ** y
  return Number.isFinite(x) && Number.isFinite(y) && !Number.isFinite(out) ? fail("the result is too large") : out
}

const arithmetic = (operator: string, a: Num, b: Num): Value => {
  const exact = !isFloat(a) && !isFloat(b)
  switch (operator) {
    case "+":
      return exact ? whole(a) + whole(b) : toFloat(a) + toFloat(b)
    case "-":
      return exact ? whole(a) - whole(b) : toFloat(a) - toFloat(b)
    case "*":
      return exact ? whole(a) * whole(b) : toFloat(a) * toFloat(b)
    case "/":
      return Number(b) === 0 ? fail("division by zero") : toFloat(a) / toFloat(b)
    case "//":
      return divide(a, b)[0]
    case "%":
      return divide(a, b)[1]
    default:
      return power(a, b)
  }
}

const repeated = (value: Value, times: Whole): Value | undefined => {
  const count = Math.max(0, Number(times))
  if (typeof value === "string") return value.repeat(count)
  const many = (items: ReadonlyArray<Value>): ReadonlyArray<Value> => {
    const out = new Array<Value>(count * items.length)
    for (let i = 0; i < out.length; i++) out[i] = items[i % items.length]
    return out
  }
  if (Array.isArray(value)) return many(value as ReadonlyArray<Value>)
  return value instanceof Tuple ? new Tuple(many(value.items)) : undefined
}

const isWhole = (value: Value): value is Whole => typeof value === "boolean" || typeof value === "bigint"

/** What an operator gives; `%` of texts is another's. */
export const binary = (operator: string, a: Value, b: Value): Value => {
  for (const value of [a, b]) defined(value)
  if (isNumber(a) && isNumber(b)) return arithmetic(operator, a, b)
  if (operator === "+") {
    if (typeof a === "string" && typeof b === "string") return a + b
    if ((a instanceof Markup || b instanceof Markup) && textOf(a) !== null && textOf(b) !== null)
      return fail("adding to an escaped text, which escapes the other, is not implemented; use ~")
    if (Array.isArray(a) && Array.isArray(b)) return [...(a as ReadonlyArray<Value>), ...(b as ReadonlyArray<Value>)]
    if (a instanceof Tuple && b instanceof Tuple) return new Tuple([...a.items, ...b.items])
  }
  if (operator === "*") {
    const many = isWhole(b) ? repeated(a, b) : isWhole(a) ? repeated(b, a) : undefined
    if (many !== undefined) return many
  }
  return fail(`unsupported operand type(s) for ${operator}: '${typeOf(a)}' and '${typeOf(b)}'`)
}

/** `-` and `+` before a value. */
export const unary = (operator: string, given: Value): Value => {
  const value = defined(given)
  if (!isNumber(value)) return fail(`bad operand type for unary ${operator}: '${typeOf(value)}'`)
  if (isFloat(value)) return operator === "-" ? -value : value
  return operator === "-" ? -whole(value) : whole(value)
}

const digitsOf: Readonly<Record<number, string>> = { 2: "[01]", 8: "[0-7]", 10: "\\p{Nd}", 16: "[\\da-f]" }
const prefixes: Readonly<Record<number, string>> = { 2: "0b", 8: "0o", 10: "", 16: "0x" }

/** `int` of a text; null where it is none. */
const parseWhole = (text: string, base: number): bigint | null => {
  if (!Object.hasOwn(digitsOf, base)) return fail(`int of base ${base} is not implemented`)
  const digit = digitsOf[base]
  const found = new RegExp(`^([+-]?)(?:${prefixes[base]})?(${digit}(?:_?${digit})*)$`, "iu").exec(text.trim())
  if (found === null) return null
  if (base === 10 && !/^[\d_]+$/.test(found[2])) return fail("digits of other scripts are not implemented")
  const value = BigInt(prefixes[base] + found[2].replaceAll("_", ""))
  return found[1] === "-" ? -value : value
}

/** `float` of a text; null where it is none. */
const parseFloat = (text: string): number | null => {
  const plain = text
    .trim()
    .replace(/(?<=\d)_(?=\d)/g, "")
    .toLowerCase()
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(plain)) return Number(plain)
  const word = /^([+-]?)(inf|infinity|nan)$/.exec(plain)
  if (word === null) return null
  return word[2] === "nan" ? Number.NaN : word[1] === "-" ? -Infinity : Infinity
}

/** The filter `int`: `otherwise` where it is none. */
export const toInt = (value: Value, otherwise: Value, base: number): Value => {
  const text = textOf(value)
  const number = text !== null ? parseFloat(text) : isNumber(value) ? value : null
  const exact = text === null ? null : parseWhole(text, base)
  if (exact !== null) return exact
  if (number === null || !Number.isFinite(Number(number))) return otherwise
  return whole(number)
}

/** The filter `float`. */
export const toReal = (value: Value, otherwise: Value): Value => {
  const text = textOf(value)
  if (text !== null) return parseFloat(text) ?? otherwise
  return isNumber(value) ? toFloat(value) : otherwise
}

/** The filter `round`. */
export const round = (value: Value, places: number, method: string): Value => {
  if (!["common", "ceil", "floor"].includes(method)) return fail("method must be common, ceil or floor")
  const number = defined(value)
  if (!isNumber(number)) return fail(`type ${typeOf(number)} cannot be rounded`)
  if (method !== "common") {
    const factor = 10 ** places
    return (method === "ceil" ? Math.ceil : Math.floor)(toFloat(number) * factor) / factor
  }
  if (isFloat(number)) {
    if (places >= 0) return Number(fixed(number, places))
    const factor = 10 ** -places
    return Number(fixed(number / factor, 0)) * factor
  }
  if (places >= 0) return whole(number)
  const factor = 10n ** BigInt(-places)
  const [down, rest] = divide(number, factor) as readonly [bigint, bigint]
  const up = rest * 2n > factor || (rest * 2n === factor && down % 2n !== 0n)
  return (down + (up ? 1n : 0n)) * factor
}

/** `%e` of a float. */
export const scientific = (value: number, places: number): string =>
  Number.isFinite(value) ? exponent(value.toExponential(Math.min(100, places))) : floatText(value)

/** `%g` of a float. */
export const general = (value: number, precision: number): string => {
  if (!Number.isFinite(value)) return floatText(value)
  const digits = Math.max(1, precision)
  const power = value === 0 ? 0 : Number(value.toExponential(Math.min(100, digits - 1)).split("e")[1])
  const short = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text)
  if (power >= -4 && power < digits) return short(fixed(value, digits - 1 - power))
  const [mantissa, exp] = scientific(value, digits - 1).split("e")
  return `${short(mantissa)}e${exp}`
}
