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
 * Two numbers side by side are not a product; an integer before a proper fraction is a mixed number; `1/2x` is (1/2)x. Left
 * out: integrals, limits. Length and nesting are bounded.
 *
 * @module
 */
import { clean, maxLength } from "./Clean.ts"
import { Formula } from "./Formula.ts"
import { type Expression, type Relation } from "./Syntax.ts"
import * as Syntax from "./Syntax.ts"
import { type Reading, tokenize, Unreadable } from "./Tokens.ts"
import { WorkExceeded } from "../algebra/Work.ts"

export { maxLength } from "./Clean.ts"
export type { Expression, Relation } from "./Syntax.ts"

const relations: Record<string, Relation> = {
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
for (const name of "subset subseteq subsetneq supset supseteq parallel perp to iff implies sim propto".split(" "))
  relations[name] = `\\${name}`
/** Runs of letters that are words rather than products: three letters or more, short words, heads and tails. */
const shortWords = new Set("no on is it in at as am an be by do go he if me my of or so to up us we ok".split(" "))
const isWord = (run: string): boolean => {
  if (run.length === 2) return shortWords.has(run.toLowerCase()) || /^(?:[HT]{2}|[WL]{2}|[BG]{2}|[RB]{2})$/.test(run)
  // xyz = zyx
  return !(/^[t-z]+$/.test(run) && new Set(run).size === run.length)
}

class Parser extends Formula {
  all(): Expression {
    const out = this.list()
    if (this.at < this.tokens.length) throw this.unexpected()
    return out
  }
  /** Clauses up to a closing bracket or the end. */
  protected list(): Expression {
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

  protected clause(): Expression {
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
    // x \equiv 2 \mod 5
    const last = sides.at(-1)
    if (found.at(-1) === "equiv" && last?.tag === "call" && last.name === "mod") {
      sides.splice(-1, 1, ...last.args)
      found.push("\\modulo")
    } else if (this.command() === "pmod") {
      this.at++
      found.push("\\modulo")
      sides.push(this.argument())
    }
    return sides.length === 1 ? sides[0] : { tag: "relation", relations: found, sides }
  }

  protected side(): Expression {
    const defined = this.definition()
    if (defined !== null) return defined
    const token = this.tokens[this.at]
    if (token?.kind === "text") {
      const text = this.texts()
      if (text !== null) return text
    }
    const run = this.letters()
    if (run !== null) return run
    // All numbers but some: \\mathbb{R} - \\{3\\}.
    if (token?.kind === "symbol" && token.name.startsWith("set ") && this.sign(this.at + 1) === "-")
      this.tokens[this.at + 1] = { kind: "command", name: "setminus", space: true }
    const items = [this.operand()]
    let op: "cup" | "cap" | "setminus" | null = null
    for (let c = this.command(); c === "cup" || c === "cap" || c === "setminus"; c = this.command()) {
      if (op !== null && c !== op) throw new Unreadable("unions and intersections mixed")
      op = c
      this.at++
      items.push(this.operand())
    }
    if (op === null) return items[0]
    // {1, 2} \\ {2} in plain text: its braces are brackets.
    const listed = items.map((e): Expression => (e.tag === "list" ? { tag: "set", items: e.items } : e))
    const sets = listed.some((e) => e.tag === "set")
    return {
      tag: "setop",
      op,
      items: sets ? listed.map((e) => (e.tag === "number" ? { tag: "set", items: [e] } : e)) : listed,
    }
  }

  /** A value with its unit, a ratio `2:3:4` or a clock time. */
  protected operand(): Expression {
    const first = this.measured()
    if (this.sign() !== ":" || this.inSet()) return first
    const parts = [first]
    const start = this.at
    // 9:30 has two digits of minutes, below 60.
    let name = "clock"
    while (this.take(":")) {
      const token = this.tokens[this.at]
      if (token?.kind !== "number" || !/^[0-5][0-9]$/.test(token.text)) name = "ratio"
      parts.push(this.measured())
    }
    const last = parts.at(-1) ?? first
    if (last.tag === "quantity") return { ...last, value: Syntax.call(name, ...parts.slice(0, -1), last.value) }
    if (parts.some((part) => !Syntax.isScalar(part))) {
      this.at = start
      throw this.unexpected()
    }
    return Syntax.call(name, ...parts)
  }
  /** Whether a colon would belong to a set's condition. */
  protected inSet(): boolean {
    return this.bars > 0
  }

  /** `f(x)` and `P(x, y)` before an equals sign: a name, not a product. */
  protected definition(): Expression | null {
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

  /** A run of letters that is all of a side: a word, whose letters keep their order; null for any other side. */
  protected letters(): Expression | null {
    const token = this.tokens[this.at]
    if (token?.kind !== "word" || !isWord(token.text)) return null
    const next = this.tokens[this.at + 1]
    const ends = next === undefined || (next.kind === "sign" && /^(?:[,;)\].]|\\\}|or|and)$/.test(next.sign))
    const before = this.sign(this.at - 1)
    const starts = this.at === 0 || (before !== null && /^(?:[,;([]|\\\{|or|and)$/.test(before))
    if (!ends || !starts) return null
    this.at++
    return { tag: "text", text: token.text, letters: true }
  }

  /** A side of words alone; null when something else follows them. */
  protected texts(): Expression | null {
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
    const tokens = tokenize(clean(text).replace(/(?<!\.)\.\s*(\}?\$?)\s*$/, "$1"), reading)
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
  const found: Array<Expression> = []
  let reason = ""
  for (const reading of readings(text)) {
    const one = read(text, reading)
    if (typeof one !== "string") found.push(one)
    else reason ||= one
  }
  return found.length > 0 ? found : reason
}
