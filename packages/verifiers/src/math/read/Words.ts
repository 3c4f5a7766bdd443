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
const scales = new Map([
  ["hundred", 100],
  ["thousand", 1000],
  ["million", 1e6],
  ["billion", 1e9],
  ["trillion", 1e12],
])
const parts = new Map(
  "half third quarter fifth sixth seventh eighth ninth tenth eleventh twelfth"
    .split(" ")
    .map((name, i) => [name, i + 2] as const),
)
parts.set("fourth", 4)
for (const [name, n] of [
  ["hundredth", 100],
  ["thousandth", 1000],
  ["millionth", 1e6],
] as const)
  parts.set(name, n)

/** Whether a word is an amount: a number word, a scale, a part as in two thirds. @category reading */
export const isAmount = (word: string): boolean => units.includes(word) || isLarge(word)

/** The same without the numbers below ten: "three zeros" are digits that are counted. @category reading */
export const isLarge = (word: string): boolean =>
  units.indexOf(word) > 9 ||
  tens.includes(word) ||
  scales.has(word) ||
  parts.has(word) ||
  /^(?:dozen|gross|halve)$/.test(word)

/** The whole number that words say, as "one hundred and twenty-one"; null for other words. */
const wholeOf = (words: ReadonlyArray<string>): number | null => {
  let [total, group] = [0, 0]
  /** The smallest scale so far; what follows is smaller. */
  let scale = Number.POSITIVE_INFINITY
  let last = ""
  for (const [i, word] of words.entries()) {
    const [unit, ten, by] = [units.indexOf(word), tens.indexOf(word), scales.get(word)]
    if (unit >= 0) {
      if (units.includes(last) || (tens.includes(last) && (unit === 0 || unit > 9))) return null
      group += unit
    } else if (ten >= 0) {
      if (units.includes(last) || tens.includes(last)) return null
      group += 20 + 10 * ten
    } else if (by === 100) {
      if ((group === 0 && i > 0) || group > 9) return null
      group = 100 * (group || 1)
    } else if (by !== undefined) {
      if (group === 0 || by >= scale) return null
      total += group * by
      ;[group, scale] = [0, by]
    } else if (word !== "and" || i === 0 || i === words.length - 1 || !scales.has(last)) return null
    last = word
  }
  return words.length === 0 || last === "and" ? null : total + group
}

/** The number that words say: "twelve", "one hundred and twenty", "two thirds", "one and a half"; null for other words. */
const amount = (text: string): Rational.Rational | null => {
  const words = text.replace(/^an? (?=\S)/, "one ").split(/[ -]+/)
  const whole = wholeOf(words)
  if (whole !== null) return Rational.integer(whole)
  const last = words.at(-1) ?? ""
  const part = parts.get(last) ?? parts.get(last === "halves" ? "half" : last.replace(/s$/, ""))
  if (part === undefined || words.length < 2) return null
  const join = words.lastIndexOf("and")
  const [before, count] = [words.slice(0, Math.max(0, join)), words.slice(join + 1, -1)]
  const first = join < 0 ? 0 : wholeOf(before)
  const number = wholeOf(count.map((word) => (/^an?$/.test(word) ? "one" : word)))
  // One half, two halves: "twenty third" is an ordinal.
  if (first === null || number === null || number === 0 || (number === 1) === last.endsWith("s")) return null
  return Rational.add(Rational.integer(first), Rational.make(BigInt(number), BigInt(part)))
}

const nothing =
  /^(?:(?:there (?:is|are) )?no (?:real |integer |positive |such |valid |possible )*(?:solution|root|value|answer)s?(?: exists?)?|none|(?:the )?(?:empty|null) set)$/i
const everything =
  /^(?:(?:the set of )?all (?:the )?real(?: number| value)?s?(?:(?: of)? [a-z])?|(?:the )?real numbers|any real(?: number)?|all reals)$/i

const integers = /^(?:(?:the set of )?all (?:the )?integers?|any integer|the integers)$/i

/** What words say as mathematics: a number, no solution, all real numbers; null for other words. @category reading */
export const meaning = (words: string): Expression | null => {
  const text = bare(words)
  if (nothing.test(text)) return { tag: "set", items: [] }
  if (everything.test(text)) return Syntax.symbol("set R")
  if (integers.test(text)) return Syntax.symbol("set Z")
  const [, minus, size = ""] = /^(negative |minus )?(.*)$/i.exec(text) ?? []
  const said = amount(size.toLowerCase())
  return said === null ? null : Syntax.number(minus === undefined ? said : Rational.negate(said))
}
