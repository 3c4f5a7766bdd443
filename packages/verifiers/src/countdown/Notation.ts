/**
 * What an expression may be written in: plain text, the signs of print, LaTeX. Every text becomes a list of tokens in which an operator
 * is one of `+ - * /` and a bracket `(` or `)`; whatever is not in the tables is refused.
 */

/** A whole number, a decimal, an operator, a bracket, or `frac` before its two arguments. @category models */
export interface Token {
  readonly kind: "number" | "decimal" | "operator" | "open" | "close" | "frac"
  readonly text: string
  /** Where it starts, in characters of the text. */
  readonly at: number
}

const operators: Readonly<Record<string, string>> = {
  "\u2212": "-",
  "\u2010": "-",
  "\u2011": "-",
  "\u2012": "-",
  "\u2013": "-",
  "\ufe63": "-",
  "\uff0d": "-",
  "\uff0b": "+",
  "\u00d7": "*",
  "\u00b7": "*",
  "\u22c5": "*",
  "\u2219": "*",
  "\u2217": "*",
  "\u2715": "*",
  "\u2716": "*",
  "\u2a2f": "*",
  "\u2022": "*",
  "\uff0a": "*",
  "\\times": "*",
  "\\cdot": "*",
  "\\ast": "*",
  "\u00f7": "/",
  "\u2215": "/",
  "\u2044": "/",
  "\uff0f": "/",
  "\\div": "/",
}

/** What a token may be; the groups are, in order: a space, a decimal, a number, an operator, an opening and a closing bracket, a fraction. */
const lexeme =
  /(\s+|[\u200b-\u200d\u2060]|\ufe0e|\ufe0f|\\[,;:! ]|\\q?quad(?![a-zA-Z])|\\(?:left|right|[bB]igg?[lr]?)(?=\s*[()[\]])|\\displaystyle(?![a-zA-Z]))|([0-9]+\.[0-9]+)|([0-9]+)|([-+*/\u2010-\u2013\u2212\ufe63\uff0d\uff0b\u00d7\u00b7\u2022\u22c5\u2219\u2217\u2715\u2716\u2a2f\uff0a\u00f7\u2215\u2044\uff0f]|\\(?:times|cdot|ast|div)(?![a-zA-Z]))|([({[\uff08])|([)}\]\uff09])|(\\[dtc]?frac(?![a-zA-Z]))/uy

const closerOf: Readonly<Record<string, string>> = { "(": ")", "{": "}", "[": "]", "\uff08": "\uff09" }

const afterDigits = (text: string, from: number): number => {
  let at = from
  while (text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57) at++
  return at
}

/** The tokens; a string is the reason for a refusal. Brackets close what opened them. @category reading */
export const tokens = (written: string): ReadonlyArray<Token> | string => {
  const text = written.replaceAll(/[\uff10-\uff19]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
  const out: Array<Token> = []
  const opened: Array<string> = []
  for (let at = 0; at < text.length; at = lexeme.lastIndex) {
    // Most texts are plain: what a character decides needs no expression.
    const plain = text[at]
    lexeme.lastIndex = at + 1
    if (plain === " ") continue
    if (plain === "+" || plain === "-" || plain === "*" || plain === "/") {
      out.push({ kind: "operator", text: plain, at })
      continue
    }
    if (plain === "(") {
      opened.push(")")
      out.push({ kind: "open", text: plain, at })
      continue
    }
    if (plain === ")") {
      if (opened.pop() !== plain) return `"${plain}" at ${at} closes nothing`
      out.push({ kind: "close", text: plain, at })
      continue
    }
    const end = afterDigits(text, at)
    if (end > at && text[end] !== ".") {
      if (plain === "0" && end > at + 1) return `"${text.slice(at, end)}" has a leading zero`
      out.push({ kind: "number", text: text.slice(at, end), at })
      lexeme.lastIndex = end
      continue
    }
    lexeme.lastIndex = at
    const found = lexeme.exec(text)
    if (found === null) return `unexpected "${String.fromCodePoint(text.codePointAt(at) ?? 0)}" at ${at}`
    const [, , decimal, number, operator, open, close, frac] = found as ReadonlyArray<string | undefined>
    if (number !== undefined || decimal !== undefined) {
      const digits = number ?? decimal ?? ""
      if (digits.length > 1 && digits[0] === "0" && digits[1] !== ".") return `"${digits}" has a leading zero`
      out.push({ kind: number === undefined ? "decimal" : "number", text: digits, at })
    } else if (operator !== undefined)
      out.push({ kind: "operator", text: Object.hasOwn(operators, operator) ? operators[operator] : operator, at })
    else if (open !== undefined) {
      opened.push(closerOf[open])
      out.push({ kind: "open", text: open, at })
    } else if (close !== undefined) {
      if (opened.pop() !== close) return `"${close}" at ${at} closes nothing`
      out.push({ kind: "close", text: close, at })
    } else if (frac !== undefined) out.push({ kind: "frac", text: "\\frac", at })
  }
  return opened.length > 0 ? `expected "${opened.at(-1)}" at ${text.length}` : out
}

const pairs: ReadonlyArray<readonly [open: string, close: string]> = [
  ["$$", "$$"],
  ["$", "$"],
  ["\\(", "\\)"],
  ["\\[", "\\]"],
  ["**", "**"],
  ["```", "```"],
  ["`", "`"],
]

/** What stands in a box that is the whole text. */
const boxed = (text: string): string | null => {
  const open = /^\\(?:boxed|fbox)\s*\{/.exec(text)?.[0]
  if (open === undefined || !text.endsWith("}")) return null
  let depth = 1
  for (let at = open.length; at < text.length - 1; at++) {
    if (text[at] === "{") depth++
    if (text[at] === "}" && --depth === 0) return null
  }
  return depth === 1 ? text.slice(open.length, -1) : null
}

/** Without the dollars, brackets of LaTeX, boxes, backticks and marks for bold around the whole. @category reading */
export const bare = (text: string): string => {
  for (let rest = text.trim(); ;) {
    if (!/^[$\\`*]/.test(rest)) return rest
    const pair = pairs.find(
      ([open, close]) =>
        rest.length >= open.length + close.length &&
        rest.startsWith(open) &&
        rest.indexOf(close, open.length) === rest.length - close.length,
    )
    const inner = pair === undefined ? boxed(rest) : rest.slice(pair[0].length, rest.length - pair[1].length)
    if (inner === null) return rest
    // The language of a fence stands on its first line.
    rest = (pair?.[0] === "```" ? inner.replace(/^[a-z]*\n/, "") : inner).trim()
  }
}
