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
  "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth ln log exp det gcd lcm max min abs Re Im arg sgn".split(
    " ",
  ),
)
const trigonometric = new Set("sin cos tan cot sec csc".split(" "))
const inverse: Readonly<Record<string, string>> = { sin: "arcsin", cos: "arccos", tan: "arctan" }
const matrices = new Set("matrix pmatrix bmatrix Bmatrix smallmatrix array".split(" "))
/** Commands that name what they hold, as `\overline{AB}` and `\vec{v}`. @category vocabulary */
export const accents = new Set(
  "overline bar vec hat widehat tilde overrightarrow overleftrightarrow underline angle triangle".split(" "),
)

/** @category reading */
export abstract class Atoms extends Cursor {
  protected inTrigonometry = 0
  /** The unit of the side that is being read. */
  protected unit: string | null = null
  /** Absolute values open. */
  protected bars = 0

  /** Clauses up to a closing bracket or the end. */
  protected abstract list(): Expression
  protected abstract clause(): Expression
  protected abstract sum(): Expression
  /** `implicitOnly`: what stands side by side, as the argument of a function without brackets. */
  protected abstract product(implicitOnly?: boolean): Expression

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
          return this.named(token.name)
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
          if (/^[a-zA-Z]$/.test(bare)) return this.named(bare)
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
  protected bracket(sign: string): Expression {
    this.at++
    switch (sign) {
      case "{": {
        if (this.take("}")) throw new Unreadable("empty braces")
        const inner = this.list()
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
        const inner = this.sum()
        this.expect("|")
        this.bars--
        return Syntax.call("abs", inner)
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
      return name === "underline" ? Syntax.symbol(held) : Syntax.symbol(`${name === "bar" ? "overline" : name} ${held}`)
    }
    if (name.startsWith("begin ")) return this.matrix(name.slice("begin ".length))
    switch (name) {
      case "frac": {
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
    const bracket = this.sign() === "(" || this.sign() === "{" || this.sign() === "["
    let argument = bracket ? this.atom() : this.nested(() => this.product(true))
    // \sin(x)^2 is left as it is: (sin x)^2 and sin(x^2) are both meant by it.
    this.inTrigonometry -= angles
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
    if (!matrices.has(kind) && kind !== "vmatrix") throw new Unreadable(`\\begin{${kind}} is not supported`)
    const rows: Array<Array<Expression>> = [[]]
    for (;;) {
      if (this.command() === `end ${kind}`) {
        this.at++
        break
      }
      if (this.take("\\\\")) {
        if (this.command() !== `end ${kind}`) rows.push([])
      } else if (!this.take("&")) {
        if (this.command() === "hline") this.at++
        else rows[rows.length - 1].push(this.clause())
      }
      spend(5)
    }
    if (rows.some((row) => row.length !== rows[0].length || row.length === 0))
      throw new Unreadable("a matrix with rows of different lengths")
    const out: Expression = { tag: "matrix", rows }
    return kind === "vmatrix" ? Syntax.call("det", out) : out
  }
}
