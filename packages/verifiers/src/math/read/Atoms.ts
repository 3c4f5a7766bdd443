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

/** The corners of a triangle have no order, the legs of an angle neither. */
const sorted = (kind: string, name: string): string => {
  if (!/^[A-Z]{3}$/.test(name)) return name
  if (kind === "triangle") return Array.from(name).sort().join("")
  return kind === "angle" && name[0] > name[2] ? Array.from(name).reverse().join("") : name
}

/** Heads that are always functions before brackets. */
const alwaysFunction = /^(?:[fghFGH]|phi|varphi|Phi|psi|Psi|Gamma|zeta|sigma|tau|mathcal .|operator .*|O)(?:_.*)?'*$|'/
/** Heads that are functions of what looks like their argument. */
const oftenFunction = /^[PQ](?:_.*)?$/
/** What is an argument by itself: `y(0)`, `d(n)`, `v(t)`. */
const isArgument = (e: Expression): boolean =>
  (e.tag === "number" && e.digits === null) ||
  (e.tag === "symbol" && /^[xtn]$/.test(e.name)) ||
  (e.tag === "call" && e.name === "apply")

/** @category reading */
export abstract class Atoms extends Cursor {
  protected inTrigonometry = 0
  /** The unit of the side that is being read. */
  protected unit: string | null = null
  /** Letters that were printed bold: vectors. */
  protected readonly bold = new Set<string>()
  /** Absolute values open. */
  protected bars = 0

  /** What was read ahead at a place: read twice at every level it would be read 2^depth times. */
  private readonly ahead = new Map<
    number,
    { readonly value: Expression; readonly end: number; readonly unit: string | null }
  >()
  /** What `read` gives, kept for when this place is read again. */
  protected remembered(read: () => Expression): Expression {
    const start = this.at
    const value = read()
    this.ahead.set(start, { value, end: this.at, unit: this.unit })
    return value
  }
  /** What was read ahead here, or null. */
  protected recall(): Expression | null {
    const known = this.ahead.get(this.at)
    if (known === undefined) return null
    this.at = known.end
    this.unit = known.unit
    return known.value
  }

  /** Clauses up to a closing bracket or the end. */
  protected abstract list(): Expression
  protected abstract clause(): Expression
  protected abstract sum(): Expression
  /** `implicitOnly`: what stands side by side, as the argument of a function without brackets. */
  protected abstract product(implicitOnly?: boolean): Expression
  protected abstract startsFactor(): boolean

  /** What `^`, `_`, `\frac` and `\sqrt` take: a group, or one token, of a number one digit. */
  protected argument(): Expression {
    const known = this.recall()
    if (known !== null) return known
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
    const known = this.recall()
    if (known !== null) return known
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
    const order = [this.numbered(), this.numbered()]
    this.at = start
    if (!order.includes("_") || !order.includes("^")) return null
    const parts = order.map((): Expression => {
      this.at++
      if (this.sign() === "{") return this.argument()
      const first = this.digit()
      if (first !== null) return first
      const token = this.tokens[this.at++]
      // Not an argument: 2_6 would be a number in base 6.
      return token?.kind === "number" ? Syntax.number(token.value) : this.atom()
    })
    const [n, k] = order[0] === "_" ? parts : [parts[1], parts[0]]
    return Syntax.call("binom", n, k)
  }
  /** Steps over an index or exponent that begins with a number, and gives its sign; null for anything else. */
  protected numbered(): "_" | "^" | null {
    const sign = this.sign()
    if (sign !== "_" && sign !== "^") return null
    this.at++
    const token = this.tokens[this.at + (this.sign() === "{" ? 1 : 0)]
    if (token?.kind !== "number") return null
    const digits = this.sign() === "{" ? 1 : token.text.length
    if (digits > 1) return sign
    this.raw()
    return sign
  }

  /** A name before brackets that is a function of what is in them: `f(2x)`, `y(0)`, `C(5,2)`; elsewhere it is a factor. */
  protected applied(head: Expression): Expression {
    if (head.tag !== "symbol" || /^(?:set|overline|vec|angle|triangle) /.test(head.name)) return head
    const chance = this.chance(head)
    if (chance !== null) return chance
    const start = this.at
    const unit = this.unit
    let exponent: Expression | null = null
    // f^{-1}(x), f^2(x)
    if (this.sign() === "^" && (alwaysFunction.test(head.name) || oftenFunction.test(head.name))) {
      this.at++
      if (!this.star()) this.raw()
      const isBefore = this.opens(head.name)
      this.at = start
      if (!isBefore) return head
      this.at++
      exponent = this.star() ? Syntax.symbol("*") : this.remembered(() => this.argument())
    }
    if (!this.opens(head.name)) {
      this.at = start
      return head
    }
    const inner = this.remembered(() => this.atom())
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
      (isArgument(inner) && !(inner.tag === "symbol" && inner.name === head.name)) ||
      (oftenFunction.test(head.name) && Syntax.unknowns(inner).every((name) => own.has(name)))
    if (!isFunction) {
      this.at = start
      this.unit = unit
      return head
    }
    const name = exponent === null ? head : Syntax.symbol(`${head.name}^${Syntax.written(exponent)}`)
    return Syntax.call("apply", name, ...args)
  }

  /** Whether what follows can be the argument of this name; named operators take braces too. */
  protected opens(name: string): boolean {
    return this.sign() === "(" || (name.startsWith("operator ") && (this.sign() === "{" || this.sign() === "["))
  }

  /** `P(A|B)`, `P(X>2)`, `E[X^2]`: a probability or a mean of what has a capital or a relation in it; null for any other. */
  protected chance(head: Syntax.Tagged<"symbol">): Expression | null {
    const open = this.sign()
    if (!/^(?:[PE]|Pr|Var|Cov)$/.test(head.name) || (open !== "(" && open !== "[")) return null
    let depth = 0
    let isChance = false
    for (let at = this.at; at < this.tokens.length; at++) {
      const token = this.tokens[at]
      if (token.kind === "sign") {
        depth += /^[([]$/.test(token.sign) ? 1 : /^[)\]]$/.test(token.sign) ? -1 : 0
        if (depth === 0) break
        isChance ||= /^[<>=]$/.test(token.sign)
      } else if (token.kind === "command") isChance ||= /^(?:le|ge|ne|in)$/.test(token.name)
      else if (token.kind === "symbol") isChance ||= /^[A-Z]$/.test(token.name)
      else if (token.kind === "word") isChance ||= /[A-Z]/.test(token.text)
    }
    if (!isChance) return null
    this.at++
    const { bars } = this
    // A bar says what is given, unless it opens what is in the brackets.
    this.bars = this.sign() === "|" ? 0 : 1
    const items = [this.list()]
    if (this.take("|")) items.push(this.list())
    this.bars = bars
    this.expect(open === "(" ? ")" : "]")
    const said = items.map((item): Expression =>
      item.tag === "list" ? { tag: "tuple", open: "(", close: ")", items: item.items } : item,
    )
    return Syntax.call("apply", head, ...(said.length > 1 ? [Syntax.call("given", ...said)] : said))
  }

  protected bracket(sign: string): Expression {
    this.at++
    switch (sign) {
      case "{": {
        if (this.take("}")) throw new Unreadable("empty braces")
        const inner = this.list()
        if (this.command() === "over") {
          this.at++
          const bottom = this.sum()
          this.expect("}")
          return Syntax.quotient(inner, bottom)
        }
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
    const isOfMany = /^(?:max|min|gcd|lcm)$/.test(name)
    const many = argument.tag === "tuple" || (isOfMany && argument.tag === "set") ? argument.items : null
    if (many !== null) {
      if (!isOfMany || many.length === 0) throw new Unreadable(`${many.length} arguments of ${name}`)
      return Syntax.call(name, ...many)
    }
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
