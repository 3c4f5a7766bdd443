/**
 * Sums, products, powers and the units after them.
 */
import { functions } from "./Applied.ts"
import { Atoms } from "./Atoms.ts"
import { accents } from "./Commands.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Syntax from "./Syntax.ts"
import { type Expression } from "./Syntax.ts"
import { Unreadable } from "./Tokens.ts"
import * as Units from "./Units.ts"
import * as Words from "./Words.ts"
import { spend } from "../algebra/Work.ts"

const powersOfTen = new Map([
  ["hundred", 2],
  ["thousand", 3],
  ["million", 6],
  ["billion", 9],
  ["trillion", 12],
])
/** Currencies that stand before or after their value. */
const currencies = /^(?:dollar|pounds|euro|yen|rupee)$/
/** A matrix by its letter, perhaps inverted or transposed. */
const isMatrixName = (e: Expression): boolean => e.tag === "symbol" && /^[A-Z](?:_.*)?$/.test(e.name)
const isTurned = (e: Expression): boolean =>
  e.tag === "power" &&
  isMatrixName(e.base) &&
  ((e.exponent.tag === "number" && e.exponent.value.num === -1n && e.exponent.value.den === 1n) ||
    (e.exponent.tag === "symbol" && /^(?:T|top|intercal|dagger)$/.test(e.exponent.name)))

/** Matrices keep their order, as in `A^{-1}B`: capital letters of which one is inverted or transposed, other than by a fraction bar. */
const inOrder = (factors: ReadonlyArray<Expression>, divided: ReadonlySet<Expression>): Expression => {
  if (!factors.some((f) => isTurned(f) && !divided.has(f))) return Syntax.product(factors)
  const matrices = factors.filter((f) => !divided.has(f) && (isMatrixName(f) || isTurned(f)))
  if (matrices.length < 2) return Syntax.product(factors)
  return Syntax.product([...factors.filter((f) => !matrices.includes(f)), Syntax.call("matmul", ...matrices)])
}

/** @category reading */
export abstract class Formula extends Atoms {
  /** A sum and the unit after it. */
  protected measured(): Expression {
    const outer = this.unit
    this.unit = null
    const value = this.scaled(this.sum())
    this.again(value)
    const trailing = this.trailingUnit()
    // Reading the sum may have set it.
    const unit = this.unit as string | null
    this.unit = outer
    if (trailing !== null && unit !== null && trailing !== unit)
      throw new Unreadable(`two units, ${unit} and ${trailing}`)
    const name = trailing ?? unit
    return name === null || name === "" ? value : { tag: "quantity", value, unit: name }
  }

  /** Steps over the value said again in words, as in `7 (seven)`. */
  protected again(value: Expression): void {
    const token = this.tokens[this.at]
    const [, words] = token?.kind === "text" ? (/^\s*\(([^()]+)\)\s*$/.exec(token.text) ?? []) : []
    const said = words === undefined ? null : Words.meaning(words)
    if (said?.tag !== "number") return
    if (value.tag !== "number" || Rational.compare(value.value, said.value) !== 0)
      throw new Unreadable(`"${words}" says another number`)
    this.at++
  }

  /** `5 million`. */
  protected scaled(value: Expression): Expression {
    const token = this.tokens[this.at]
    if (token?.kind !== "text" && token?.kind !== "word") return value
    const [, word, rest] = /^\s*([a-z]+)\b(.*)$/is.exec(token.text) ?? []
    const exponent = word === undefined ? undefined : powersOfTen.get(word.toLowerCase())
    if (exponent === undefined) return value
    if (rest.trim() === "") this.at++
    else this.tokens[this.at] = { ...token, text: rest }
    return Syntax.product([value, Syntax.number(Rational.fromDecimal("1", exponent))])
  }

  protected trailingUnit(): string | null {
    const first = this.tokens[this.at]
    if (first === undefined) return null
    if (this.take("%")) return "%"
    const command = this.command()
    if (command !== null && currencies.test(command)) {
      this.at++
      return Units.canonical(command)
    }
    const micro = first.kind === "symbol" && first.name === "mu" && this.tokens[this.at + 1]?.kind === "text"
    if (first.kind !== "text" && first.kind !== "word" && !micro) return null
    let words = ""
    if (micro) {
      const unit = this.tokens[this.at + 1]
      this.at += 2
      words = unit.kind === "text" ? `u${unit.text.trim()}` : ""
    }
    let open = false
    for (; this.at < this.tokens.length; this.at++) {
      const token = this.tokens[this.at]
      if (token.kind === "text" || token.kind === "word") words += ` ${token.text}`
      else if (token.kind === "symbol" && words !== "") words += ` ${token.name}`
      else if (token.kind === "sign" && (token.sign === "/" || token.sign === "^" || token.sign === "*"))
        words += token.sign
      else if (token.kind === "command" && (token.name === "cdot" || token.name === "times")) words += "*"
      else if (token.kind === "sign" && token.sign === "{" && words.endsWith("^")) open = true
      else if (token.kind === "sign" && token.sign === "}" && open) open = false
      else if (token.kind === "sign" && token.sign === "-" && words.endsWith("^")) words += "-"
      else if (token.kind === "number" && /\^-?$/.test(words)) words += token.text
      else if (token.kind === "sign" && token.sign === "." && this.at === this.tokens.length - 1) continue
      else break
    }
    const unit = Units.canonical(words)
    if (unit === null) throw new Unreadable(`"${words.trim()}" is not a unit`)
    return unit
  }

  protected sum(): Expression {
    const terms: Array<Expression> = []
    for (;;) {
      let minus = false
      let plusMinus: Expression | null = null
      for (let any = false; ; any = true) {
        if (this.take("-")) minus = !minus
        else if (this.take("+")) {
          // a + + b is a slip.
          if (any && terms.length > 0) throw this.unexpected()
        } else if (this.command() === "pm" || this.command() === "mp") {
          if (this.command() === "mp") minus = !minus
          plusMinus = Syntax.plusMinus
          this.at++
        } else break
      }
      let term = this.product()
      if (plusMinus !== null) term = Syntax.product([plusMinus, term])
      terms.push(minus ? Syntax.negate(term) : term)
      const next = this.sign() ?? this.command() ?? ""
      if (!["+", "-", "pm", "mp"].includes(next)) return Syntax.sum(terms)
    }
  }

  /** Whether a factor can start here without a sign of multiplication. */
  protected startsFactor(): boolean {
    const token = this.tokens[this.at]
    if (token === undefined) return false
    switch (token.kind) {
      case "number":
        return true
      case "symbol":
        return token.name !== "mu" || !this.afterValue() || this.tokens[this.at + 1]?.kind !== "text"
      case "text":
        return /^\s*[a-zA-Z]\s*$/.test(token.text) && (!this.afterValue() || /[ei]/.test(token.text))
      case "word":
        return (
          !(Units.isWord(token.text) && this.afterValue()) &&
          !(token.space && token.text.length > 3 && this.afterNumber())
        )
      case "command":
        return (
          functions.has(token.name) ||
          accents.has(token.name) ||
          /^(?:frac|sqrt|pi|binom|infty|lfloor|lceil|langle|sum|prod|underbrace|overbrace|begin .*)$/.test(
            token.name,
          ) ||
          // After a value a currency is its unit.
          (currencies.test(token.name) && !this.afterValue())
        )
      case "sign":
        return token.sign === "(" || token.sign === "{" || token.sign === "[" || (token.sign === "|" && this.bars === 0)
    }
  }
  protected afterNumber(): boolean {
    const before = this.tokens[this.at - 1]
    return before?.kind === "number"
  }
  protected afterValue(): boolean {
    const before = this.tokens[this.at - 1]
    if (before === undefined) return false
    if (before.kind === "number") return true
    if (before.kind === "command") return before.name === "pi"
    return before.kind === "sign" && (before.sign === "}" || before.sign === ")")
  }

  protected product(implicitOnly = false): Expression {
    const factors = [this.power()]
    const divided = new Set<Expression>()
    for (;;) {
      spend(2)
      if (!implicitOnly && this.command() === "mod") {
        this.at++
        factors.splice(0, factors.length, Syntax.call("mod", Syntax.product([...factors]), this.power()))
        continue
      }
      const operation = this.command()
      const divides = this.sign() === "/" || this.command() === "div"
      const times = this.sign() === "*" || this.command() === "cdot" || this.command() === "times" || this.timesLetter()
      if (!implicitOnly && (divides || times)) {
        this.at++
        const minus = this.take("-")
        if (!minus) this.take("+")
        let factor = this.power()
        if (minus) factor = Syntax.negate(factor)
        const last = factors.at(-1)
        if (
          (operation === "times" || operation === "cdot") &&
          last !== undefined &&
          [last, factor].every((f) => this.isVector(f))
        ) {
          factors[factors.length - 1] = Syntax.call(operation === "times" ? "cross" : "dot", last, factor)
          continue
        }
        if (divides) factor = Syntax.power(factor, Syntax.minusOne)
        if (divides) divided.add(factor)
        factors.push(factor)
        const mixed = divides ? this.mixed(factors) : null
        if (mixed !== null) factors.splice(0, factors.length, mixed)
      } else if (this.startsFactor()) {
        const token = this.tokens[this.at]
        const before = this.tokens[this.at - 1]
        if (token.kind === "number") {
          // Only 7 3/4; and x2 could be x^2.
          const slash = before.kind === "number" && this.sign(this.at + 1) === "/" && token.space
          if (!slash && (before.kind === "number" || before.kind === "symbol" || before.kind === "word"))
            throw new Unreadable(`"${token.text}" right after ${before.kind === "number" ? "a number" : "a letter"}`)
        }
        if (implicitOnly && token.kind === "command" && functions.has(token.name)) break
        if (implicitOnly && token.kind === "sign" && before.kind === "symbol") break
        const afterInteger = before.kind === "number" && before.digits === null
        if (token.kind === "command" && token.name === "frac" && afterInteger) {
          const fraction = this.power()
          factors.push(this.mixedFraction(factors, fraction))
        } else factors.push(this.power())
      } else break
    }
    return inOrder(factors, divided)
  }

  /** Whether a factor is a vector: an arrow, or bold. */
  protected isVector(e: Expression): boolean {
    if (e.tag === "call") return e.name === "cross"
    return e.tag === "symbol" && (/^(?:vec|overrightarrow) /.test(e.name) || this.bold.has(e.name))
  }

  /** `1.2 x 10^3`: the letter is a times sign. */
  protected timesLetter(): boolean {
    const [token, next] = [this.tokens[this.at], this.tokens[this.at + 1]]
    if (token?.kind !== "symbol" || token.name !== "x" || next?.kind !== "number") return false
    return token.space && next.space && this.afterNumber()
  }

  /** `7 3/4`, of which 7, 3 and 4^-1 have been read. */
  protected mixed(factors: ReadonlyArray<Expression>): Expression | null {
    if (factors.length !== 3) return null
    const [whole, num, inverse] = factors
    if (whole.tag !== "number" || num.tag !== "number" || inverse.tag !== "power" || inverse.base.tag !== "number")
      return null
    const slash = this.tokens[this.at - 2]
    if (slash?.kind !== "sign" || slash.sign !== "/" || this.tokens[this.at - 4]?.kind !== "number") return null
    return this.mixedNumber(whole.value, num.value, inverse.base.value)
  }
  protected mixedNumber(whole: Rational.Rational, num: Rational.Rational, den: Rational.Rational): Expression {
    if (![whole, num, den].every(Rational.isInteger) || num.num >= den.num || den.num <= 0n)
      throw new Unreadable("a number before an improper fraction: neither a mixed number nor clearly a product")
    return Syntax.number(Rational.add(whole, Rational.make(num.num, den.num)))
  }
  /** The fraction after an integer: as a factor, or, when it is a number, the mixed number in place of the integer. */
  protected mixedFraction(factors: Array<Expression>, fraction: Expression): Expression {
    if (fraction.tag !== "product" || fraction.factors.length !== 2) return fraction
    const [num, inverse] = fraction.factors
    if (num.tag !== "number" || inverse.tag !== "power" || inverse.base.tag !== "number") return fraction
    const whole = factors.pop()
    if (whole?.tag !== "number") throw new Unreadable("a fraction right after a power")
    return this.mixedNumber(whole.value, num.value, inverse.base.value)
  }

  protected power(): Expression {
    let base = this.atom()
    for (;;) {
      spend(2)
      if (this.take("!")) base = Syntax.call(this.take("!") ? "double factorial" : "factorial", base)
      else if (this.command() === "degree") {
        this.at++
        base = this.degrees(base)
      } else if (this.sign() === "'" && this.afterNumber()) {
        // Minutes and seconds of arc, feet and inches.
        this.at++
        this.unit = this.take("'") ? "''" : "'"
      } else if (this.sign() === "^") {
        this.at++
        if (this.isDegree()) {
          base = this.degrees(base)
          continue
        }
        const ordinal = this.tokens[this.at + (this.sign() === "{" ? 1 : 0)]
        if ((ordinal?.kind === "text" || ordinal?.kind === "word") && /^\s*(?:st|nd|rd|th)\s*$/.test(ordinal.text)) {
          const braced = this.take("{")
          this.at++
          if (braced) this.expect("}")
          continue
        }
        if (this.star()) {
          base = Syntax.call("apply", Syntax.symbol("^*"), base)
          continue
        }
        base = Syntax.power(base, this.argument())
      } else return base
    }
  }
  protected isDegree(): boolean {
    // 7^{\\text{o}}
    const braces = this.sign() === "{" ? 1 : 0
    const ring = this.tokens[this.at + braces]
    const isRing = (ring?.kind === "text" && ring.text.trim() === "o") || (ring?.kind === "symbol" && ring.name === "o")
    if (isRing && this.tokens[this.at - 2]?.kind === "number" && (braces === 0 || this.sign(this.at + 2) === "}")) {
      this.at += 1 + 2 * braces
      return true
    }
    if (this.command() === "circ" || this.command() === "degree") {
      this.at++
      return true
    }
    const inner = this.command(this.at + 1)
    if (this.sign() !== "{" || (inner !== "circ" && inner !== "degree") || this.sign(this.at + 2) !== "}") return false
    this.at += 3
    return true
  }
  /** Minutes and seconds of arc after degrees, as in `30^\\circ 15' 20''`: the whole in degrees. */
  protected withMinutes(degrees: Expression): Expression {
    const terms = [degrees]
    for (const [marks, parts] of [
      [1, 60n],
      [2, 3600n],
    ] as const) {
      const token = this.tokens[this.at]
      if (token?.kind !== "number" || token.text.length > 2) continue
      const count = [1, 2, 3].findIndex((i) => this.sign(this.at + i) !== "'")
      if (count !== marks) continue
      this.at += 1 + marks
      terms.push(Syntax.product([Syntax.number(token.value), Syntax.number(Rational.make(1n, parts))]))
    }
    return Syntax.sum(terms)
  }
  protected degrees(written: Expression): Expression {
    const value = this.withMinutes(written)
    if (this.inTrigonometry > 0) return Syntax.product([value, Syntax.pi, Syntax.number(Rational.make(1n, 180n))])
    this.unit = "degree"
    return value
  }
}
