/**
 * Names and functions with what they are applied to: `\sin^2 x`, `f(2x)`, `P(A|B)`, `C_5^2`.
 */
import * as Rational from "../algebra/Rational.ts"
import { Reading } from "./Reading.ts"
import * as Syntax from "./Syntax.ts"
import { type Expression } from "./Syntax.ts"
import { Unreadable } from "./Tokens.ts"

/** Functions that are written before their argument. @category vocabulary */
export const functions = new Set(
  "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc arsinh arcosh artanh sinh cosh tanh coth ln log exp det gcd lcm max min abs Re Im arg sgn cis floor ceil".split(
    " ",
  ),
)
const trigonometric = new Set("sin cos tan cot sec csc cis".split(" "))
const inverse: Readonly<Record<string, string>> = {
  sin: "arcsin",
  cos: "arccos",
  tan: "arctan",
  cot: "arccot",
  sec: "arcsec",
  csc: "arccsc",
  sinh: "arsinh",
  cosh: "arcosh",
  tanh: "artanh",
}

/** Inverses of secants as those of the reciprocal, of hyperbolic functions as logarithms; any other function as it is. */
const inverseOf = (name: string, x: Expression): Expression => {
  const ln = (e: Expression): Expression => Syntax.call("log", { tag: "constant", name: "e" }, e)
  const half = Syntax.number(Rational.make(1n, 2n))
  const one = Syntax.integer(1)
  const root = (sign: Expression): Expression =>
    Syntax.power(Syntax.sum([Syntax.power(x, Syntax.integer(2)), sign]), half)
  switch (name) {
    case "arcsec":
      return Syntax.call("arccos", Syntax.power(x, Syntax.minusOne))
    case "arccsc":
      return Syntax.call("arcsin", Syntax.power(x, Syntax.minusOne))
    case "arsinh":
      return ln(Syntax.sum([x, root(one)]))
    case "arcosh":
      return ln(Syntax.sum([x, root(Syntax.minusOne)]))
    case "artanh":
      return Syntax.product([half, ln(Syntax.quotient(Syntax.sum([one, x]), Syntax.sum([one, Syntax.negate(x)])))])
    default:
      return Syntax.call(name, x)
  }
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
export abstract class Applied extends Reading {
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
    const undoes = inverted && Object.hasOwn(inverse, name)
    const called =
      name === "ln"
        ? Syntax.call("log", { tag: "constant", name: "e" }, argument)
        : name === "log"
          ? Syntax.call("log", subscript ?? Syntax.integer(10), argument)
          : inverseOf(undoes ? inverse[name] : name, argument)
    return exponent === null || undoes ? called : Syntax.power(called, exponent)
  }
}
