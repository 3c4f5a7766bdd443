/**
 * Math-Verify's reading of LaTeX: the grammar of latex2sympy2_extended as far as answers use it, with its own views. Every letter
 * is a symbol and case is lost; an integer before a positive fraction or integer is a sum (`7 3` is 10); `1/2x` is 1/(2x);
 * `f(x)` is an application and `f(x+1)` a product; `(1,2)` is an interval while it can be one, `(2,1)` a tuple; `{2}` and `1,2` are
 * sets; degrees and the base of a numeral are ignored; `\log` has base 10.
 *
 * Left out, read as not parsed: sums, products, integrals, limits, derivatives, row operations, and matrix functions other
 * than a determinant in bars.
 */
import * as Rational from "../../Rational.ts"
import * as Syntax from "../../Syntax.ts"
import { type Expression } from "../../Syntax.ts"
import { spend } from "../../Work.ts"
import * as Scalar from "../Scalar.ts"
import { isOnlySymbols, isSet, type Operator, scalar, type Value } from "./Values.ts"

/** Ends the name of a symbol that stands for a complex number. @category parsing */
export const complexMark = "'"

/** The text is not in the grammar. @category errors */
export class Unreadable extends Error {}

interface Token {
  readonly kind: "number" | "percent" | "letter" | "command" | "text" | "sign"
  readonly text: string
}

const token =
  /\s+|\\[,:;]|\\q?quad(?![a-zA-Z])|(?<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)|\\(?<accent>text|mbox|bar|overline|vec|overrightarrow|tilde|widetilde|hat|mathbb|mathcal|mathfrak|mathscr|mathsf|mathtt|mathbf)\s*\{(?<content>[^}]*)\}|\\(?<command>[a-zA-Z]+)|(?<letter>[a-zA-Z]|[\u0391-\u03c9\u03d1\u03d5\u03d6\u03f1\u03f5])|(?<sign>\\[{}()[\]|]|<=|>=|!=|==|[-+*/^_(){}[\]|,;:=<>!&\u00d7\u00f7\u2264\u2265\u2260\u2212]|\\\\)/uy

const signs: Readonly<Record<string, string>> = {
  "\u00d7": "*",
  "\u00f7": "/",
  ":": "/",
  "\u2264": "<=",
  "\u2265": ">=",
  "\u2260": "!=",
  "\u2212": "-",
  "==": "=",
  "\\(": "(",
  "\\)": ")",
  "\\[": "[",
  "\\]": "]",
}
const commands: Readonly<Record<string, string>> = {
  times: "*",
  cdot: "*",
  div: "/",
  lt: "<",
  gt: ">",
  le: "<=",
  leq: "<=",
  leqslant: "<=",
  ge: ">=",
  geq: ">=",
  geqslant: ">=",
  ne: "!=",
  neq: "!=",
  lbrace: "\\{",
  rbrace: "\\}",
  lbrack: "[",
  rbrack: "]",
  lgroup: "(",
  rgroup: ")",
  vert: "|",
  lvert: "|",
  rvert: "|",
}
const greek =
  "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi omicron pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega".split(
    " ",
  )
const named = new Set([
  ...greek,
  ..."Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega angle triangle ell varnothing hbar imath jmath perp square prime star".split(
    " ",
  ),
])
const greekLetters: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from(
    "\u03b1\u03b2\u03b3\u03b4\u03b5\u03b6\u03b7\u03b8\u03b9\u03ba\u03bb\u03bc\u03bd\u03be\u03bf\u03c0\u03c1\u03c3\u03c4\u03c5\u03c6\u03c7\u03c8\u03c9",
  ).map((c, i) => [
    c,
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega".split(
      " ",
    )[i],
  ]),
)
const sets: Readonly<Record<string, string>> = { R: "R", Z: "Z", N: "N", Q: "Q", C: "C" }
const unary: Readonly<Record<string, string>> = {
  sin: "sin",
  cos: "cos",
  tan: "tan",
  csc: "csc",
  sec: "sec",
  cot: "cot",
  arcsin: "arcsin",
  arccos: "arccos",
  arctan: "arctan",
  arccsc: "arccsc",
  arcsec: "arcsec",
  arccot: "arccot",
  sinh: "sinh",
  cosh: "cosh",
  tanh: "tanh",
  ln: "ln",
  log: "log",
  exp: "exp",
}
const several: Readonly<Record<string, string>> = { max: "max", min: "min", gcd: "gcd", lcm: "lcm" }
const matrices = new Set(["matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array"])
const e: Expression = { tag: "constant", name: "e" }
const imaginary: Expression = { tag: "constant", name: "i" }

const tokenise = (text: string): Array<Token> => {
  const out: Array<Token> = []
  for (token.lastIndex = 0; token.lastIndex < text.length;) {
    const at = token.lastIndex
    const found = token.exec(text)
    if (found === null) throw new Unreadable(`unexpected ${JSON.stringify(text.slice(at, at + 1))}`)
    const { accent, command, content, letter, number, sign } = found.groups ?? {}
    if (number !== undefined) {
      const percent = /\s*\\?%/y
      percent.lastIndex = token.lastIndex
      const ends = percent.exec(text)
      if (ends !== null) token.lastIndex = percent.lastIndex
      out.push({ kind: ends === null ? "number" : "percent", text: number })
    } else if (accent !== undefined) {
      if (accent === "mathbb" && Object.hasOwn(sets, content.trim()))
        out.push({ kind: "command", text: `set ${content.trim()}` })
      else out.push({ kind: "text", text: accented(accent, content.replaceAll(" ", "")) })
    } else if (command !== undefined) {
      if (command !== "quad" && command !== "qquad") {
        const known = knownCommand(command)
        token.lastIndex -= command.length - known.length
        if (Object.hasOwn(commands, known)) out.push({ kind: "sign", text: commands[known] })
        else out.push({ kind: "command", text: known })
      }
    } else if (letter !== undefined) {
      const name = Object.hasOwn(greekLetters, letter) ? greekLetters[letter] : null
      out.push(name === null ? { kind: "letter", text: letter } : { kind: "command", text: name })
    } else if (sign !== undefined) out.push({ kind: "sign", text: Object.hasOwn(signs, sign) ? signs[sign] : sign })
  }
  return out
}

/** The longest command that the name starts with: `\\cdotn` is `\\cdot n`. */
const knownCommand = (name: string): string => {
  for (let length = name.length; length > 1; length--) {
    const start = name.slice(0, length)
    if (Object.hasOwn(commands, start) || Object.hasOwn(unary, start) || Object.hasOwn(several, start)) return start
    if (named.has(start) || structural.has(start)) return start
  }
  return name
}
const structural = new Set(
  "frac sqrt binom infty lfloor rfloor lceil rceil begin end in notin approx cup cap setminus pm mp circ emptyset operatorname".split(
    " ",
  ),
)

/** The name of a symbol that is written with an accent or as text. */
const accented = (accent: string, content: string): string => {
  if (accent === "text" || accent === "mbox") return content.replaceAll(/[()]/g, "").toLowerCase()
  const kinds: Readonly<Record<string, string>> = {
    bar: "bar",
    overline: "bar",
    vec: "vec",
    overrightarrow: "vec",
    tilde: "tilde",
    widetilde: "tilde",
    hat: "hat",
  }
  return `${Object.hasOwn(kinds, accent) ? kinds[accent] : "math"}{${content}}`.toLowerCase()
}

const parseNumber = (text: string): Expression => {
  const bare = text.replaceAll(",", "")
  return Syntax.number(
    Rational.fromDecimal(bare),
    bare.includes(".") ? Math.max(15, bare.replace(".", "").length) : null,
  )
}

const isInteger = (x: Expression): x is Syntax.Tagged<"number"> =>
  x.tag === "number" && x.digits === null && Rational.isInteger(x.value)
const isPositiveRational = (x: Expression): x is Syntax.Tagged<"number"> =>
  x.tag === "number" && x.digits === null && x.value.num > 0n

/** a times b, flat, nothing computed. */
const times = (a: Expression, b: Expression): Expression =>
  Syntax.product([...(a.tag === "product" ? a.factors : [a]), ...(b.tag === "product" ? b.factors : [b])])
const plus = (a: Expression, b: Expression): Expression =>
  Syntax.sum([...(a.tag === "sum" ? a.terms : [a]), ...(b.tag === "sum" ? b.terms : [b])])
const minus = (a: Expression): Expression => (a.tag === "number" ? Syntax.negate(a) : times(Syntax.minusOne, a))
const divide = (a: Expression, b: Expression): Expression => {
  if (!isInteger(a) || !isInteger(b)) return times(a, Syntax.power(b, Syntax.minusOne))
  if (b.value.num === 0n) throw new Unreadable("division by zero")
  return Syntax.number(Rational.make(a.value.num, b.value.num))
}

/** `(a, b)` and the like: an interval unless its ends are known to stand the wrong way round. */
const interval = (from: Expression, to: Expression, leftOpen: boolean, rightOpen: boolean): Value => {
  const [a, b] = [bound(from), bound(to)]
  if (a !== null && b !== null) {
    const backwards = leftOpen && rightOpen ? b <= a : !leftOpen && !rightOpen ? b < a : false
    if (backwards) return { kind: "tuple", items: [scalar(from), scalar(to)] }
    if (a === b && !leftOpen && !rightOpen) return { kind: "set", items: [scalar(from)] }
    if (b <= a) return { kind: "named", name: "empty" }
  }
  // Nothing reaches infinity.
  return { kind: "interval", from, to, leftOpen: leftOpen || a === -Infinity, rightOpen: rightOpen || b === Infinity }
}

/** The value of an end of an interval, possibly infinite; null when it has unknowns. @category values */
export const bound = (x: Expression): number | null => {
  if (x.tag === "symbol" && x.name === "infinity") return Infinity
  if (x.tag === "product" && x.factors.length === 2) {
    const [sign, rest] = x.factors
    if (sign.tag === "number" && rest.tag === "symbol" && rest.name === "infinity")
      return sign.value.num < 0n ? -Infinity : Infinity
  }
  return Scalar.approximate(x)
}

/** Most characters and deepest nesting read. */
const maxLength = 1500
const maxDepth = 50

class Parser {
  private at = 0
  private depth = 0
  private bars = 0
  private readonly tokens: ReadonlyArray<Token>
  /** The value of the last braces, to tell `{2}` alone from `{2}x`. */
  private braced: Value | null = null

  /** Put after the name of every symbol. */
  private readonly mark: string

  constructor(tokens: ReadonlyArray<Token>, mark: string) {
    this.tokens = tokens
    this.mark = mark
  }

  private sign(at = this.at): string | null {
    const next = this.tokens[at]
    return next?.kind === "sign" ? next.text : null
  }
  private command(at = this.at): string | null {
    const next = this.tokens[at]
    return next?.kind === "command" ? next.text : null
  }
  private take(sign: string): boolean {
    if (this.sign() !== sign) return false
    this.at++
    return true
  }
  private expect(sign: string): void {
    if (!this.take(sign)) throw new Unreadable(`expected ${sign}`)
  }
  private nested<A>(f: () => A): A {
    spend(5)
    if (++this.depth > maxDepth) throw new Unreadable("nested too deep")
    const out = f()
    this.depth--
    return out
  }

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
  private element(top: boolean): {
    readonly values: ReadonlyArray<Value>
    readonly assigns: Value | null
    readonly related: boolean
  } {
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
        if (op === "in" && !assigns) throw new Unreadable("\\in after something that is no name")
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
    return value === this.braced && value.kind === "scalar" ? { kind: "set", items: [value] } : value
  }

  private number(value: Value): Expression {
    if (value.kind !== "scalar") throw new Unreadable(`a ${value.kind} where a number belongs`)
    return value.e
  }

  private additive(): Value {
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

  private multiplicative(noFunction: boolean): Value {
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

  private unary(noFunction: boolean): Value {
    return this.nested(() => {
      if (this.take("+")) return this.unary(noFunction)
      if (this.take("-")) return negate(this.unary(noFunction))
      const factors = [this.postfix()]
      while (this.startsFactor(noFunction)) factors.push(this.postfix())
      // From the right, as the grader does.
      return factors.reduceRight((rest, factor) => juxtapose(factor, rest))
    })
  }

  private startsFactor(noFunction: boolean): boolean {
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

  private postfix(): Value {
    let value = this.power()
    for (;;) {
      if (this.take("!")) value = scalar(Syntax.call("factorial", this.number(value)))
      else if (this.isDegree()) {
        if (!isTerm(value)) throw new Unreadable("a degree sign after a set")
      } else return value
    }
  }
  /** `^\circ` and `^{\circ}`, which mean nothing here. */
  private isDegree(): boolean {
    if (this.sign() !== "^") return false
    const braced = this.sign(this.at + 1) === "{"
    const name = this.command(this.at + (braced ? 2 : 1))
    if (name !== "circ") return false
    if (braced && this.sign(this.at + 3) !== "}") return false
    this.at += braced ? 4 : 2
    return true
  }

  private power(): Value {
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
  private peekDegree(): boolean {
    const mark = this.at
    const found = this.isDegree()
    this.at = mark
    return found
  }
  /** One atom or braces. */
  private exponent(): Expression {
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
  private group(): Expression {
    this.expect("{")
    const out = this.nested(() => this.number(this.additive()))
    this.expect("}")
    return out
  }

  private atom(applies = true): Value {
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

  private numeral(text: string): Expression {
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

  private letter(text: string, applies: boolean): Value {
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
  private name(text: string): Expression {
    return Syntax.symbol(`${text.toLowerCase()}${this.mark}`)
  }

  /** A symbol with its subscript, or its application to one atom or to several arguments. */
  private symbol(name: string, applies: boolean): Value {
    const full = this.sign() === "_" ? name + this.subscript() : name
    if (full.toLowerCase() === "pi") return scalar(Syntax.pi)
    const args = applies ? this.application() : null
    // The name of a function keeps its case.
    return scalar(args === null ? this.name(full) : Syntax.call("apply", Syntax.symbol(full), ...args))
  }
  private application(): ReadonlyArray<Expression> | null {
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
  private hasComma(): boolean {
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

  private subscript(): string {
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

  private commanded(name: string, applies: boolean): Value {
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

  private operatorName(): Expression {
    this.expect("{")
    let name = ""
    while (this.tokens[this.at]?.kind === "letter") name += this.tokens[this.at++].text
    this.expect("}")
    if (Object.hasOwn(unary, name)) return this.call(unary[name])
    if (name === "gcd" || name === "lcm") return this.many(name)
    return this.call(name)
  }

  /** A function of one argument: powers and bases first, then brackets or what follows up to the next function. */
  private call(name: string): Expression {
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

  private many(name: string): Expression {
    this.expect("(")
    const args = [this.nested(() => this.number(this.additive()))]
    while (this.take(",")) args.push(this.nested(() => this.number(this.additive())))
    this.expect(")")
    return Syntax.call(name, ...args)
  }

  private environment(): Value {
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

  private bracketed(open: string): Value {
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

const isTerm = (v: Value): boolean => v.kind === "scalar" || v.kind === "matrix"
const isScalarOrRelation = (v: Value): boolean => v.kind === "scalar" || v.kind === "relation"

/** What may stand before `=` as a name: a symbol, or a tuple of symbols in brackets. */
const namesOf = (v: Value): Value | null => {
  const name = (x: Expression): boolean => x.tag === "symbol"
  if (v.kind === "scalar") return name(v.e) ? v : null
  if (v.kind === "interval" && v.leftOpen && v.rightOpen && name(v.from) && name(v.to))
    return { kind: "tuple", items: [scalar(v.from), scalar(v.to)] }
  if (v.kind === "tuple" && v.items.every((item) => item.kind === "scalar" && name(item.e))) return v
  return null
}

/** One value, a set of values, or a set of tuples when semicolons separate lists. */
const setOf = (groups: ReadonlyArray<ReadonlyArray<Value>>): Value => {
  if (groups.length === 1) return groups[0].length === 1 ? groups[0][0] : { kind: "set", items: groups[0] }
  if (groups.every((group) => group.length === 1)) return { kind: "set", items: groups.map(([only]) => only) }
  return { kind: "set", items: groups.map((items) => ({ kind: "tuple", items })) }
}

const asSet = (v: Value): Value => {
  if (v.kind === "tuple") return { kind: "set", items: v.items }
  if (!isSet(v)) throw new Unreadable(`a ${v.kind} where a set belongs`)
  return v
}

const negate = (v: Value): Value => {
  if (v.kind === "matrix") return { kind: "matrix", rows: v.rows.map((row) => row.map(minus)) }
  if (v.kind !== "scalar") throw new Unreadable(`minus a ${v.kind}`)
  return scalar(minus(v.e))
}
const multiply = (a: Value, b: Value): Value => {
  if (a.kind === "scalar" && b.kind === "scalar") return scalar(times(a.e, b.e))
  if (a.kind === "scalar" && b.kind === "matrix")
    return { kind: "matrix", rows: b.rows.map((row) => row.map((x) => times(a.e, x))) }
  if (a.kind === "matrix" && b.kind === "scalar") return multiply(b, a)
  throw new Unreadable("a product of these")
}
/** Factors side by side: an integer before a positive rational is a mixed number. */
const juxtapose = (a: Value, b: Value): Value => {
  if (a.kind === "scalar" && b.kind === "scalar" && isInteger(a.e) && isPositiveRational(b.e)) {
    const whole = a.e.value
    return scalar(Syntax.number(Rational.add(whole, whole.num < 0n ? Rational.negate(b.e.value) : b.e.value)))
  }
  return multiply(a, b)
}
const addMatrices = (
  a: Extract<Value, { readonly kind: "matrix" }>,
  b: Extract<Value, { readonly kind: "matrix" }>,
  subtract: boolean,
): Value => {
  if (a.rows.length !== b.rows.length || a.rows[0].length !== b.rows[0].length)
    throw new Unreadable("matrices of different shapes")
  return {
    kind: "matrix",
    rows: a.rows.map((row, i) => row.map((x, j) => plus(x, subtract ? minus(b.rows[i][j]) : b.rows[i][j]))),
  }
}
const transpose = (m: Extract<Value, { readonly kind: "matrix" }>): Value => ({
  kind: "matrix",
  rows: m.rows[0].map((_, j) => m.rows.map((row) => row[j])),
})
const determinant = (rows: ReadonlyArray<ReadonlyArray<Expression>>): Expression => {
  if (rows.length !== rows[0].length || rows.length > 3) throw new Unreadable("a determinant of this shape")
  if (rows.length === 1) return rows[0][0]
  return Syntax.sum(
    rows[0].map((x, j) => {
      const minor = determinant(rows.slice(1).map((row) => row.filter((_, k) => k !== j)))
      return j % 2 === 0 ? times(x, minor) : times(Syntax.minusOne, times(x, minor))
    }),
  )
}

/** Whether a comma belongs to one number: `1,000` is not a list. */
const commaNumber = /^\s*-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?\s*$/

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
    const bare = text.trim().replace("-", "")
    const value = parseNumber(bare.startsWith("0") ? bare.replace(",", ".") : bare)
    return scalar(text.includes("-") ? Syntax.negate(value) : value)
  }
  return new Parser(tokenise(text), complex.test(text) ? complexMark : "").all()
}
