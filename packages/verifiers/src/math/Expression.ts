/**
 * Answers read into expression trees: LaTeX and the plain text that people write instead, in one grammar.
 *
 *     list      = clause { ("," | ";" | "or" | "and") clause }
 *     clause    = side { ("=" | "<" | "\in" | ...) side }
 *     side      = sum [unit] { ("\cup" | "\cap" | "\setminus") sum }
 *     sum       = product { ("+" | "-" | "\pm" | "\mp") product }
 *     product   = power { ["*" | "/"] power }
 *     power     = atom { "!" | "^" exponent | degree }
 *
 * Two numbers side by side are no product; an integer before a proper fraction is a mixed number; `1/2x` is (1/2)x. Left
 * out: sums with `\sum`, integrals, limits, derivatives, cases. Length and nesting are bounded.
 */
import * as Rational from "./Rational.ts"
import * as Syntax from "./Syntax.ts"
import { type Expression, type Relation } from "./Syntax.ts"
import { type Reading, type Token, tokenize, Unreadable } from "./Tokens.ts"
import * as Units from "./Units.ts"
import { spend, WorkExceeded } from "./Work.ts"

export type { Expression, Relation } from "./Syntax.ts"

/** Longest text read, in characters. @category limits */
export const maxLength = 4000
/** Deepest nesting of brackets, exponents and functions. @category limits */
export const maxDepth = 60

const relations: Readonly<Record<string, Relation>> = {
  "=": "=",
  "<": "<",
  ">": ">",
  le: "<=",
  ge: ">=",
  ne: "!=",
  in: "in",
  approx: "~",
  equiv: "equiv",
}
const functions = new Set(
  "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth ln log exp det gcd lcm max min abs Re Im arg sgn".split(
    " ",
  ),
)
const trigonometric = new Set("sin cos tan cot sec csc".split(" "))
const inverse: Readonly<Record<string, string>> = { sin: "arcsin", cos: "arccos", tan: "arctan" }
const matrices = new Set("matrix pmatrix bmatrix Bmatrix smallmatrix array".split(" "))
/** Commands that name what they hold, as `\overline{AB}` and `\vec{v}`. */
const accents = new Set(
  "overline bar vec hat widehat tilde overrightarrow overleftrightarrow underline angle triangle".split(" "),
)
const powersOfTen = new Map([
  ["hundred", 2],
  ["thousand", 3],
  ["million", 6],
  ["billion", 9],
  ["trillion", 12],
])

class Parser {
  private at = 0
  private depth = 0
  private inTrigonometry = 0
  /** The unit of the side that is being read. */
  private unit: string | null = null
  private bars = 0
  private readonly tokens: Array<Token>

  constructor(tokens: Array<Token>) {
    this.tokens = tokens
  }

  all(): Expression {
    const out = this.list()
    if (this.at < this.tokens.length) throw this.unexpected()
    return out
  }

  private unexpected(): Unreadable {
    const token = this.tokens[this.at]
    if (token === undefined) return new Unreadable("it ends early")
    const { kind } = token
    const what = kind === "sign" ? token.sign : kind === "symbol" || kind === "command" ? `\\${token.name}` : token.text
    return new Unreadable(`unexpected ${kind === "sign" || kind === "command" ? "" : `${kind} `}"${what}"`)
  }
  private sign(at = this.at): string | null {
    const token = this.tokens[at]
    return token?.kind === "sign" ? token.sign : null
  }
  private command(at = this.at): string | null {
    const token = this.tokens[at]
    return token?.kind === "command" ? token.name : null
  }
  private take(sign: string): boolean {
    if (this.sign() !== sign) return false
    this.at++
    return true
  }
  private expect(sign: string): void {
    if (!this.take(sign)) throw this.unexpected()
  }
  private nested<A>(f: () => A): A {
    spend(5)
    if (++this.depth > maxDepth) throw new Unreadable(`nested deeper than ${maxDepth}`)
    const out = f()
    this.depth--
    return out
  }

  /** Clauses up to a closing bracket or the end. */
  private list(): Expression {
    return this.nested(() => {
      const items = [this.clause()]
      let joiner: "," | "or" | "and" = ","
      for (;;) {
        let found = false
        for (let s = this.sign(); s === "," || s === ";" || s === "or" || s === "and"; s = this.sign()) {
          if (s === "or" || s === "and") joiner = s
          this.at++
          found = true
        }
        if (!found) break
        items.push(this.clause())
      }
      return items.length === 1 ? items[0] : { tag: "list", joiner, items }
    })
  }

  private clause(): Expression {
    const sides = [this.side()]
    const found: Array<Relation> = []
    for (;;) {
      const name = this.sign() ?? this.command() ?? ""
      const relation = Object.hasOwn(relations, name) ? relations[name] : undefined
      if (relation === undefined) break
      this.at++
      found.push(relation)
      sides.push(this.side())
    }
    return sides.length === 1 ? sides[0] : { tag: "relation", relations: found, sides }
  }

  private side(): Expression {
    const applied = this.applied()
    if (applied !== null) return applied
    const token = this.tokens[this.at]
    if (token?.kind === "text") {
      const text = this.texts()
      if (text !== null) return text
    }
    const items = [this.measured()]
    let op: "cup" | "cap" | "setminus" | null = null
    for (let c = this.command(); c === "cup" || c === "cap" || c === "setminus"; c = this.command()) {
      if (op !== null && c !== op) throw new Unreadable("unions and intersections mixed")
      op = c
      this.at++
      items.push(this.measured())
    }
    return op === null ? items[0] : { tag: "setop", op, items }
  }

  /** `f(x)` and `P(x, y)` before an equals sign: a name, not a product. */
  private applied(): Expression | null {
    const name = this.tokens[this.at]
    if (name?.kind !== "symbol" || this.sign(this.at + 1) !== "(") return null
    let end = this.at + 2
    for (; this.sign(end) !== ")"; end += 2) {
      const after = this.sign(end + 1)
      if (this.tokens[end]?.kind !== "symbol" || (after !== "," && after !== ")")) return null
      if (after === ")") {
        end++
        break
      }
    }
    const alone = /^[fghFGP]$/.test(name.name) && this.sign(this.at - 1) === "=" && end === this.tokens.length - 1
    if (this.sign(end) !== ")" || (this.sign(end + 1) !== "=" && !alone)) return null
    const args = this.tokens
      .slice(this.at + 2, end)
      .flatMap((t) => (t.kind === "symbol" ? [Syntax.symbol(t.name)] : []))
    this.at = end + 1
    return Syntax.call("apply", Syntax.symbol(name.name), ...args)
  }

  /** A side of words alone; null when something else follows them. */
  private texts(): Expression | null {
    const start = this.at
    const words: Array<string> = []
    for (let t = this.tokens[this.at]; t?.kind === "text" || t?.kind === "word"; t = this.tokens[++this.at])
      words.push(t.text.trim())
    const next = this.sign()
    const ends =
      this.at >= this.tokens.length ||
      [",", ";", "or", "and", "=", ")", "}", "\\}"].includes(next ?? "?") ||
      next === "."
    if (!ends) {
      this.at = start
      return null
    }
    if (next === ".") this.at++
    return { tag: "text", text: words.join(" ") }
  }

  /** A sum and the unit after it. */
  private measured(): Expression {
    const outer = this.unit
    this.unit = null
    const value = this.scaled(this.sum())
    const trailing = this.trailingUnit()
    const { unit } = this
    this.unit = outer
    if (trailing !== null && unit !== null && trailing !== unit && !(unit === "dollar" && trailing === "dollar"))
      throw new Unreadable(`two units, ${unit} and ${trailing}`)
    const name = trailing ?? unit
    return name === null || name === "" ? value : { tag: "quantity", value, unit: name }
  }

  /** `5 million`. */
  private scaled(value: Expression): Expression {
    const token = this.tokens[this.at]
    if (token?.kind !== "text" && token?.kind !== "word") return value
    const [, word, rest] = /^\s*([a-z]+)\b(.*)$/is.exec(token.text) ?? []
    const exponent = word === undefined ? undefined : powersOfTen.get(word.toLowerCase())
    if (exponent === undefined) return value
    if (rest.trim() === "") this.at++
    else this.tokens[this.at] = { ...token, text: rest }
    return Syntax.product([value, Syntax.number(Rational.fromDecimal("1", exponent))])
  }

  private trailingUnit(): string | null {
    const first = this.tokens[this.at]
    if (first === undefined) return null
    if (this.take("%")) return "%"
    const command = this.command()
    if (command === "dollar" || command === "pounds" || command === "euro") {
      this.at++
      return Units.canonical(command)
    }
    if (first.kind !== "text" && first.kind !== "word") return null
    let words = ""
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
    if (unit === null) throw new Unreadable(`"${words.trim()}" is no unit`)
    return unit
  }

  private sum(): Expression {
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
  private startsFactor(): boolean {
    const token = this.tokens[this.at]
    if (token === undefined) return false
    switch (token.kind) {
      case "number":
        return true
      case "symbol":
        return true
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
          /^(?:frac|sqrt|pi|binom|infty|lfloor|lceil|left|begin .*|dollar|pounds|euro)$/.test(token.name)
        )
      case "sign":
        return token.sign === "(" || token.sign === "{" || token.sign === "[" || (token.sign === "|" && this.bars === 0)
    }
  }
  private afterNumber(): boolean {
    const before = this.tokens[this.at - 1]
    return before?.kind === "number"
  }
  private afterValue(): boolean {
    const before = this.tokens[this.at - 1]
    if (before === undefined) return false
    if (before.kind === "number") return true
    if (before.kind === "command") return before.name === "pi"
    return before.kind === "sign" && (before.sign === "}" || before.sign === ")")
  }

  private product(implicitOnly = false): Expression {
    const factors = [this.power()]
    for (;;) {
      spend(2)
      const divides = this.sign() === "/" || this.command() === "div"
      const times = this.sign() === "*" || this.command() === "cdot" || this.command() === "times" || this.timesLetter()
      if (!implicitOnly && (divides || times)) {
        this.at++
        const minus = this.take("-")
        if (!minus) this.take("+")
        let factor = this.power()
        if (minus) factor = Syntax.negate(factor)
        factors.push(divides ? Syntax.power(factor, Syntax.minusOne) : factor)
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
    return Syntax.product(factors)
  }

  /** `1.2 x 10^3`: the letter is a times sign. */
  private timesLetter(): boolean {
    const [token, next] = [this.tokens[this.at], this.tokens[this.at + 1]]
    if (token?.kind !== "symbol" || token.name !== "x" || next?.kind !== "number") return false
    return token.space && next.space && this.afterNumber()
  }

  /** `7 3/4`, of which 7, 3 and 4^-1 have been read. */
  private mixed(factors: ReadonlyArray<Expression>): Expression | null {
    if (factors.length !== 3) return null
    const [whole, num, inverse] = factors
    if (whole.tag !== "number" || num.tag !== "number" || inverse.tag !== "power" || inverse.base.tag !== "number")
      return null
    const slash = this.tokens[this.at - 2]
    if (slash?.kind !== "sign" || slash.sign !== "/" || this.tokens[this.at - 4]?.kind !== "number") return null
    return this.mixedNumber(whole.value, num.value, inverse.base.value)
  }
  private mixedNumber(whole: Rational.Rational, num: Rational.Rational, den: Rational.Rational): Expression {
    if (![whole, num, den].every(Rational.isInteger) || num.num >= den.num || den.num <= 0n)
      throw new Unreadable("a number before an improper fraction: neither a mixed number nor clearly a product")
    return Syntax.number(Rational.add(whole, Rational.make(num.num, den.num)))
  }
  /** The fraction after an integer: as a factor, or, when it is a number, the mixed number in place of the integer. */
  private mixedFraction(factors: Array<Expression>, fraction: Expression): Expression {
    if (fraction.tag !== "product" || fraction.factors.length !== 2) return fraction
    const [num, inverse] = fraction.factors
    if (num.tag !== "number" || inverse.tag !== "power" || inverse.base.tag !== "number") return fraction
    const whole = factors.pop()
    if (whole?.tag !== "number") throw new Unreadable("a fraction right after a power")
    return this.mixedNumber(whole.value, num.value, inverse.base.value)
  }

  private power(): Expression {
    let base = this.atom()
    for (;;) {
      spend(2)
      if (this.take("!")) base = Syntax.call("factorial", base)
      else if (this.command() === "degree") {
        this.at++
        base = this.degrees(base)
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
        base = Syntax.power(base, this.argument())
      } else return base
    }
  }
  private isDegree(): boolean {
    if (this.command() === "circ" || this.command() === "degree") {
      this.at++
      return true
    }
    const inner = this.command(this.at + 1)
    if (this.sign() !== "{" || (inner !== "circ" && inner !== "degree") || this.sign(this.at + 2) !== "}") return false
    this.at += 3
    return true
  }
  private degrees(value: Expression): Expression {
    if (this.inTrigonometry > 0) return Syntax.product([value, Syntax.pi, Syntax.number(Rational.make(1n, 180n))])
    this.unit = "degree"
    return value
  }

  /** What `^`, `_`, `\frac` and `\sqrt` take: a group, or one token, of a number one digit. */
  private argument(): Expression {
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

  private atom(): Expression {
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

  private letter(name: string): Expression {
    if (name === "e" || name === "i") return { tag: "constant", name }
    return Syntax.symbol(name)
  }
  /** A letter with its subscript and primes. */
  private named(name: string): Expression {
    let full = name
    while (this.take("'")) full += "'"
    if (this.sign() === "_") {
      this.at++
      full += `_${this.raw()}`
    }
    while (this.take("'")) full += "'"
    return full === name ? this.letter(name) : Syntax.symbol(full)
  }
  /** The argument of a subscript or an accent as it is written, without spaces. */
  private raw(): string {
    const start = this.at
    if (this.take("{")) {
      for (let depth = 1; depth > 0; this.at++) {
        if (this.at >= this.tokens.length) throw this.unexpected()
        const s = this.sign()
        depth += s === "{" ? 1 : s === "}" ? -1 : 0
      }
    } else if (this.at < this.tokens.length) this.at++
    else throw this.unexpected()
    return this.tokens
      .slice(start, this.at)
      .map((t) => (t.kind === "sign" ? t.sign : t.kind === "symbol" || t.kind === "command" ? t.name : t.text.trim()))
      .filter((t) => t !== "{" && t !== "}")
      .join("")
  }
  private subscriptBase(): number | null {
    if (this.sign() !== "_") return null
    this.at++
    const raw = this.raw().toLowerCase()
    const words = "zero one two three four five six seven eight nine ten eleven twelve".split(" ")
    const base = raw === "sixteen" ? 16 : words.includes(raw) ? words.indexOf(raw) : Number(raw)
    if (!Number.isInteger(base) || base < 2 || base > 36) throw new Unreadable(`"${raw}" is no base`)
    return base
  }
  private based(digits: string, base: number): Expression {
    const clean = digits.toUpperCase().replace(/^0+(?=.)/, "")
    for (const digit of clean)
      if (digit !== "." && !(Number.parseInt(digit, 36) < base))
        throw new Unreadable(`"${digit}" is no digit in base ${base}`)
    return base === 10 && /^[0-9]+$/.test(clean)
      ? Syntax.number(Rational.fromDecimal(clean))
      : { tag: "based", digits: clean, base }
  }

  private bracket(sign: string): Expression {
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

  private commanded(name: string): Expression {
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
  private digit(): Expression | null {
    const token = this.tokens[this.at]
    if (token?.kind !== "number" || token.text.length === 1 || !/^[0-9]+$/.test(token.text)) return null
    const rest = token.text.slice(1)
    const after: Token = { ...token, text: rest, value: Rational.fromDecimal(rest), space: false }
    this.tokens[this.at] = after
    return Syntax.number(Rational.fromDecimal(token.text[0]))
  }

  private applyFunction(name: string): Expression {
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

  private matrix(kind: string): Expression {
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

/** How a text may be read: thousands and scientific notation first. */
const readings = (text: string): ReadonlyArray<Reading> => {
  const commas = /(?<![0-9])[1-9][0-9]{0,2}(?:,[1-9][0-9]{2})+(?![0-9])/.test(text)
  const scientific = /[0-9.][eE][+-]?[0-9]/.test(text)
  const out: Array<Reading> = [{ thousands: true, scientific: true }]
  if (commas) out.push({ thousands: false, scientific: true })
  if (scientific) out.push({ thousands: true, scientific: false })
  return out
}

const read = (text: string, reading: Reading): Expression | string => {
  try {
    // A full stop after the answer is none of it.
    const tokens = tokenize(text.replace(/(?<!\.)\.\s*(\$?)\s*$/, "$1"), reading)
    if (tokens.length === 0) return "it is empty"
    return new Parser(tokens).all()
  } catch (error) {
    if (error instanceof Unreadable || error instanceof WorkExceeded) return error.message
    throw error
  }
}

/**
 * The expression of an answer, or, as a string, why it is none.
 *
 * @category reading
 */
export const parse = (text: string): Expression | string =>
  text.length > maxLength ? `longer than ${maxLength} characters` : read(text, { thousands: true, scientific: true })

/**
 * Every way to read an answer, the likeliest first: `1,234` is a number before it is two, `2e3` is 2000 before it is 2 e 3.
 * One reason, as a string, when there is none.
 *
 * @category reading
 */
export const parseAll = (text: string): ReadonlyArray<Expression> | string => {
  if (text.length > maxLength) return `longer than ${maxLength} characters`
  const all = readings(text).map((reading) => read(text, reading))
  const found = all.filter((e) => typeof e !== "string")
  return found.length > 0 ? found : String(all[0])
}
