/**
 * Math-Verify's reading of LaTeX: the grammar of latex2sympy2_extended as far as answers use it, with its own views. Every letter
 * is a symbol and case is lost; an integer before a positive fraction or integer is a sum (`7 3` is 10); `1/2x` is 1/(2x);
 * `f(x)` is an application and `f(x+1)` a product; `(1,2)` is an interval while it can be one, `(2,1)` a tuple; `{2}` and `1,2` are
 * sets; degrees and the base of a numeral are ignored; `\log` has base 10.
 *
 * Left out, read as not parsed: sums, products, integrals, limits, derivatives, row operations, and matrix functions other
 * than a determinant in bars.
 */
import * as Syntax from "../../read/Syntax.ts"
import { asSet, isScalarOrRelation, isTerm, minus, namesOf, parseNumber, setOf } from "./Arithmetic.ts"
import { type Element, Terms } from "./Terms.ts"
import { tokenise, Unreadable } from "./Tokens.ts"
import { isOnlySymbols, type Operator, scalar, type Value } from "./Values.ts"

/** Ends the name of a symbol that stands for a complex number. @category parsing */
export const complexMark = "'"

/** Most characters read. */
const maxLength = 1500

class Parser extends Terms {
  all(): Value {
    const parts = this.lists(true)
    if (this.at < this.tokens.length) throw new Unreadable("more than an answer")
    return parts
  }

  /** Elements separated by commas and semicolons, at the top. */
  private lists(top: boolean): Value {
    const first = this.element(top)
    if (top && first.assigns !== null) {
      // x = 1, 2: all of them belong to x.
      const rest: Array<Array<Value>> = [[...first.values]]
      const mark = this.at
      let plain = true
      while (plain && (this.sign() === "," || this.sign() === ";")) {
        if (this.take(";")) rest.push([])
        else this.at++
        const next = this.element(false)
        if (next.related) plain = false
        rest.at(-1)?.push(...next.values)
      }
      if (plain) {
        const [only] = first.values
        const right = rest.length === 1 && rest[0].length === 1 ? only : setOf(rest)
        return { kind: "relation", operators: ["="], sides: [first.assigns, right] }
      }
      this.at = mark
    }
    const relation: Value | null =
      first.assigns === null ? null : { kind: "relation", operators: ["="], sides: [first.assigns, first.values[0]] }
    if (first.assigns !== null && first.values.length > 1) throw new Unreadable("a choice of signs in a relation")
    const groups: Array<Array<Value>> = [relation === null ? [...first.values] : [relation]]
    while (this.sign() === "," || this.sign() === ";") {
      if (this.take(";")) groups.push([])
      else this.at++
      const { assigns, values } = this.element(true)
      if (assigns === null) groups.at(-1)?.push(...values)
      else if (values.length === 1)
        groups.at(-1)?.push({ kind: "relation", operators: ["="], sides: [assigns, values[0]] })
      else throw new Unreadable("a choice of signs in a relation")
    }
    return setOf(groups)
  }

  /**
   * One element: a value, two for a choice of signs, or a relation. `assigns` is what stands before a single `=` or `\in`
   * when it is a name or a tuple of names; then the values are what stands after it.
   */
  protected override element(top: boolean): Element {
    return this.nested(() => {
      if (this.isPlusMinus()) return { values: this.plusMinus(null), assigns: null, related: false }
      const first = this.sets()
      if (this.isPlusMinus()) return { values: this.plusMinus(first), assigns: null, related: false }
      const operators: Array<Operator> = []
      const sides: Array<Value> = [first]
      for (;;) {
        const op = this.operator()
        if (op === null) break
        if (op === "~") {
          const right = this.sets()
          const left = sides.pop()
          if (left === undefined || !isScalarOrRelation(left)) throw new Unreadable("about a set")
          sides.push(isOnlySymbols(left) ? right : left)
          continue
        }
        if (op === "notin") {
          const right = this.sets()
          if (sides.length > 1) throw new Unreadable("a chain with \\notin")
          return {
            values: [{ kind: "not", value: { kind: "relation", operators: ["="], sides: [first, right] } }],
            assigns: null,
            related: true,
          }
        }
        const names = sides.length === 1 ? namesOf(first) : null
        const assigns = (op === "=" || op === "in") && names !== null
        if (op === "in" && !assigns) throw new Unreadable("\\in after something that is not a name")
        if (assigns && top && this.isPlusMinus()) return { values: this.plusMinus(null), assigns: names, related: true }
        const right = this.sets()
        if (assigns && top && this.isPlusMinus())
          return { values: this.plusMinus(right), assigns: names, related: true }
        if (assigns && this.operator(false) === null) {
          if (top) return { values: [right], assigns: names, related: true }
          return {
            values: [{ kind: "relation", operators: ["="], sides: [names, right] }],
            assigns: null,
            related: true,
          }
        }
        if (op === "in" || !isTerm(right) || !isTerm(first)) throw new Unreadable("a relation between sets")
        operators.push(op)
        sides.push(right)
      }
      if (operators.length === 0) return { values: [sides[0]], assigns: null, related: false }
      return { values: [{ kind: "relation", operators, sides }], assigns: null, related: true }
    })
  }

  private isPlusMinus(): boolean {
    return this.command() === "pm" || this.command() === "mp"
  }
  private plusMinus(left: Value | null): ReadonlyArray<Value> {
    this.at++
    const right = this.number(this.additive())
    if (left === null) return [scalar(minus(right)), scalar(right)]
    const base = this.number(left)
    return [scalar(Syntax.sum([base, right])), scalar(Syntax.sum([base, minus(right)]))]
  }

  private operator(take = true): Operator | "in" | "notin" | "~" | null {
    const sign = this.sign()
    const command = this.command()
    let out: Operator | "in" | "notin" | "~" | null = null
    if (sign !== null && /^(?:=|!=|<=?|>=?)$/.test(sign)) out = sign as Operator
    else if (command === "in" || command === "notin") out = command
    else if (command === "approx") out = "~"
    if (take && out !== null) this.at++
    return out
  }

  /** Unions, intersections and differences of sets; or something else alone. */
  private sets(): Value {
    let left = this.intersection()
    for (;;) {
      const op = this.command()
      if (op !== "cup" && op !== "setminus") return left
      this.at++
      const right = this.intersection()
      left = { kind: "operation", op, left: asSet(left), right: asSet(right) }
    }
  }
  private intersection(): Value {
    let left = this.closed()
    while (this.command() === "cap") {
      this.at++
      left = { kind: "operation", op: "cap", left: asSet(left), right: asSet(this.closed()) }
    }
    return left
  }
  /** A sum; braces around a whole element make a set. */
  private closed(): Value {
    this.braced = null
    const value = this.additive()
    return value.kind === "scalar" && value === this.lastBraced() ? { kind: "set", items: [value] } : value
  }
}

/** Whether a comma belongs to one number: `1,000` is not a list. */
const commaNumber = /^\s*-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?\s*$/

/** Other spellings of what the grammar has: signs of print, `{a \choose b}`, a subscript after an exponent. */
const respelled: ReadonlyArray<readonly [RegExp, string]> = [
  [/\u222a/g, "\\cup "],
  [/\u2229/g, "\\cap "],
  [/\u2216/g, "\\setminus "],
  [/\u00b1/g, "\\pm "],
  [/\u2205/g, "\\emptyset "],
  [/\u211d/g, "\\mathbb{R}"],
  [/\\dbinom(?![a-zA-Z])/g, "\\binom"],
  [/\{([^{}\\]*)\\choose(?![a-zA-Z])([^{}\\]*)\}/g, "\\binom{$1}{$2}"],
  [/([a-zA-Z])\^([0-9]|\{[^{}]*\})_([a-zA-Z0-9]|\{[^{}]*\})/g, "$1_$3^$2"],
]
const respell = (text: string): string => respelled.reduce((out, [from, to]) => out.replaceAll(from, to), text)

/** Signs of complex numbers: then every symbol in the text is a complex one, and no real one is the same. */
const complex =
  /\\mathbb\{C\}|\\i\b|\bi\b|\\(?:text|mathrm)\{i\}|\\imath\b|\\det|\\operatorname\{(?:tr|rank|Re|Im)\}|\\text\{(?:rank|Re|Im)\}|\\(?:arg|Re|Im)\{/

/**
 * What the text means. Throws `Unreadable` when it is not in the grammar, and `WorkExceeded`.
 *
 * @category parsing
 */
export const parse = (text: string): Value => {
  if (text.length > maxLength) throw new Unreadable("too long")
  if (commaNumber.test(text)) {
    const bare = text.trim()
    // A comma after a leading 0 is a decimal one, and a number has one; a sign hides the 0.
    const plain = bare.startsWith("0") ? bare.replaceAll(",", ".") : bare
    if (/\..*\./.test(plain)) throw new Unreadable("a number with two decimal points")
    if (/^-0[0-9,]+$/.test(plain)) throw new Unreadable("an integer with a leading 0")
    const value = parseNumber(plain.replace("-", ""))
    return scalar(plain.startsWith("-") ? Syntax.negate(value) : value)
  }
  return new Parser(tokenise(respell(text)), complex.test(text) ? complexMark : "").all()
}
