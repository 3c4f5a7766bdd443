/**
 * Reads LaTeX, or the plain text that people write instead, as tokens. Layout (`\left`, `\,`, `$`, `\displaystyle`) is gone after
 * this; `\dfrac` is `\frac`; Unicode signs are their commands; `1,000`, `1{,}000` and `1\,000` are one number each.
 */
import * as Rational from "../algebra/Rational.ts"
import { aliases, layout, letters, plainCommands, signOf, texts } from "./Vocabulary.ts"
import * as Units from "./Units.ts"
import { spend } from "../algebra/Work.ts"

/** The text is not an answer: `message` says where and why. Never leaves `Expression.parse`. @category errors */
export class Unreadable extends Error {
  override readonly name = "Unreadable"
}

/** `space`: whether white space stands before it. @category models */
export type Token = { readonly space: boolean } & (
  | {
      readonly kind: "number"
      readonly text: string
      readonly value: Rational.Rational
      readonly digits: number | null
    }
  /** One letter, or a command that stands for one; `bold`: a vector. */
  | { readonly kind: "symbol"; readonly name: string; readonly bold?: boolean }
  /** Two letters or more without a backslash that are not functions: a product, a unit or a word. */
  | { readonly kind: "word"; readonly text: string }
  | { readonly kind: "command"; readonly name: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "sign"; readonly sign: string }
)

/** Doubtful spellings, and how to take them. @category models */
export interface Reading {
  /** `1,234` is one number; otherwise two. */
  readonly thousands: boolean
  /** `2e3` is 2000; otherwise 2 e 3. */
  readonly scientific: boolean
}

/** Names of `\operatorname` that are commands although no plain word is. */
const operators = new Set("Re Im arg sgn det lcm circ cup cap in".split(" "))
const textFunctions = new Set("sin cos tan cot sec csc arcsin arccos arctan log ln exp cis gcd lcm det mod".split(" "))

const numberAt = /(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)/y
const groupsAt =
  /(?:(?:\{\\?,\}|\\text\s*\{,\}|(?:\\!)?,(?:\\!|\s)*\\!\s*|'(?=[0-9]{3}(?![0-9]))|\\[,;: ]\s*|~|\s)[0-9]{3})+(?![0-9]|\s*\/)/y
const dotsAt = /\s*(?:\.\.\.|\\[lc]?dots(?![a-zA-Z]))/y
const plainGroupsAt = /(?:,[0-9]{3})+(?![0-9])/y
const exponentAt = /[eE](?:[+-]?[0-9]+)(?![0-9.]|\\?[a-zA-Z({])/y
const recurringAt = /\\(?:overline|bar)\s*\{([0-9]+)\}|\\dot\s*\{?([0-9])\}?|\(([0-9]+)\)(?!\s*[\^!])/y
const basedAt = /[0-9A-F]*[A-F][0-9A-F]*(?=\s*_\s*\{?(?:\\text\{)?(?:1[1-6]|sixteen|twelve|eleven))/y
const wordAt = /[a-zA-Z]+/y
/** Words in other scripts: units, mostly. */
const lettersAt = /[\p{L}\p{M}]+(?:[ /][\p{L}\p{M}]+)*/uy
const commandAt = /\\(?:[a-zA-Z]+\*?|[^])/y
const groupAt = /\s*\{/y

const at = (pattern: RegExp, text: string, index: number): RegExpExecArray | null => {
  pattern.lastIndex = index
  return pattern.exec(text)
}

/** The group that opens at `open` (a brace) and where it ends; null when it never does. */
const braced = (text: string, open: number): { readonly content: string; readonly end: number } | null => {
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if (text[i] === "\\") i++
    else if (text[i] === "{") depth++
    else if (text[i] === "}" && --depth === 0) return { content: text.slice(open + 1, i), end: i + 1 }
  }
  return null
}

/** What 0.333... and 0.1212... say; null when the digits written do not repeat. */
const repeating = (digits: string): Rational.Rational | null => {
  const dot = digits.indexOf(".")
  const tail = digits.slice(dot + 1)
  const found = /^([0-9]*?)(?:([0-9])\2\2+|([0-9]{2,})\3+)$/.exec(tail)
  const period = found?.[2] ?? found?.[3]
  if (found === null || period === undefined) return null
  const lead = found[1] ?? ""
  const nines = 10n ** BigInt(period.length) - 1n
  return Rational.add(
    Rational.fromDecimal(`${digits.slice(0, dot)}.${lead}`),
    Rational.make(BigInt(period), 10n ** BigInt(lead.length) * nines),
  )
}

/** Digits that count: without leading zeros. */
const significant = (digits: string): number => digits.replace(".", "").replace(/^0+/, "").length

/** The tokens of a text. Throws `Unreadable`. @category reading */
export const tokenize = (source: string, reading: Reading, depth = 0): Array<Token> => {
  if (depth > 4) throw new Unreadable("text inside text inside text")
  const text = source
  const out: Array<Token> = []
  let space = false
  let i = 0
  /** Brackets open: inside them a comma separates. */
  let brackets = 0
  const push = (token: Token): void => {
    out.push(token)
    space = false
  }
  const sign = (s: string): void => push({ kind: "sign", sign: s, space })
  const readNumber = (first: string): void => {
    let digits = first
    i += first.length
    let value: Rational.Rational | null = null
    const before = out.at(-1)
    // \log_2 128, 2^3 125: a script ends with its digits.
    const script = before?.kind === "sign" && /^[_^]$/.test(before.sign)
    const groups =
      /^[0-9]{1,3}$/.test(first) && first !== "0" && !script
        ? (at(groupsAt, text, i) ?? (reading.thousands && brackets === 0 ? at(plainGroupsAt, text, i) : null))
        : null
    if (groups !== null) {
      i += groups[0].length
      digits += groups[0].replaceAll(/[^0-9]/g, "")
      // 1,234.5
      const rest = text[i] === "." ? at(numberAt, text, i) : null
      if (rest !== null) {
        digits += rest[0]
        i += rest[0].length
      }
    }
    let exponent = 0
    const recurring = digits.includes(".") ? at(recurringAt, text, i) : null
    const scientific = reading.scientific && recurring === null ? at(exponentAt, text, i) : null
    if (recurring !== null) {
      i += recurring[0].length
      const period = recurring[1] ?? recurring[2] ?? recurring[3]
      const places = digits.length - digits.indexOf(".") - 1
      const tail = Rational.make(BigInt(period), 10n ** BigInt(places) * (10n ** BigInt(period.length) - 1n))
      value = Rational.add(Rational.fromDecimal(digits), tail)
    } else if (scientific !== null) {
      i += scientific[0].length
      exponent = Number(scientific[0].slice(1))
    }
    const dots = recurring === null && digits.includes(".") ? at(dotsAt, text, i) : null
    if (dots !== null) {
      i += dots[0].length
      value = repeating(digits)
    }
    const decimal = recurring === null && value === null && (/\.[0-9]/.test(digits) || scientific !== null)
    value ??= Rational.fromDecimal(digits, exponent)
    push({ kind: "number", text: digits, value, digits: decimal ? significant(digits) : null, space })
  }
  const readWord = (run: string): void => {
    i += run.length
    const name = aliases[run] ?? run
    if (run.length === 1) push({ kind: "symbol", name: run, space })
    else if (run === "or" || run === "and") sign(run)
    else if (plainCommands.has(name) && run !== "lg") push({ kind: "command", name, space })
    else if (/^d[rstuvwxyz]$/.test(run)) push({ kind: "symbol", name: `d ${run.slice(1)}`, space })
    else if (run === "infinity" || run === "inf" || run === "oo") push({ kind: "command", name: "infty", space })
    else {
      // `sinx`, `lnx`: the function, then its argument.
      const fused = /^(sin|cos|tan|cot|sec|csc|ln|log|sqrt|exp)([a-zA-Z])$/.exec(run)
      if (fused !== null) {
        push({ kind: "command", name: fused[1], space })
        push({ kind: "symbol", name: fused[2], space: false })
      } else push({ kind: "word", text: run, space })
    }
  }
  const readText = (name: string): void => {
    const open = at(groupAt, text, i)
    const group = open === null ? null : braced(text, i + open[0].length - 1)
    // `\mathrm d`, `\text5`
    const content = group === null ? text.slice(i).trimStart().slice(0, 1) : group.content
    i = group === null ? i + text.slice(i).indexOf(content) + 1 : group.end
    const words = content.replaceAll(/\\[ ,;!]|~/g, " ").replaceAll(/\\(?=[%$])/g, "")
    const bare = words.trim()
    if (/^,?\s*(?:or|and)\s*,?$/i.test(bare)) return sign(bare.replaceAll(/[^a-zA-Z]/g, "").toLowerCase())
    if (bare === "" || /^[.!]$/.test(bare)) {
      space = true
      return
    }
    if (bare === ",") return sign(",")
    if (bare === "to") return sign(":")
    // \text{A and C}, \text{I and III only}
    if (/^(?:[A-J]|[IVX]{1,4})(?:(?:\s*,\s*|\s+and\s+)+(?:[A-J]|[IVX]{1,4}))+(?:\s+only)?$/.test(bare)) {
      for (const token of tokenize(bare.replace(/\s+only$/, ""), reading, depth + 1)) push(token)
      return
    }
    const command = aliases[bare] ?? bare
    const operator = name.startsWith("operatorname") && (plainCommands.has(command) || !Units.isWord(bare))
    // A function without a meaning here, as \operatorname{erf}.
    if (
      operator &&
      /^[a-zA-Z]{2,}$/.test(bare) &&
      !plainCommands.has(command) &&
      !Object.hasOwn(signOf, command) &&
      !operators.has(command)
    )
      return push({ kind: "symbol", name: `operator ${bare}`, space })
    if (operator || (name === "mathrm" && plainCommands.has(bare)) || (name === "text" && textFunctions.has(bare)))
      return push({ kind: "command", name: aliases[bare] ?? bare, space })
    if (/^math|^b/.test(name) && /^[a-zA-Z]$/.test(bare)) {
      const bold = /^(?:mathbf|bm|boldsymbol)$/.test(name)
      const unitVector = bold && /[ijk]/.test(bare)
      // \mathrm{m} may be a unit; that depends on what stands before it.
      if (name === "mathrm" && !/[eidTC]/.test(bare)) return push({ kind: "text", text: bare, space })
      return push({
        kind: "symbol",
        name: name === "mathbb" ? `set ${bare}` : unitVector ? `vec ${bare}` : bare,
        space,
        bold,
      })
    }
    // \text{5 cm}: the number, then its unit.
    const measured = /^\s*(-?[0-9][0-9.,]*)\s+(?!x\b|or\b|and\b)([a-zA-Z][a-zA-Z ^/0-9]*)$/.exec(words)
    if (measured !== null) {
      for (const token of tokenize(measured[1], reading, depth + 1)) push(token)
      return push({ kind: "text", text: measured[2], space: true })
    }
    // A formula in text clothes, as \textbf{42}, or \text{(A) 5}.
    if (/[0-9\\^_]/.test(content) && !/^\s*[a-zA-Z]/.test(content)) {
      for (const token of tokenize(content, reading, depth + 1)) push(token)
      space = false
      return
    }
    push({ kind: "text", text: words, space })
  }
  const readCommand = (command: string): void => {
    i += command.length
    const name = command.slice(1)
    if (name === "" || /\s/.test(name)) {
      space = true
      return
    }
    if (layout.has(name)) {
      if (name === "hspace") i = (at(groupAt, text, i) === null ? null : braced(text, text.indexOf("{", i)))?.end ?? i
      // `\left.` and `\right.` are invisible.
      if (/^(?:left|right)$/.test(name) && text[i] === ".") i++
      space = true
      return
    }
    if (texts.has(name)) return readText(name)
    if (name === "begin" || name === "end") {
      const open = at(groupAt, text, i)
      const group = open === null ? null : braced(text, i + open[0].length - 1)
      if (group === null) throw new Unreadable(`\\${name} without a name`)
      i = group.end
      if (name === "begin" && group.content === "array") {
        const columns = at(groupAt, text, i)
        i = columns === null ? i : (braced(text, i + columns[0].length - 1)?.end ?? i)
      }
      return push({ kind: "command", name: `${name} ${group.content.replace("*", "")}`, space })
    }
    if (name === "\\" || name === "cr") return sign("\\\\")
    if (name === "{" || name === "}" || name === "lbrace" || name === "rbrace") {
      const opens = name === "{" || name === "lbrace"
      brackets += opens ? 1 : -1
      return sign(opens ? "\\{" : "\\}")
    }
    if (name === "$" || name === "pounds" || name === "euro")
      return push({ kind: "command", name: name === "$" ? "dollar" : name, space })
    if (name === "%") return sign("%")
    const known = aliases[name] ?? name
    if (known in signOf) {
      if (known === "(" || known === "[") brackets++
      if (known === ")" || known === "]") brackets--
      return sign(signOf[known])
    }
    if (letters.has(name)) return push({ kind: "symbol", name, space })
    if (/^[a-z]$/.test(known)) return push({ kind: "symbol", name: known, space })
    if (known === "dots") return push({ kind: "symbol", name: "dots", space })
    push({ kind: "command", name: known, space })
  }
  while (i < text.length) {
    spend(5)
    const c = text[i]
    const digits = at(numberAt, text, i)
    const based = /[0-9A-F]/.test(c) ? at(basedAt, text, i) : null
    if (based !== null) {
      i += based[0].length
      push({ kind: "text", text: based[0], space })
    } else if (digits !== null) readNumber(digits[0])
    else if (/[^\0-\x7f]/.test(c)) {
      const run = at(lettersAt, text, i)
      if (run === null) throw new Unreadable(`"${c}" is not mathematics`)
      i += run[0].length
      push({ kind: "text", text: run[0], space })
    } else if (/[a-zA-Z]/.test(c)) readWord((at(wordAt, text, i) as RegExpExecArray)[0])
    else if (c === "\\") readCommand((at(commandAt, text, i) ?? ["\\"])[0])
    else if (/\s|[~$]/.test(c)) {
      space = true
      i++
    } else {
      if (c === "(" || c === "[") brackets++
      if (c === ")" || c === "]") brackets--
      i++
      const two = text.slice(i - 1, i + 1)
      const pair = { "<=": "\\le", ">=": "\\ge", "!=": "\\ne", "==": "=", "**": "^", "+-": "" }[two]
      if (pair !== undefined && pair !== "") {
        i++
        if (pair.startsWith("\\")) push({ kind: "command", name: pair.slice(1), space })
        else sign(pair)
      } else if (/[-+*/^_()[\]{}|,;=<>!':&%.?]/.test(c)) sign(c)
      else throw new Unreadable(`"${c}" is not mathematics`)
    }
  }
  return out
}
