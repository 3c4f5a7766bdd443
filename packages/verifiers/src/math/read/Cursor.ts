/**
 * A place in the tokens of an answer, and what is read of them without grammar: signs, names with their subscripts, digits in
 * another base. `Atoms`, `Formula` and the parser in `Expression` build on it, each a layer of the grammar.
 */
import * as NormalForm from "../algebra/NormalForm.ts"
import * as Rational from "../algebra/Rational.ts"
import * as Syntax from "./Syntax.ts"
import { type Expression } from "./Syntax.ts"
import { type Token, Unreadable } from "./Tokens.ts"
import { spend } from "../algebra/Work.ts"

/** Deepest nesting of brackets, exponents and functions. @category limits */
export const maxDepth = 60

/** @category reading */
export abstract class Cursor {
  protected at = 0
  protected depth = 0
  protected readonly tokens: Array<Token>

  constructor(tokens: Array<Token>) {
    this.tokens = tokens
  }
  protected unexpected(): Unreadable {
    const token = this.tokens[this.at]
    if (token === undefined) return new Unreadable("it ends early")
    const { kind } = token
    const what = kind === "sign" ? token.sign : kind === "symbol" || kind === "command" ? `\\${token.name}` : token.text
    return new Unreadable(`unexpected ${kind === "sign" || kind === "command" ? "" : `${kind} `}"${what}"`)
  }
  protected sign(at = this.at): string | null {
    const token = this.tokens[at]
    return token?.kind === "sign" ? token.sign : null
  }
  protected command(at = this.at): string | null {
    const token = this.tokens[at]
    return token?.kind === "command" ? token.name : null
  }
  protected take(sign: string): boolean {
    if (this.sign() !== sign) return false
    this.at++
    return true
  }
  protected expect(sign: string): void {
    if (!this.take(sign)) throw this.unexpected()
  }
  protected nested<A>(f: () => A): A {
    spend(5)
    if (++this.depth > maxDepth) throw new Unreadable(`nested deeper than ${maxDepth}`)
    const out = f()
    this.depth--
    return out
  }
  protected letter(name: string): Expression {
    if (name === "e" || name === "i") return { tag: "constant", name }
    return Syntax.symbol(name)
  }
  /** A letter with its subscript and primes. */
  protected named(name: string): Expression {
    let full = name
    while (this.take("'")) full += "'"
    if (this.sign() === "_") {
      this.at++
      full += `_${this.index()}`
    }
    while (this.take("'")) full += "'"
    full += this.indexAfterPower()
    if (/^set [ZR]$/.test(full)) full = this.half(full)
    return full === name ? this.letter(name) : Syntax.symbol(full)
  }
  /** The index of `x^2_1`, which is that of `x_1^2`: taken out of the tokens. */
  protected indexAfterPower(): string {
    if (this.sign() !== "^") return ""
    const start = this.at
    this.at++
    if (this.at >= this.tokens.length || this.sign() === "_") {
      this.at = start
      return ""
    }
    this.raw()
    if (this.sign() !== "_") {
      this.at = start
      return ""
    }
    const from = this.at
    this.at++
    const index = this.index()
    this.tokens.splice(from, this.at - from)
    this.at = start
    return `_${index}`
  }
  /** The positive ones of a set of numbers, as `\\mathbb{Z}^+` and `\\mathbb{R}_{>0}`; the name as it is for any other. */
  protected half(name: string): string {
    const [mark, then] = [this.sign(), this.sign(this.at + 1)]
    if (mark !== "^" && mark !== "_") return name
    const braces = then === "{" ? 1 : 0
    const written = this.sign(this.at + 1 + braces)
    const zero = this.tokens[this.at + 2 + braces]
    const above = written === ">" && zero?.kind === "number" && zero.text === "0"
    if (written !== "+" && !above) return name
    this.at += 2 + 2 * braces + (above ? 1 : 0)
    return name === "set Z" ? "set N" : "set R+"
  }
  /** What `^`, `_`, `\frac` and `\sqrt` take. */
  protected abstract argument(): Expression

  /** A subscript; one that computes, as that of `a_{n+1}`, in its normal form. */
  protected index(): string {
    const start = this.at
    const written = this.raw()
    const end = this.at
    if (!/[-+*/]|cdot|times/.test(written)) return written
    const depth = this.depth
    this.at = start
    try {
      const read = this.argument()
      if (this.at === end && Syntax.isScalar(read)) return NormalForm.format(NormalForm.normalForm(read))
    } catch (cause) {
      if (!(cause instanceof Unreadable)) throw cause
    }
    this.depth = depth
    this.at = end
    return written
  }
  /** `^*`, of which `^` has been read: a mark, as of a conjugate or of an optimum. */
  protected star(): boolean {
    const braces = this.sign() === "{" ? 1 : 0
    if (this.sign(this.at + braces) !== "*" && !/^(?:star|times)$/.test(this.command(this.at + braces) ?? ""))
      return false
    if (braces === 1 && this.sign(this.at + 2) !== "}") return false
    this.at += 1 + 2 * braces
    return true
  }
  /** The argument of a subscript or an accent as it is written, without spaces. */
  protected raw(): string {
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
  protected subscriptBase(): number | null {
    if (this.sign() !== "_") return null
    this.at++
    const raw = this.raw().toLowerCase()
    const words = "zero one two three four five six seven eight nine ten eleven twelve".split(" ")
    const base = raw === "sixteen" ? 16 : words.includes(raw) ? words.indexOf(raw) : Number(raw)
    if (!Number.isInteger(base) || base < 2 || base > 36) throw new Unreadable(`"${raw}" is not a base`)
    return base
  }
  protected based(digits: string, base: number): Expression {
    const clean = digits.toUpperCase().replace(/^0+(?=.)/, "")
    for (const digit of clean)
      if (digit !== "." && !(Number.parseInt(digit, 36) < base))
        throw new Unreadable(`"${digit}" is not a digit in base ${base}`)
    return base === 10 && /^[0-9]+$/.test(clean)
      ? Syntax.number(Rational.fromDecimal(clean))
      : { tag: "based", digits: clean, base }
  }
}
