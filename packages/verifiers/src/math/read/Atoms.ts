/**
 * The atoms of a formula: numbers, names, brackets, fractions, roots, functions, matrices.
 */
import { Cursor } from "./Cursor.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Syntax from "./Syntax.ts"
import { type Expression } from "./Syntax.ts"
import { type Token, Unreadable } from "./Tokens.ts"
import * as Units from "./Units.ts"
import { spend } from "../algebra/Work.ts"

/** Functions that are written before their argument. @category vocabulary */
export const functions = new Set(
  "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth ln log exp det gcd lcm max min abs Re Im arg sgn cis floor ceil".split(
    " ",
  ),
)
const trigonometric = new Set("sin cos tan cot sec csc cis".split(" "))
const inverse: Readonly<Record<string, string>> = { sin: "arcsin", cos: "arccos", tan: "arctan" }
const matrices = new Set("matrix pmatrix bmatrix Bmatrix smallmatrix array".split(" "))
/** Commands that name what they hold, as `\overline{AB}` and `\vec{v}`. @category vocabulary */
export const accents = new Set(
  "overline bar vec hat widehat tilde overrightarrow overleftrightarrow overleftarrow widetilde overarc arc mathring dot ddot angle triangle odot".split(
    " ",
  ),
)

/** The corners of a triangle have no order. */
const sorted = (name: string): string => (/^[A-Z]{3}$/.test(name) ? Array.from(name).sort().join("") : name)

/** Heads that are always functions before brackets. */
const alwaysFunction = /^(?:[fghFGH]|phi|varphi|Phi|psi|Psi|Gamma|zeta|sigma|tau|mathcal .|O)(?:_.*)?'*$|'/
/** Heads that are functions of what looks like their argument. */
const oftenFunction = /^[PQ](?:_.*)?$/
/** What is an argument by itself: `y(0)`, `d(n)`, `v(t)`. */
const isArgument = (e: Expression): boolean =>
  (e.tag === "number" && e.digits === null) ||
  (e.tag === "symbol" && /^[xtn]$/.test(e.name)) ||
  (e.tag === "call" && e.name === "apply")

const plainly = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}` : value)

/** @category reading */
export abstract class Atoms extends Cursor {
  protected inTrigonometry = 0
  /** The unit of the side that is being read. */
  protected unit: string | null = null
  /** Letters that were printed bold: vectors. */
  protected readonly bold = new Set<string>()
  /** Absolute values open. */
  protected bars = 0

  /** Clauses up to a closing bracket or the end. */
  protected abstract list(): Expression
  protected abstract clause(): Expression
  protected abstract sum(): Expression
  /** `implicitOnly`: what stands side by side, as the argument of a function without brackets. */
  protected abstract product(implicitOnly?: boolean): Expression
  protected abstract startsFactor(): boolean

  /** What `^`, `_`, `\frac` and `\sqrt` take: a group, or one token, of a number one digit. */
  protected argument(): Expression {
    return this.nested(() => {
      if (this.take("{")) {
        const out = this.list()
        this.expect("}")
        return out
      }
      const minus = this.take("-")
      const value = this.atom()
      return minus ? Syntax.negate(value) : value
    })
  }

  protected atom(): Expression {
    return this.nested(() => {
      const token = this.tokens[this.at]
      if (token === undefined) throw this.unexpected()
      switch (token.kind) {
        case "number": {
          this.at++
          const base = this.subscriptBase()
          if (base === null) return Syntax.number(token.value, token.digits)
          return this.based(token.text, base)
        }
        case "symbol": {
          this.at++
          if (token.bold === true) this.bold.add(token.name)
          return this.applied(this.chosen(token.name) ?? this.named(token.name))
        }
        case "word": {
          if (/^[A-Fa-f]+$/.test(token.text) && this.sign(this.at + 1) === "_") {
            this.at++
            const base = this.subscriptBase()
            if (base !== null) return this.based(token.text, base)
          }
          // Letters side by side: an exponent belongs to the last.
          this.tokens.splice(
            this.at,
            1,
            ...Array.from(token.text, (name): Token => ({ kind: "symbol", name, space: false })),
          )
          return this.atom()
        }
        case "text": {
          const bare = token.text.trim()
          this.at++
          if (/^[a-zA-Z]$/.test(bare)) return this.applied(this.chosen(bare) ?? this.named(bare))
          const base = /^[0-9A-Fa-f]+$/.test(bare) ? this.subscriptBase() : null
          if (base !== null) return this.based(bare, base)
          this.at--
          throw this.unexpected()
        }
        case "sign":
          return this.bracket(token.sign)
        case "command":
          return this.commanded(token.name)
      }
    })
  }
  /** `C_5^2`, `C^2_5`: the number of choices; null for any other letter. */
  protected chosen(name: string): Expression | null {
    if (name !== "C") return null
    const start = this.at
    const parts = new Map<string, Expression>()
    while ((this.sign() === "_" || this.sign() === "^") && !parts.has(this.sign() ?? "")) {
      const which = this.sign() ?? ""
      this.at++
      const token = this.tokens[this.at + (this.sign() === "{" ? 1 : 0)]
      if (token?.kind !== "number") break
      if (this.sign() === "{") parts.set(which, this.argument())
      else {
        const first = this.digit()
        if (first === null) this.at++
        // Not an argument: 2_6 would be a number in base 6.
        parts.set(which, first ?? Syntax.number(token.value))
      }
    }
    const [n, k] = [parts.get("_"), parts.get("^")]
    if (n !== undefined && k !== undefined) return Syntax.call("binom", n, k)
    this.at = start
    return null
  }

  /** A name before brackets that is a function of what is in them: `f(2x)`, `y(0)`, `C(5,2)`; elsewhere it is a factor. */
  protected applied(head: Expression): Expression {
    if (head.tag !== "symbol" || /^(?:set|overline|vec|angle|triangle) /.test(head.name)) return head
    const start = this.at
    const unit = this.unit
    let exponent: Expression | null = null
    // f^{-1}(x), f^2(x)
    if (this.sign() === "^" && (alwaysFunction.test(head.name) || oftenFunction.test(head.name))) {
      this.at++
      exponent = this.star() ? Syntax.symbol("*") : this.argument()
    }
    if (this.sign() !== "(") {
      this.at = start
      return head
    }
    const inner = this.atom()
    const args = inner.tag === "tuple" ? inner.items : [inner]
    const own = new Set(["x", "t", "n", "k", "z", "infinity"])
    // h(a+b): a height times the sum of two sides.
    const isHeight =
      /^h(?:_.*)?$/.test(head.name) &&
      inner.tag === "sum" &&
      inner.terms.every((term) => term.tag === "symbol" && !own.has(term.name))
    const isFunction =
      (alwaysFunction.test(head.name) && !isHeight) ||
      (inner.tag === "tuple" && inner.open === "(" && inner.close === ")") ||
      inner.tag === "text" ||
      (inner.tag === "setop" && head.name.startsWith("P")) ||
      (inner.tag === "symbol" && /^[A-Z]$/.test(inner.name) && /^[PEn]$/.test(head.name)) ||
      (isArgument(inner) && !(inner.tag === "symbol" && inner.name === head.name)) ||
      (oftenFunction.test(head.name) && Syntax.unknowns(inner).every((name) => own.has(name)))
    if (!isFunction) {
      this.at = start
      this.unit = unit
      return head
    }
    const name = exponent === null ? head : Syntax.symbol(`${head.name}^${JSON.stringify(exponent, plainly)}`)
    return Syntax.call("apply", name, ...args)
  }
  protected bracket(sign: string): Expression {
    this.at++
    switch (sign) {
      case "{": {
        if (this.take("}")) throw new Unreadable("empty braces")
        const inner = this.list()
        // {5 \\choose 2}
        if (this.command() === "choose" || this.command() === "brack") {
          this.at++
          const k = this.sum()
          this.expect("}")
          return Syntax.call("binom", inner, k)
        }
        this.expect("}")
        return inner
      }
      case "\\{": {
        if (this.take("\\}")) return { tag: "set", items: [] }
        // A bar after the unknown is no absolute value.
        this.bars++
        const first = this.list()
        this.bars--
        // {x | x > 2}: the condition says it.
        if (this.sign() === "|" || this.sign() === ":") {
          this.at++
          const condition = this.list()
          this.expect("\\}")
          return condition
        }
        this.expect("\\}")
        return { tag: "set", items: first.tag === "list" ? first.items : [first] }
      }
      case "(":
      case "[": {
        const bars = this.bars
        this.bars = 0
        const inner = this.list()
        this.bars = bars
        const close = this.sign()
        if (close !== ")" && close !== "]") throw this.unexpected()
        this.at++
        if (inner.tag === "list") return { tag: "tuple", open: sign, close, items: inner.items }
        if ((sign === "(") !== (close === ")")) throw new Unreadable(`"${sign}" closed by "${close}"`)
        return inner
      }
      case "|": {
        this.bars++
        const inner = this.clause()
        this.expect("|")
        this.bars--
        return Syntax.call(inner.tag === "matrix" ? "det" : "abs", inner)
      }
      default:
        this.at--
        throw this.unexpected()
    }
  }

  protected commanded(name: string): Expression {
    this.at++
    if (functions.has(name)) return this.applyFunction(name)
    if (accents.has(name)) {
      const held = this.raw()
      if (held === "") throw this.unexpected()
      const whole = `${name === "bar" ? "overline" : name} ${name === "triangle" ? sorted(held) : held}`
      return this.sign() === "_" ? this.named(whole) : Syntax.symbol(whole)
    }
    if (name.startsWith("begin ")) return this.matrix(name.slice("begin ".length))
    switch (name) {
      case "frac": {
        const derivative = this.derivative()
        if (derivative !== null) return derivative
        const [num, den] = [this.digit() ?? this.argument(), this.digit() ?? this.argument()]
        return Syntax.quotient(num, den)
      }
      case "sqrt": {
        let degree: Expression | null = null
        if (this.take("[")) {
          degree = this.sum()
          this.expect("]")
        }
        const radicand = this.digit() ?? this.argument()
        return degree === null
          ? Syntax.power(radicand, Syntax.number(Rational.make(1n, 2n)))
          : Syntax.call("root", degree, radicand)
      }
      case "binom": {
        const [n, k] = [this.digit() ?? this.argument(), this.digit() ?? this.argument()]
        return Syntax.call("binom", n, k)
      }
      case "pi":
        return this.sign() === "_" ? this.named("pi") : Syntax.pi
      case "infty":
        return Syntax.infinity
      case "langle": {
        const inner = this.list()
        if (this.command() !== "rangle") throw this.unexpected()
        this.at++
        return { tag: "tuple", open: "(", close: ")", items: inner.tag === "list" ? inner.items : [inner] }
      }
      case "sum":
      case "prod":
        return this.repeated(name)
      case "underbrace":
      case "overbrace": {
        const inner = this.argument()
        if (this.take("_") || this.take("^")) this.raw()
        return inner
      }
      case "emptyset":
        return { tag: "set", items: [] }
      case "lfloor":
      case "lceil": {
        const inner = this.sum()
        if (this.command() !== (name === "lfloor" ? "rfloor" : "rceil")) throw this.unexpected()
        this.at++
        return Syntax.call(name === "lfloor" ? "floor" : "ceil", inner)
      }
      case "dollar":
      case "pounds":
      case "euro": {
        this.unit = Units.canonical(name)
        const minus = this.take("-")
        const value = this.atom()
        return minus ? Syntax.negate(value) : value
      }
      default:
        this.at--
        throw this.unexpected()
    }
  }

  /** `\\frac{dy}{dx}` as one name; null for any other fraction, whose braces are next. */
  protected derivative(): Expression | null {
    const start = this.at
    const isDifferential = (t: Token | undefined): boolean =>
      (t?.kind === "symbol" && (t.name === "d" || /^d [a-z]$/.test(t.name))) ||
      (t?.kind === "command" && t.name === "partial")
    if (this.sign() !== "{" || !isDifferential(this.tokens[this.at + 1])) return null
    const top = this.raw()
    if (this.sign() !== "{" || !isDifferential(this.tokens[this.at + 1])) {
      this.at = start
      return null
    }
    const bottom = this.raw()
    // d over d alone is 1.
    if (bottom === "d") {
      this.at = start
      return null
    }
    const name = `d/d ${top.replaceAll(" ", "")}/${bottom.replaceAll(" ", "")}`
    if (/^(?:d|partial)(?:\^[0-9]+)?$/.test(top) && this.startsFactor())
      return Syntax.call("apply", Syntax.symbol(name), this.atom())
    return Syntax.symbol(name)
  }

  /** `\\sum_{k=1}^{5} k^2`, with what follows as a product. */
  protected repeated(name: string): Expression {
    let from: Expression | null = null
    let to: Expression | null = null
    while (this.sign() === "_" || this.sign() === "^")
      if (this.take("_")) from = this.argument()
      else {
        this.at++
        to = this.argument()
      }
    if (from?.tag !== "relation" || from.relations.length !== 1 || from.relations[0] !== "=" || to === null)
      throw new Unreadable(`\\${name} without bounds`)
    const [variable, first] = from.sides
    if (variable.tag !== "symbol" && !(variable.tag === "constant" && variable.name === "i"))
      throw new Unreadable(`\\${name} without bounds`)
    const body = this.nested(() => this.product())
    // The letter that is counted with has no name outside.
    let depth = 1
    while (Syntax.some(body, (e) => e.tag === "symbol" && e.name === `bound ${depth}`)) depth++
    const bound = Syntax.symbol(`bound ${depth}`)
    return Syntax.call(name, Syntax.replace(body, variable, bound), bound, first, to)
  }

  /** The first digit of a number after `\frac`, `\sqrt`, `\binom` without braces; the number goes on after it. */
  protected digit(): Expression | null {
    const token = this.tokens[this.at]
    if (token?.kind !== "number" || token.text.length === 1 || !/^[0-9]+$/.test(token.text)) return null
    const rest = token.text.slice(1)
    const after: Token = { ...token, text: rest, value: Rational.fromDecimal(rest), space: false }
    this.tokens[this.at] = after
    return Syntax.number(Rational.fromDecimal(token.text[0]))
  }

  protected applyFunction(name: string): Expression {
    const angles = trigonometric.has(name) ? 1 : 0
    let subscript: Expression | null = null
    let exponent: Expression | null = null
    for (;;) {
      if (this.sign() === "_" && name === "log" && subscript === null) {
        this.at++
        subscript = this.argument()
      } else if (this.sign() === "^" && exponent === null) {
        this.at++
        exponent = this.argument()
      } else break
    }
    this.inTrigonometry += angles
    const bracket = ["(", "{", "[", "\\{"].includes(this.sign() ?? "")
    let argument = bracket ? this.atom() : this.nested(() => this.product(true))
    // \sin(x)^2 is left as it is: (sin x)^2 and sin(x^2) are both meant by it.
    this.inTrigonometry -= angles
    if (argument.tag === "set" && /^(?:max|min|gcd|lcm)$/.test(name)) return Syntax.call(name, ...argument.items)
    if (argument.tag === "tuple") return Syntax.call(name, ...argument.items)
    if (argument.tag === "list") argument = { tag: "tuple", open: "(", close: ")", items: argument.items }
    if (name === "exp") return Syntax.power({ tag: "constant", name: "e" }, argument)
    const inverted = exponent?.tag === "number" && exponent.value.num === -1n && exponent.value.den === 1n
    const called =
      name === "ln"
        ? Syntax.call("log", { tag: "constant", name: "e" }, argument)
        : name === "log"
          ? Syntax.call("log", subscript ?? Syntax.integer(10), argument)
          : Syntax.call(inverted && Object.hasOwn(inverse, name) ? inverse[name] : name, argument)
    if (exponent === null || (inverted && Object.hasOwn(inverse, name))) return called
    return Syntax.power(called, exponent)
  }

  protected matrix(kind: string): Expression {
    if (!matrices.has(kind) && kind !== "vmatrix" && kind !== "cases")
      throw new Unreadable(`\\begin{${kind}} is not supported`)
    const rows: Array<Array<Expression>> = [[]]
    for (;;) {
      if (this.command() === `end ${kind}`) {
        this.at++
        break
      }
      if (this.take("\\\\")) {
        if (this.command() !== `end ${kind}`) rows.push([])
      } else if (!this.take("&")) {
        if (this.command() === "hline" || (kind === "cases" && (this.sign() === "," || this.sign() === "."))) this.at++
        else rows[rows.length - 1].push(this.clause())
      }
      spend(5)
    }
    if (rows.some((row) => row.length !== rows[0].length || row.length === 0))
      throw new Unreadable("a matrix with rows of different lengths")
    const out: Expression = { tag: "matrix", rows }
    return kind === "vmatrix" ? Syntax.call("det", out) : kind === "cases" ? Syntax.call("cases", out) : out
  }
}
