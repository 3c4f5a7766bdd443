/** Answers in words: names, "no solution", choice letters. */
import * as Rational from "../algebra/Rational.ts"
import { type Expression } from "./Syntax.ts"
import * as Syntax from "./Syntax.ts"

/** Short words that are words even without a text command around them. */
const short = new Set("yes no odd one two six ten red sun mon tue wed thu fri sat".split(" "))

/** @category models */
export interface Words {
  readonly text: string
  /** Whether a text command said that these are words. */
  readonly marked: boolean
}

const bare = (text: string): string =>
  text
    .trim()
    .replace(/^\(([^()]*)\)$/, "$1")
    .replace(/[.!)]+$/, "")
    .replaceAll(/\s+/g, " ")
    .trim()

/** The words that a whole answer consists of; null when there is anything else in it. @category reading */
export const read = (answer: string): Words | null => {
  const text = answer
    .replaceAll(/\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|emph|textnormal)\s*\{([^{}]*)\}/g, " $1 ")
    .replaceAll(/\\[ ,;!]|[$~]/g, " ")
  const words = bare(text)
  if (!/^[A-Za-z][A-Za-z' -]*(?: [0-9]+)?$/.test(words) || !/[A-Za-z]{2}/.test(words)) return null
  return { text: words, marked: /\\(?:text|mathrm|mathbf|mbox|emph)/.test(answer) }
}

/** Without capitals, articles and the plural. */
const folded = (text: string): string =>
  text
    .toLowerCase()
    .replace(/^dne$/, "does not exist")
    .replace(/^(?:the|a|an) (?=\S)/, "")
    .replaceAll(/(?<=[a-z]{2}[^s\s])s\b/g, "")

/** Case counts only for words that could be products of letters, as AB and ab. @category comparison */
export const equal = (a: Words, b: Words): boolean =>
  a.text === b.text ||
  (folded(a.text) === folded(b.text) && (a.marked || b.marked || a.text.length >= 4 || short.has(a.text.toLowerCase())))

/** The letters of an expression that is text, a letter, or letters side by side. @category reading */
export const spelled = (e: Expression): Words | null => {
  switch (e.tag) {
    case "text":
      return { text: bare(e.text), marked: e.letters !== true }
    case "symbol":
      return /^(?:overline [A-Z])?[a-zA-Z]$/.test(e.name)
        ? { text: e.name.replace("overline ", ""), marked: false }
        : null
    case "constant":
      return e.name === "pi" ? null : { text: e.name, marked: false }
    case "product": {
      const letters = e.factors.map(spelled)
      return letters.every((l) => l !== null && l.text.length === 1)
        ? { text: letters.map((l) => l?.text).join(""), marked: false }
        : null
    }
    case "based":
    case "call":
    case "list":
    case "matrix":
    case "number":
    case "power":
    case "quantity":
    case "relation":
    case "set":
    case "setop":
    case "sum":
    case "tuple":
      return null
  }
}

/** As `equal`; a single letter keeps its case. @category comparison */
export const alike = (a: Words, b: Words): boolean => (a.text.length === 1 ? a.text === b.text : equal(a, b))

const units =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  )
const tens = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ")
const nothing =
  /^(?:(?:there (?:is|are) )?no (?:real |integer |positive |such |valid |possible )*(?:solution|root|value|answer)s?(?: exists?)?|none|(?:the )?(?:empty|null) set)$/i
const everything =
  /^(?:(?:the set of )?all (?:the )?real(?: number| value)?s?(?:(?: of)? [a-z])?|(?:the )?real numbers|any real(?: number)?|all reals)$/i

/** What words say as mathematics: a number, no solution, all real numbers; null for other words. @category reading */
export const meaning = (words: string): Expression | null => {
  const text = bare(words)
  if (nothing.test(text)) return { tag: "set", items: [] }
  if (everything.test(text)) return Syntax.symbol("set R")
  const number = (n: number): Expression => Syntax.number(Rational.integer(n))
  const lower = text.toLowerCase()
  if (units.includes(lower)) return number(units.indexOf(lower))
  const [ten, unit, ...more] = lower.split(/[ -]/)
  const at = tens.indexOf(ten)
  if (
    at >= 0 &&
    more.length === 0 &&
    (unit === undefined || units.indexOf(unit) > 0) &&
    units.indexOf(unit ?? "one") < 10
  )
    return number(20 + 10 * at + (unit === undefined ? 0 : units.indexOf(unit)))
  if (/^(?:one |a )?hundred$/.test(lower)) return number(100)
  return null
}
