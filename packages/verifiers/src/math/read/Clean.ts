/**
 * What is taken off an answer before it is read: characters of other keyboards become the plain ones, commands that only colour,
 * frame or hide are gone, and so is what introduces the answer: "Answer:", a leading equals sign, bold or code marks.
 */
import { unicode } from "./Vocabulary.ts"

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ"
const subscripts = "₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙ"
const scripts = "0123456789+-()n"
const plain = (run: string, from: string): string => Array.from(run, (c) => scripts[from.indexOf(c)]).join("")

/** Unicode as LaTeX or ASCII; what is unknown stays. @category cleaning */
export const ascii = (text: string): string => {
  if (/^[\0-\x7f]*$/.test(text)) return text
  return text
    .replaceAll(/[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]|[\ufe00-\ufe0f]/gu, "")
    .replaceAll(/[\uff01-\uff5e]/g, (c) => String.fromCodePoint((c.codePointAt(0) ?? 0) - 0xfee0))
    .replaceAll(/[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g, " ")
    .replaceAll(/[\u{1d400}-\u{1d7ff}]/gu, (c) => c.normalize("NFKC"))
    .replaceAll(/(?<=\\(?:text|mathrm)\s*\{[^{}]*)[µμ](?=[a-zA-Z])/g, "u")
    .replaceAll(/[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ]+/g, (run) => `^{${plain(run, superscripts)}}`)
    .replaceAll(/[₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙ]+/g, (run) => `_{${plain(run, subscripts)}}`)
    .replaceAll(/[^\0-\x7f]/gu, (c) => (Object.hasOwn(unicode, c) ? unicode[c] : c))
}

const announcement =
  /^\s*(?:the\s+)?(?:(?:final|correct)\s+)?(?:answer|ans|result|solution)(?:\s+is\b\s*:?|\s*[:=])\s*(?=\S)/i
const textAnnouncement =
  /^\s*\\(?:text(?:bf|rm|it)?|mathrm|mathbf|mbox)\s*\{\s*(?:the\s+)?(?:(?:final|correct)\s+)?(?:answer|ans|result|solution)(?:\s+is)?\s*[:=]?\s*\}\s*[:=]?\s*(?=\S)/i
const innerAnnouncement =
  /^(\s*\\(?:text(?:bf|rm|it)?|mathrm|mathbf|mbox)\s*\{\s*)(?:the\s+)?(?:(?:final|correct)\s+)?(?:answer|ans|result|solution)(?:\s+is\b\s*:?|\s*[:=])\s*(?=[^\s}])/i
const leading =
  /^(\s*\{?\s*)(?:=|\\approx(?![a-zA-Z])|\\(?:therefore|implies|Rightarrow|Longrightarrow|to|rightarrow)(?![a-zA-Z])|∴)\s*(?=\S)/

/** `\(1,-2\)` and `\[1\]` are mathematics, not brackets; `\\[2pt]` ends a row. */
const delimiters = /(?<!\\)((?:\\\\)*)\\[()[\]]/g

/** The space after a row: `\\[2pt]`. */
const rowSpace = /\\\\\s*\[\s*-?[0-9.]+\s*(?:pt|em|ex|mm|cm|in|pc|mu)\s*\]/g

/** Commands that set how things look and hold a length, a colour or a name. */
const held =
  /\\(?:color|hspace\*?|vspace\*?|tag\*?|label|fontsize|selectfont)\s*\{[^{}]*\}|\\[hv]?phantom\s*(?:\{[^{}]*\}|\\?[^\s\\{}])/g
/** ... and what they show. */
const shown = /\\(?:textcolor|colorbox)\s*\{[^{}]*\}|\\fcolorbox\s*\{[^{}]*\}\s*\{[^{}]*\}/g
const framing =
  /\\(?:underline|underbar|framebox|ensuremath|mathop|mathord|mathstrut|displaylimits|notag|nonumber)(?![a-zA-Z])/g
const primes = /\^\s*(?:\{\s*((?:\\prime\s*)+)\}|(\\prime(?![a-zA-Z])))/g

/** "for all x in R", "where c is a constant": nothing but names, sets and these words after a formula. */
const qualifier =
  /(?<=\S)\s*[,;]?\s*(?:\\(?:text|mathrm|mbox)\s*\{\s*,?\s*)?(?:,\s*)?\(?(?:for\s+(?:all|any|every|each|some)\b|where\b|with\b|\\forall(?![a-zA-Z])|\\quad\s*\\forall)([^]*)$/
const qualifying =
  /\b(?:real|reals|integers?|numbers?|constants?|arbitrary|any|all|every|each|some|is|are|be|an?|and|the|of|in|complex|rational|natural|for|where|values?)\b/g
const unqualified = (text: string): string => {
  if (!/for\s|where|with|\\forall/.test(text)) return text
  const found = qualifier.exec(text)
  if (found === null || found.index === 0) return text
  const rest = found[1]
    .replaceAll(/\\(?:text|mathrm|mbox|mathbb|mathbf)\b|\\in(?![a-zA-Z])|\\[ ,;:!]|\\q?quad/g, " ")
    .replaceAll(/[{}$(),.~]/g, " ")
    .replaceAll(qualifying, " ")
  return rest.split(/\s+/).every((word) => /^[a-zA-Z]?$/.test(word)) ? text.slice(0, found.index) : text
}

/** A comma or semicolon at the end, which is none of the answer. */
const stop = /(?<!\\)[,;]\s*$/
/** Takes a box around everything off, and what ends a sentence in a group that is everything. */
const unboxed = (written: string): string => {
  const text = written.replace(stop, "")
  const found = /^\s*(\\boxed\s*)?\{([^]*)\}\s*$/.exec(text)
  if (found === null) return text
  const [, box, inner] = found
  let depth = 0
  for (const [mark] of inner.matchAll(/\\[^]|[{}]/g)) {
    depth += mark === "{" ? 1 : mark === "}" ? -1 : 0
    if (depth < 0) return text
  }
  return box !== undefined || stop.test(inner) ? unboxed(inner) : text
}

/** The answer without its clothes. @category cleaning */
export const clean = (answer: string): string => {
  if (/^[-0-9.,/() ]*(?<!,\s*)$/.test(answer)) return answer
  let text = ascii(answer)
  const marks = /^\s*(\*\*|__|`+|<b>|<strong>)([^]*?)(?:\*\*|__|`+|<\/b>|<\/strong>)\s*$/.exec(text)
  if (marks !== null && !marks[2].includes(marks[1])) text = marks[2]
  if (text.includes("\\"))
    text = text
      .replaceAll(rowSpace, String.raw`\\ `)
      .replaceAll(delimiters, "$1 ")
      .replaceAll(held, " ")
      .replaceAll(shown, " ")
      .replaceAll(framing, " ")
      .replaceAll(primes, (_, many: string | undefined) =>
        "'".repeat((many ?? "p").split("\\").length - (many === undefined ? 0 : 1)),
      )
      .replace(textAnnouncement, "")
      .replace(innerAnnouncement, "$1")
  text = unboxed(text)
  return unqualified(text.replace(announcement, "").replace(leading, "$1"))
}
