/**
 * The part of Math-Verify's grammar that reads terms: sums, products, powers, functions, names, matrices and what stands in
 * brackets. What an element between brackets may be is the business of `Parse`.
 */
import * as Rational from "../../algebra/Rational.ts"
import * as Syntax from "../../read/Syntax.ts"
import { type Expression } from "../../read/Syntax.ts"
import { spend } from "../../algebra/Work.ts"
import {
  addMatrices,
  determinant,
  divide,
  interval,
  isInteger,
  isTerm,
  juxtapose,
  minus,
  multiply,
  negate,
  parseNumber,
  plus,
  transpose,
} from "./Arithmetic.ts"
import { matrices, named, several, type Token, unary, Unreadable } from "./Tokens.ts"
import { scalar, type Value } from "./Values.ts"

const e: Expression = { tag: "constant", name: "e" }
const imaginary: Expression = { tag: "constant", name: "i" }

/** Deepest nesting read. */
const maxDepth = 50

/** One or two values, or a relation. `assigns`: what stands before the `=` or `\in` of which `values` are the right side. @category models */
export interface Element {
  readonly values: ReadonlyArray<Value>
  readonly assigns: Value | null
  readonly related: boolean
}

/** @category parsing */
export abstract class Terms {
  protected at = 0
  protected depth = 0
  protected bars = 0
  protected readonly tokens: ReadonlyArray<Token>
  /** The value of the last braces, to tell `{2}` alone from `{2}x`. */
  protected braced: Value | null = null

  /** Put after the name of every symbol. */
  protected readonly mark: string

  constructor(tokens: ReadonlyArray<Token>, mark: string) {
    this.tokens = tokens
    this.mark = mark
  }

  protected sign(at = this.at): string | null {
    const next = this.tokens[at]
    return next?.kind === "sign" ? next.text : null
  }
  protected command(at = this.at): string | null {
    const next = this.tokens[at]
    return next?.kind === "command" ? next.text : null
  }
  protected take(sign: string): boolean {
    if (this.sign() !== sign) return false
    this.at++
    return true
  }
  protected expect(sign: string): void {
    if (!this.take(sign)) throw new Unreadable(`expected ${sign}`)
  }
  protected nested<A>(f: () => A): A {
    spend(5)
    if (++this.depth > maxDepth) throw new Unreadable("nested too deep")
    const out = f()
    this.depth--
    return out
  }

  /** One element of a list; `top` when no bracket is open. */
  protected abstract element(top: boolean): Element

  protected lastBraced(): Value | null {
    return this.braced
  }

  protected number(value: Value): Expression {
    if (value.kind !== "scalar") throw new Unreadable(`a ${value.kind} where a number belongs`)
    return value.e
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

  protected letter(text: string, applies: boolean): Value {
    this.at++
    if (text === "I") return scalar(imaginary)
    if (text === "E") return scalar(this.name("e"))
    if (text === "e") return scalar(e)
    const following = this.tokens[this.at]
    if (
      text === "d" &&
      following !== undefined &&
      (following.kind === "letter" || (following.kind === "command" && named.has(following.text)))
    ) {
      this.at++
      return scalar(this.name(`d${following.text.toLowerCase()}`))
    }
    return this.symbol(text, applies)
  }

  /** A symbol as this text's are. */
  protected name(text: string): Expression {
    return Syntax.symbol(`${text.toLowerCase()}${this.mark}`)
  }

  /** A symbol with its subscript, or its application to one atom or to several arguments. */
  protected symbol(name: string, applies: boolean): Value {
    const full = this.sign() === "_" ? name + this.subscript() : name
    if (full.toLowerCase() === "pi") return scalar(Syntax.pi)
    const args = applies ? this.application() : null
    // The name of a function keeps its case.
    return scalar(args === null ? this.name(full) : Syntax.call("apply", Syntax.symbol(full), ...args))
  }
  protected application(): ReadonlyArray<Expression> | null {
    if (this.sign() !== "(") return null
    const mark = this.at
    const { depth } = this
    this.at++
    try {
      const next = this.tokens[this.at]
      if (next !== undefined && next.kind !== "sign" && (next.kind !== "command" || named.has(next.text))) {
        const single = this.number(this.atom(false))
        if (this.take(")")) return [single]
        this.at = mark + 1
      }
      // Arguments after a comma: look for one at this level before reading.
      if (!this.hasComma()) throw new Unreadable("a product")
      const args = [this.number(this.additive())]
      while (this.take(",")) args.push(this.number(this.additive()))
      this.expect(")")
      return args
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      this.at = mark
      this.depth = depth
      return null
    }
  }
  protected hasComma(): boolean {
    let depth = 0
    for (let at = this.at; at < this.tokens.length; at++) {
      spend(1)
      const s = this.sign(at)
      if (s === "(" || s === "{" || s === "[") depth++
      else if (s === ")" || s === "}" || s === "]") {
        if (depth-- === 0) return false
      } else if (s === "," && depth === 0) return true
    }
    return false
  }

  protected subscript(): string {
    this.expect("_")
    let text = ""
    if (this.take("{")) {
      let depth = 1
      for (; this.at < this.tokens.length; this.at++) {
        const next = this.tokens[this.at]
        if (next.kind === "sign" && next.text === "{") depth++
        if (next.kind === "sign" && next.text === "}" && --depth === 0) break
        text += next.kind === "command" ? `\\${next.text}` : next.text
      }
      this.expect("}")
    } else {
      const next = this.tokens[this.at++]
      if (next === undefined || next.kind === "sign") throw new Unreadable("a subscript is missing")
      text = next.kind === "command" ? `\\${next.text}` : next.text
    }
    return `_${text.length > 1 ? `{${text}}` : text}`.toLowerCase()
  }

  protected commanded(name: string, applies: boolean): Value {
    this.at++
    if (name.startsWith("set ")) return { kind: "named", name: name.slice("set ".length) }
    if (Object.hasOwn(unary, name)) return scalar(this.call(unary[name]))
    if (Object.hasOwn(several, name)) return scalar(this.many(several[name]))
    if (named.has(name)) return this.symbol(name, applies)
    switch (name) {
      case "emptyset":
        return { kind: "named", name: "empty" }
      case "infty":
        return scalar(Syntax.infinity)
      case "frac": {
        const top = this.group()
        return scalar(divide(top, this.group()))
      }
      case "binom": {
        const top = this.group()
        return scalar(Syntax.call("binom", top, this.group()))
      }
      case "sqrt": {
        let degree: Expression = Syntax.integer(2)
        if (this.take("[")) {
          degree = this.nested(() => this.number(this.additive()))
          this.expect("]")
        }
        const radicand = this.group()
        return scalar(Syntax.power(radicand, divide(Syntax.integer(1), degree)))
      }
      case "lfloor":
      case "lceil": {
        const inner = this.nested(() => this.number(this.additive()))
        if (this.command() !== (name === "lfloor" ? "rfloor" : "rceil")) throw new Unreadable("an unclosed rounding")
        this.at++
        return scalar(Syntax.call(name === "lfloor" ? "floor" : "ceil", inner))
      }
      case "operatorname":
        return scalar(this.operatorName())
      case "begin":
        return this.environment()
      default:
        throw new Unreadable(`\\${name}`)
    }
  }

  protected operatorName(): Expression {
    this.expect("{")
    let name = ""
    while (this.tokens[this.at]?.kind === "letter") name += this.tokens[this.at++].text
    this.expect("}")
    if (Object.hasOwn(unary, name)) return this.call(unary[name])
    if (name === "gcd" || name === "lcm") return this.many(name)
    return this.call(name)
  }

  /** A function of one argument: powers and bases first, then brackets or what follows up to the next function. */
  protected call(name: string): Expression {
    let exponent: Expression | null = null
    let base: Expression | null = null
    for (let s = this.sign(); s === "^" || s === "_"; s = this.sign()) {
      this.at++
      if (s === "^") exponent = this.exponent()
      else base = this.exponent()
    }
    const arg = this.nested(() => {
      if (this.sign() !== "(") return this.number(this.multiplicative(true))
      this.at++
      const out = this.number(this.additive())
      this.expect(")")
      return out
    })
    const inverse =
      exponent !== null &&
      isInteger(exponent) &&
      exponent.value.num === -1n &&
      /^(?:sin|cos|tan|csc|sec|cot)$/.test(name)
    const value =
      name === "exp"
        ? Syntax.power(e, arg)
        : name === "ln" || name === "log"
          ? Syntax.call("log", base ?? (name === "ln" ? e : Syntax.integer(10)), arg)
          : Syntax.call(inverse ? `arc${name}` : name, arg)
    return exponent === null || inverse ? value : Syntax.power(value, exponent)
  }

  protected many(name: string): Expression {
    this.expect("(")
    const args = [this.nested(() => this.number(this.additive()))]
    while (this.take(",")) args.push(this.nested(() => this.number(this.additive())))
    this.expect(")")
    return Syntax.call(name, ...args)
  }

  protected environment(): Value {
    this.expect("{")
    let name = ""
    while (this.tokens[this.at]?.kind === "letter") name += this.tokens[this.at++].text
    this.expect("}")
    if (!matrices.has(name) && name !== "vmatrix") throw new Unreadable(`\\begin{${name}}`)
    if (name === "array" && this.take("{"))
      while (!this.take("}")) if (this.at++ >= this.tokens.length) throw new Unreadable("columns")
    const rows: Array<Array<Expression>> = [[]]
    for (;;) {
      rows.at(-1)?.push(this.nested(() => this.number(this.additive())))
      if (this.take("&")) continue
      if (!this.take("\\\\")) break
      if (this.command() === "end") break
      rows.push([])
    }
    if (this.command() !== "end") throw new Unreadable("a matrix that does not end")
    this.at++
    this.expect("{")
    while (this.tokens[this.at]?.kind === "letter") this.at++
    this.expect("}")
    if (rows.some((row) => row.length !== rows[0].length)) throw new Unreadable("rows of different lengths")
    return name === "vmatrix" ? scalar(determinant(rows)) : { kind: "matrix", rows }
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
