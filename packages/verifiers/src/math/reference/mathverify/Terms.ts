/**
 * The part of Math-Verify's grammar that reads terms: sums, products, powers and what stands in brackets. What an element between
 * brackets may be is the business of `Parse`.
 */
import * as Rational from "../../algebra/Rational.ts"
import * as Syntax from "../../read/Syntax.ts"
import { type Expression } from "../../read/Syntax.ts"
import { spend } from "../../algebra/Work.ts"
import {
  addMatrices,
  divide,
  interval,
  isTerm,
  juxtapose,
  minus,
  multiply,
  negate,
  parseNumber,
  plus,
  transpose,
} from "./Arithmetic.ts"
import { Names } from "./Names.ts"
import { named, several, unary, Unreadable } from "./Tokens.ts"
import { scalar, type Value } from "./Values.ts"

/** One or two values, or a relation. `assigns`: what stands before the `=` or `\in` of which `values` are the right side. @category models */
export interface Element {
  readonly values: ReadonlyArray<Value>
  readonly assigns: Value | null
  readonly related: boolean
}

/** @category parsing */
export abstract class Terms extends Names {
  protected bars = 0
  /** The value of the last braces, to tell `{2}` alone from `{2}x`. */
  protected braced: Value | null = null

  /** One element of a list; `top` when no bracket is open. */
  protected abstract element(top: boolean): Element

  protected lastBraced(): Value | null {
    return this.braced
  }

  protected additive(): Value {
    let left = this.multiplicative(false)
    for (let s = this.sign(); s === "+" || s === "-"; s = this.sign()) {
      this.at++
      const right = this.multiplicative(false)
      if (left.kind === "matrix" && right.kind === "matrix") left = addMatrices(left, right, s === "-")
      else {
        const b = this.number(right)
        left = scalar(plus(this.number(left), s === "-" ? minus(b) : b))
      }
    }
    return left
  }

  protected multiplicative(noFunction: boolean): Value {
    let left = this.unary(noFunction)
    for (;;) {
      const s = this.sign()
      if (s !== "*" && s !== "/") return left
      this.at++
      const right = this.unary(noFunction)
      if (s === "*") left = multiply(left, right)
      else left = scalar(divide(this.number(left), this.number(right)))
    }
  }

  protected unary(noFunction: boolean): Value {
    return this.nested(() => {
      if (this.take("+")) return this.unary(noFunction)
      if (this.take("-")) return negate(this.unary(noFunction))
      const factors = [this.postfix()]
      while (this.startsFactor(noFunction)) factors.push(this.postfix())
      // From the right, as the grader does.
      return factors.reduceRight((rest, factor) => juxtapose(factor, rest))
    })
  }

  protected startsFactor(noFunction: boolean): boolean {
    const next = this.tokens[this.at]
    if (next === undefined) return false
    if (next.kind === "sign")
      return (
        next.text === "(" ||
        next.text === "{" ||
        next.text === "\\{" ||
        next.text === "[" ||
        (next.text === "|" && this.bars === 0)
      )
    if (next.kind !== "command") return true
    if (Object.hasOwn(unary, next.text) || Object.hasOwn(several, next.text) || next.text === "operatorname")
      return !noFunction
    return /^(?:frac|sqrt|binom|infty|lfloor|lceil|begin)$/.test(next.text) || named.has(next.text)
  }

  protected postfix(): Value {
    let value = this.power()
    for (;;) {
      if (this.take("!")) value = scalar(Syntax.call("factorial", this.number(value)))
      else if (this.isDegree()) {
        if (!isTerm(value)) throw new Unreadable("a degree sign after a set")
      } else return value
    }
  }
  /** `^\circ` and `^{\circ}`, which mean nothing here. */
  protected isDegree(): boolean {
    if (this.sign() !== "^") return false
    const braced = this.sign(this.at + 1) === "{"
    const name = this.command(this.at + (braced ? 2 : 1))
    if (name !== "circ") return false
    if (braced && this.sign(this.at + 3) !== "}") return false
    this.at += braced ? 4 : 2
    return true
  }

  protected power(): Value {
    const start = this.tokens[this.at]
    let base = this.atom()
    let first = start?.kind === "letter" && start.text === "e"
    while (this.sign() === "^" && !this.peekDegree()) {
      this.at++
      if (base.kind === "matrix" && this.tokens[this.at]?.text === "T") {
        this.at++
        base = transpose(base)
        continue
      }
      const exponent = this.exponent()
      base = scalar(Syntax.power(this.number(base), exponent))
      if (first) first = false
    }
    return base
  }
  protected peekDegree(): boolean {
    const mark = this.at
    const found = this.isDegree()
    this.at = mark
    return found
  }
  /** One atom or braces. */
  protected exponent(): Expression {
    if (this.sign() === "{") return this.group()
    const next = this.tokens[this.at]
    if (
      next === undefined ||
      next.kind === "sign" ||
      (next.kind === "command" && !named.has(next.text) && next.text !== "infty")
    )
      throw new Unreadable("an exponent that needs braces")
    return this.number(this.atom(false))
  }
  /** `{expression}`. */
  protected group(): Expression {
    this.expect("{")
    const out = this.nested(() => this.number(this.additive()))
    this.expect("}")
    return out
  }

  protected atom(applies = true): Value {
    const next = this.tokens[this.at]
    if (next === undefined) throw new Unreadable("it ends early")
    spend(5)
    switch (next.kind) {
      case "number":
        return scalar(this.numeral(next.text))
      case "percent":
        this.at++
        return scalar(Syntax.product([parseNumber(next.text), Syntax.number(Rational.make(1n, 100n))]))
      case "letter":
        return this.letter(next.text, applies)
      case "text":
        this.at++
        return this.symbol(next.text, applies)
      case "command":
        return this.commanded(next.text, applies)
      case "sign":
        return this.bracketed(next.text)
    }
  }

  protected numeral(text: string): Expression {
    this.at++
    const exponent = this.tokens[this.at]
    if (exponent?.kind === "letter" && exponent.text === "E") {
      const sign = this.sign(this.at + 1)
      const after = this.tokens[this.at + (sign === "+" || sign === "-" ? 2 : 1)]
      if (after?.kind === "number" && /^[0-9]+$/.test(after.text)) {
        this.at += sign === "+" || sign === "-" ? 3 : 2
        const power = Number(after.text) * (sign === "-" ? -1 : 1)
        return Syntax.number(Rational.fromDecimal(text.replaceAll(",", ""), power), 15)
      }
    }
    if (this.sign() === "_") this.subscript()
    return parseNumber(text)
  }

  protected bracketed(open: string): Value {
    this.at++
    if (open === "|") {
      this.bars++
      const inner = this.nested(() => this.number(this.additive()))
      this.bars--
      this.expect("|")
      return scalar(Syntax.call("abs", inner))
    }
    const closers: Readonly<Record<string, ReadonlyArray<string>>> = {
      "(": [")", "]"],
      "[": ["]", ")"],
      "{": ["}"],
      "\\{": ["\\}"],
    }
    if (!Object.hasOwn(closers, open)) throw new Unreadable(`unexpected ${open}`)
    if (open === "\\{" && this.take("\\}")) return { kind: "named", name: "empty" }
    const outer = this.bars
    this.bars = 0
    const items: Array<Value> = []
    let semicolon = false
    for (;;) {
      const { assigns, values } = this.element(false)
      if (assigns !== null) throw new Unreadable("a relation in brackets")
      items.push(...values)
      if (this.take(";")) semicolon = true
      else if (!this.take(",")) break
    }
    this.bars = outer
    const close = this.sign()
    if (close === null || !closers[open].includes(close)) throw new Unreadable(`${open} is not closed`)
    this.at++
    if (items.length === 1 && (open === "(" || open === "[" || items[0].kind === "scalar")) {
      const [only] = items
      if (only.kind === "relation" && !only.sides.every(isTerm)) throw new Unreadable("a set relation in brackets")
      // Braces around a whole element make a set; around a factor they group.
      if (open === "{" || open === "\\{") this.braced = only
      else if ((open === "(") !== (close === ")")) throw new Unreadable("brackets of two kinds around one value")
      return only
    }
    if (open === "{" || open === "\\{") return { kind: "set", items }
    const [a, b] = items
    if (items.length === 2 && !semicolon && a.kind === "scalar" && b.kind === "scalar")
      return interval(a.e, b.e, open === "(", close === ")")
    if ((open === "(") !== (close === ")")) throw new Unreadable("a tuple with brackets of two kinds")
    return { kind: "tuple", items }
  }
}
