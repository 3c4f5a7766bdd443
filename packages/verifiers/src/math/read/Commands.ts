/**
 * What a command of LaTeX reads: fractions, roots, sums, derivatives, matrices, names under accents.
 */
import { Applied, functions } from "./Applied.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Syntax from "./Syntax.ts"
import { type Expression } from "./Syntax.ts"
import { type Token, Unreadable } from "./Tokens.ts"
import * as Units from "./Units.ts"
import { spend } from "../algebra/Work.ts"

const matrices = new Set("matrix pmatrix bmatrix Bmatrix smallmatrix array".split(" "))
/** Commands that name what they hold, as `\overline{AB}` and `\vec{v}`. @category vocabulary */
export const accents = new Set(
  "overline bar vec hat widehat tilde overrightarrow overleftrightarrow overleftarrow widetilde overarc arc mathring dot ddot angle triangle odot".split(
    " ",
  ),
)

/** The corners of a triangle have no order, the legs of an angle neither. */
const sorted = (kind: string, name: string): string => {
  if (!/^[A-Z]{3}$/.test(name)) return name
  if (kind === "triangle") return Array.from(name).sort().join("")
  return kind === "angle" && name[0] > name[2] ? Array.from(name).reverse().join("") : name
}

/** @category reading */
export abstract class Commands extends Applied {
  protected commanded(name: string): Expression {
    this.at++
    if (functions.has(name)) return this.applyFunction(name)
    if (accents.has(name)) {
      const held = this.raw().replace(/^vec (?=.$)/, "")
      if (held === "") throw this.unexpected()
      const whole = `${name === "bar" ? "overline" : name} ${sorted(name, held)}`
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
      case "neg":
        return Syntax.call("apply", Syntax.symbol("neg"), this.atom())
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
      case "euro":
      case "yen":
      case "rupee": {
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

  /** A condition, without the word before it ("if", "for", "when"); as words where it is not a formula: "otherwise", "n is even". */
  protected condition(): Expression {
    const start = this.at
    let end = start
    const ends = (at: number): boolean =>
      this.tokens[at] === undefined || this.sign(at) === "\\\\" || this.command(at) === "end cases"
    while (!ends(end)) end++
    for (let at = start; at < end; at++) {
      const token = this.tokens[at]
      if (token.kind === "text" || token.kind === "word")
        this.tokens[at] = { ...token, text: token.text.replace(/^[\s,]*(?:if|for|when|where|is|are)(?![a-zA-Z])/i, "") }
    }
    const isBlank = (at: number): boolean => {
      const token = this.tokens[at]
      return (token?.kind === "text" || token?.kind === "word") && token.text.trim() === ""
    }
    while (isBlank(this.at)) this.at++
    const depth = this.depth
    try {
      const read = this.clause()
      if (ends(this.at) || (/^[,.]$/.test(this.sign() ?? "") && ends(this.at + 1))) return read
    } catch (cause) {
      if (!(cause instanceof Unreadable)) throw cause
    }
    this.depth = depth
    this.at = end
    const words = this.tokens.slice(start, end).map((token) => {
      if (token.kind === "sign") return /^[.,]$/.test(token.sign) ? "" : token.sign
      return token.kind === "symbol" || token.kind === "command" ? token.name : token.text
    })
    return { tag: "text", text: words.join(" ").replaceAll(/\s+/g, " ").trim() }
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
        else {
          const row = rows[rows.length - 1]
          row.push(kind === "cases" && row.length > 0 ? this.condition() : this.clause())
        }
      }
      spend(5)
    }
    if (rows.some((row) => row.length !== rows[0].length || row.length === 0))
      throw new Unreadable("a matrix with rows of different lengths")
    const out: Expression = { tag: "matrix", rows }
    return kind === "vmatrix" ? Syntax.call("det", out) : kind === "cases" ? Syntax.call("cases", out) : out
  }
}
