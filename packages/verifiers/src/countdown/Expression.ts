/**
 * Arithmetic expressions over non-negative integers, evaluated exactly. The grammar is all there is: `+ - * /`, unary
 * minus, parentheses, ASCII digits without leading zeros, white space. Nothing is handed to an interpreter.
 */

/** A reduced fraction with a positive denominator. @category models */
export interface Rational {
  readonly num: bigint
  readonly den: bigint
}

/** A parsed expression: its exact value and its number literals, in order of appearance. @category models */
export interface Parsed {
  readonly value: Rational
  readonly numbers: ReadonlyArray<number>
}

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? (a < 0n ? -a : a) : gcd(b, a % b))
const rational = (num: bigint, den: bigint): Rational => {
  const g = gcd(num, den) * (den < 0n ? -1n : 1n)
  return { num: num / g, den: den / g }
}

class Refusal extends Error {}

/** Longest expression read, in characters; longer ones are refused, which also bounds the recursion. */
export const maxLength = 400

/**
 * Parses and evaluates; a string is the reason for a refusal.
 *
 * @category parsing
 */
export const parse = (text: string): Parsed | string => {
  if (text.length > maxLength) return `expression has ${text.length} characters, more than ${maxLength}`
  const numbers: Array<number> = []
  let at = 0
  const peek = (): string => {
    while (at < text.length && /\s/.test(text[at])) at++
    return text[at] ?? ""
  }
  const factor = (): Rational => {
    const c = peek()
    if (c === "-") {
      at++
      const v = factor()
      return { num: -v.num, den: v.den }
    }
    if (c === "(") {
      at++
      const v = sum()
      if (peek() !== ")") throw new Refusal(`expected ")" at ${at}`)
      at++
      return v
    }
    const digits = /^(?:0|[1-9][0-9]{0,8})(?![0-9])/.exec(text.slice(at))?.[0]
    if (digits === undefined) throw new Refusal(c === "" ? "expression ends early" : `unexpected "${c}" at ${at}`)
    at += digits.length
    numbers.push(Number(digits))
    return { num: BigInt(digits), den: 1n }
  }
  const product = (): Rational => {
    let v = factor()
    for (let c = peek(); c === "*" || c === "/"; c = peek()) {
      at++
      const w = factor()
      if (c === "/" && w.num === 0n) throw new Refusal("division by zero")
      v = c === "*" ? rational(v.num * w.num, v.den * w.den) : rational(v.num * w.den, v.den * w.num)
    }
    return v
  }
  const sum = (): Rational => {
    let v = product()
    for (let c = peek(); c === "+" || c === "-"; c = peek()) {
      at++
      const w = product()
      v = rational(v.num * w.den + (c === "+" ? 1n : -1n) * w.num * v.den, v.den * w.den)
    }
    return v
  }
  try {
    const value = sum()
    if (peek() !== "") return `unexpected "${peek()}" at ${at}`
    return { value, numbers }
  } catch (cause) {
    if (cause instanceof Refusal) return cause.message
    throw cause
  }
}
