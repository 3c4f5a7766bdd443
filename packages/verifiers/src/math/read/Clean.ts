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
    .replaceAll(/[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]|[\ufe00-\ufe0f]|[✓✔✅☑■□∎◻◼⬛]/gu, "")
    .replaceAll(/[\uff01-\uff5e]/g, (c) => String.fromCodePoint((c.codePointAt(0) ?? 0) - 0xfee0))
    .replaceAll(/[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g, " ")
    .replaceAll(/[\u{1d400}-\u{1d7ff}]/gu, (c) => c.normalize("NFKC"))
    .replaceAll(/(?<=\\(?:text|mathrm)\s*\{[^{}]*)[µμ](?=[a-zA-Z])/g, "u")
    .replaceAll(/[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ]+/g, (run) => `^{${plain(run, superscripts)}}`)
    .replaceAll(/[₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙ]+/g, (run) => `_{${plain(run, subscripts)}}`)
    .replaceAll(/([√∛∜])\s*([0-9]+(?:\.[0-9]+)?)/g, "$1{$2}")
    .replaceAll(/[^\0-\x7f]/gu, (c) => (Object.hasOwn(unicode, c) ? unicode[c] : c))
}

const announcement =
  /^\s*(?:the\s+)?(?:(?:final|correct)\s+)?(?:answer|ans|result|solution)(?:\s+is\b\s*:?|\s*[:=])\s*(?=\S)/i
/** What says no more than that a number follows. */
const introduction =
  /^\s*(?:\\(?:text(?:bf|rm|it)?|mathrm|mbox)\s*\{\s*)?(?:(?:a\s+)?total\s+of|total\s*[:=]|there\s+(?:is|are)|exactly|approximately|approx\.?|about|roughly|around|only)(?=[\s}$\\0-9]|\})/i
const introduced = (text: string): string => {
  const found = introduction.exec(text)
  if (found === null) return text
  const rest = text.slice(found[0].length)
  const group = found[0].includes("{")
  // In a text command of its own, or with its number.
  const own = /^\s*:?\s*\}\s*(?=\S)/.exec(rest)
  if (group && own !== null) return rest.slice(own[0].length)
  if (!/^\s*:?\s*[$\\]*[-0-9.]/.test(rest)) return text
  return group ? `\\text{${rest.trimStart()}` : rest
}
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

/** `\\overset{!}{=}`, `\\stackrel{?}{=}`: a sign with a mark above it. */
const marked = /\\(?:overset|underset|stackrel)\s*\{[^{}]*\}\s*\{\s*(=|\\approx|\\equiv|[0-9.]+)\s*\}/g
/** An arc with its bow above. */
const bow = /\\(?:overset|stackrel)\s*\{\s*\\(?:frown|smallfrown)\s*\}/g
/** Half days: 9:30 am, 4 p.m., and hours alone with one. */
const halfDay =
  /(?<![0-9:.])([0-9]{1,2})(:[0-5][0-9])?(?:\s|~|\\[ ,;])*(?:\\(?:text|mathrm|textrm)\s*\{\s*)?(?:([ap])\.\s*m\.|([AP])\.?M\.?|(?<=\{\s*|:[0-9]{2}[^0-9]*)([ap])m)(?![a-zA-Z])\s*\}?/g
const halfDayInText = /\\(?:text|textbf|mathrm)\s*\{\s*([0-9]{1,2})(:[0-5][0-9])?\s*([apAP])\.?\s*[mM]\.?\s*\}/g
const halved = (
  _: string,
  hour: string,
  minutes: string | undefined,
  ...[a, b, c]: ReadonlyArray<string | undefined>
): string => `${hour}${minutes ?? ":00"}\\text{ ${(a ?? b ?? c ?? "").toLowerCase()}.m.}`
/** `(c \\in \\mathbb{R})` and `(\\bmod 5)` at the end. */
const membership = /\(\s*((?:[a-zA-Z]\s*,\s*)*[a-zA-Z]\s*\\in\s*\\mathbb\s*\{?[RZNQC]\}?[^()]*)\)\s*$/
const modulo =
  /\(\s*(?:\\(?:bmod|mod)(?![a-zA-Z])|\\(?:text|mathrm|operatorname)\s*\{\s*mod\s*\}|mod(?![a-zA-Z]))\s*([^()]*)\)/g
/**
 * `]0, 1[`: an interval whose ends are outside, as the French write it. Where a bracket turns away it stands at an end of what is
 * written, not beside the degree of a root.
 */
const turnedInterval =
  /(?<=^|[=\s,;{]|\\(?:left|in|cup|cap))(\]|\[)(\s*[^[\](),;\s][^[\](),;]*[,;][^[\](),;]*[^[\](),;\s]\s*)(\]|\[)(?=\s*(?:$|[},;.$]|\\(?:cup|cap|setminus|text|\))|∪|or\b|and\b))/g
const facing = (whole: string, open: string, inner: string, close: string): string =>
  open === "]" || close === "[" ? `${open === "]" ? "(" : "["}${inner}${close === "[" ? ")" : "]"}` : whole
/** `(1010)_2`: digits in brackets and their base. */
const bracketedDigits = /\(\s*([0-9]+|[0-9A-F]*[A-F][0-9A-F]*)\s*\)(?=\s*_)/g
/** `^5C_2`, `{}_5C_2`, `_5P_2`. */
const prefixed =
  /(?<![a-zA-Z0-9)}\]])(?:\{\s*\})?[_^]\s*\{?\s*([0-9]+|[a-z])\s*\}?\s*([CP])_\s*\{?\s*([0-9]+|[a-z])(?:\s*\}|(?![0-9a-zA-Z]))/g
const choosing = (_: string, n: string, kind: string, k: string): string =>
  kind === "C" ? `\\binom{${n}}{${k}}` : `\\frac{${n}!}{(${n}-${k})!}`
/** Commands that set how things look and hold a length, a colour or a name. */
const held =
  /\\(?:color|hspace\*?|vspace\*?|tag\*?|label|fontsize|selectfont)\s*\{[^{}]*\}|\\[hv]?phantom\s*(?:\{[^{}]*\}|\\?[^\s\\{}])/g
/** ... and what they show. */
const shown = /\\(?:textcolor|colorbox)\s*\{[^{}]*\}|\\fcolorbox\s*\{[^{}]*\}\s*\{[^{}]*\}/g
/** Braces around nothing, where they do not hold what a command or a script asks for. */
const nothing = /(?<![\\a-zA-Z_^}\]])\{\s*\}|\^\s*\{\s*\}(?!_)/g
/** What ends a proof, and a tick. */
const endings = /(?:\\(?:blacksquare|square|Box|qed|checkmark)(?![a-zA-Z])\s*)+$|^(?:\s*\\checkmark(?![a-zA-Z]))+/
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

/** `\$3\$`: dollars that were meant as signs of mathematics. */
const escapedDollars = /^\s*\\\$([^$]*?)\\\$\s*$/
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

/** Longest text read, in characters. @category limits */
export const maxLength = 4000

/** The answer without its clothes; one that is too long to be read as it is. @category cleaning */
export const clean = (answer: string): string => {
  if (answer.length > maxLength || /^[-0-9.,/() ]*(?<!,\s*)$/.test(answer)) return answer
  let text = ascii(answer)
  const marks = /^\s*(\*\*|__|[*"']|`+|<b>|<strong>)([^]*?)(?:\*\*|__|[*"']|''|`+|<\/b>|<\/strong>)\s*$/.exec(text)
  if (marks !== null && !marks[2].includes(marks[1])) text = marks[2]
  if (text.includes("\\"))
    text = text
      .replaceAll(rowSpace, String.raw`\\ `)
      .replaceAll(delimiters, "$1 ")
      .replaceAll(held, " ")
      .replaceAll(shown, " ")
      .replaceAll(framing, " ")
      .replace(endings, "")
      .replaceAll(bow, String.raw`\overarc`)
      .replaceAll(marked, " $1 ")
      .replaceAll(primes, (_, many: string | undefined) =>
        "'".repeat((many ?? "p").split("\\").length - (many === undefined ? 0 : 1)),
      )
      .replace(textAnnouncement, "")
      .replace(innerAnnouncement, "$1")
  if (/[apAP]\.?\s?[mM]/.test(text)) text = text.replaceAll(halfDayInText, halved).replaceAll(halfDay, halved)
  text = text.replace(/^\s*([0-9]+)(?:st|nd|rd|th)\s*$/, "$1")
  if (text.includes("mod")) text = text.replaceAll(modulo, "\\pmod{$1}")
  if (/[CP]\s*_/.test(text)) text = text.replaceAll(prefixed, choosing)
  if (/\]\s*\S[^\]]*\]|\[[^\]]*\[|\][^[]*\[/.test(text)) text = text.replaceAll(turnedInterval, facing)
  if (/\)\s*_/.test(text)) text = text.replaceAll(bracketedDigits, "$1")
  if (text.includes("{")) text = text.replaceAll(nothing, " ")
  text = text
    .replace(membership, ", $1")
    .replaceAll(/(?<![a-zA-Z\\])sqrt\s*([0-9]+(?:\.[0-9]+)?)/g, "\\sqrt{$1}")
    .replace(/^\s*<([^<>]*,[^<>]*)>\s*$/, "\\langle $1\\rangle ")
  text = unboxed(text).replace(escapedDollars, "$1")
  return unqualified(introduced(text.replace(announcement, "")).replace(leading, "$1"))
}
