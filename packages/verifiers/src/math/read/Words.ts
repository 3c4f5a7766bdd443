/** Answers in words: names, "no solution", choice letters. */
import { type Expression } from "./Syntax.ts"

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
  if (!/^[A-Za-z][A-Za-z' -]*$/.test(words) || !/[A-Za-z]{2}/.test(words)) return null
  return { text: words, marked: /\\(?:text|mathrm|mathbf|mbox|emph)/.test(answer) }
}

/** Case counts only for words that could be products of letters, as AB and ab. @category comparison */
export const equal = (a: Words, b: Words): boolean =>
  a.text === b.text ||
  (a.text.toLowerCase() === b.text.toLowerCase() &&
    (a.marked || b.marked || a.text.length >= 4 || short.has(a.text.toLowerCase())))

/** The letters of an expression that is text, a letter, or letters side by side. @category reading */
export const spelled = (e: Expression): Words | null => {
  switch (e.tag) {
    case "text":
      return { text: bare(e.text), marked: true }
    case "symbol":
      return /^[a-zA-Z]$/.test(e.name) ? { text: e.name, marked: false } : null
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
