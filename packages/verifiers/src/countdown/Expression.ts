/**
 * Arithmetic expressions over non-negative integers, evaluated exactly. The grammar is all there is: `+ - * /` in the spellings of
 * `Notation`, signs, brackets, `\frac`, ASCII digits without leading zeros. Two numbers side by side are not a product. Nothing is
 * handed to an interpreter.
 *
 * @module
 */
import { equal, fromText, rational, type Rational, show } from "./Amount.ts"
import { bare, type Token, tokens } from "./Notation.ts"

export type { Rational } from "./Amount.ts"

/** A parsed expression: its exact value and its number literals, in order of appearance. @category models */
export interface Parsed {
  readonly value: Rational
  readonly numbers: ReadonlyArray<bigint>
}

class Refusal extends Error {}

/** Longest expression read, in characters; longer ones are refused, which also bounds the recursion. */
export const maxLength = 1000

const evaluate = (list: ReadonlyArray<Token>, length: number): Parsed => {
  const numbers: Array<bigint> = []
  let at = 0
  const is = (kind: Token["kind"]): boolean => list[at]?.kind === kind
  /** Whether an operator stands here that is one of two. */
  const either = (a: string, b: string): boolean =>
    list[at]?.kind === "operator" && (list[at].text === a || list[at].text === b)
  const unexpected = (): Refusal => {
    const token = list[at]
    return new Refusal(token === undefined ? "expression ends early" : `unexpected "${token.text}" at ${token.at}`)
  }
  const bracketed = (): Rational => {
    at++
    const v = sum()
    if (!is("close")) throw new Refusal(`expected ")" at ${list[at]?.at ?? length}`)
    at++
    return v
  }
  const divide = (v: Rational, w: Rational): Rational => {
    if (w.num === 0n) throw new Refusal("division by zero")
    if (v.den === 1n && w.den === 1n && v.num % w.num === 0n) return { num: v.num / w.num, den: 1n }
    return rational(v.num * w.den, v.den * w.num)
  }
  /** What stands above or below in a fraction: a group in braces. */
  const part = (): Rational => {
    if (!(is("open") && list[at].text === "{")) throw unexpected()
    return bracketed()
  }
  const factor = (): Rational => {
    if (either("-", "+")) {
      const minus = list[at++].text === "-"
      const v = factor()
      return minus ? { num: -v.num, den: v.den } : v
    }
    if (is("open")) return bracketed()
    if (is("frac")) {
      at++
      const above = part()
      return divide(above, part())
    }
    if (!is("number")) throw unexpected()
    const value = BigInt(list[at++].text)
    numbers.push(value)
    return { num: value, den: 1n }
  }
  const product = (): Rational => {
    let v = factor()
    while (either("*", "/")) {
      const over = list[at++].text === "/"
      const w = factor()
      v = over ? divide(v, w) : rational(v.num * w.num, v.den * w.den)
    }
    return v
  }
  const sum = (): Rational => {
    let v = product()
    while (either("+", "-")) {
      const plus = list[at++].text === "+"
      const w = product()
      const num = plus ? w.num : -w.num
      v =
        v.den === w.den && v.den === 1n
          ? { num: v.num + num, den: 1n }
          : rational(v.num * w.den + num * v.den, v.den * w.den)
    }
    return v
  }
  const value = sum()
  if (at < list.length) throw unexpected()
  return { value, numbers }
}

const attempt = (list: ReadonlyArray<Token>, length: number): Parsed | string => {
  try {
    return evaluate(list, length)
  } catch (cause) {
    if (cause instanceof Refusal) return cause.message
    throw cause
  }
}

/** A number as one states a result: signed, whole, a decimal or a fraction of two numbers. */
const stated = (list: ReadonlyArray<Token>): Rational | null => {
  const first = list[0]?.kind === "operator" && list.length > 1 ? 1 : 0
  const digits = list.slice(first)
  const kinds = digits.map(({ kind }) => kind).join(" ")
  const fraction = kinds === "number operator number" && digits[1].text === "/"
  return kinds === "number" || kinds === "decimal" || fraction ? fromText(list.map(({ text }) => text).join("")) : null
}

const side = (text: string): ReadonlyArray<Token> | string => tokens(bare(text))

/**
 * The readings of a text: one of an expression; one or two of an equation, whose one side is an expression and the other the number
 * that it must be worth. A string is the reason for a refusal.
 *
 * @category parsing
 */
export const readings = (text: string): ReadonlyArray<Parsed> | string => {
  if (text.length > maxLength) return `expression has ${text.length} characters, more than ${maxLength}`
  const whole = bare(text)
  const sides = whole.split("=").map(side)
  const bad = sides.find((list) => typeof list === "string")
  if (typeof bad === "string") return bad
  if (sides.length > 2) return "more than one equals sign"
  const [left, right] = sides as ReadonlyArray<ReadonlyArray<Token>>
  if (right === undefined) {
    const parsed = attempt(left, whole.length)
    return typeof parsed === "string" ? parsed : [parsed]
  }
  let refusal = "neither side of the equation is a number"
  const out: Array<Parsed> = []
  for (const [expression, result] of [
    [left, stated(right)],
    [right, stated(left)],
  ] as const) {
    if (result === null) continue
    const parsed = attempt(expression, whole.length)
    if (typeof parsed === "string") refusal = parsed
    else if (!equal(parsed.value, result)) refusal = `says ${show(result)}, and equals ${show(parsed.value)}`
    else out.push(parsed)
  }
  return out.length > 0 ? out : refusal
}

/** The expression without an equation around it; a string is the reason for a refusal. @category parsing */
export const parse = (text: string): Parsed | string => {
  const found = readings(text)
  return typeof found === "string" ? found : found[0]
}
