/** What Python does with texts, by characters and not by JavaScript's units. */
import { blank } from "./Lexer.ts"
import { characters, fail } from "./Value.ts"

const isBlank = new RegExp(`^[${blank}]$`)
const blanks = new RegExp(`[${blank}]+`)

/** Takes characters off the ends: white space, or those of a set. */
export const strip = (text: string, set: string | null, left: boolean, right: boolean): string => {
  const units = Array.from(text)
  const wanted = set === null ? null : new Set(set)
  const off = (unit: string): boolean => (wanted === null ? isBlank.test(unit) : wanted.has(unit))
  let from = 0
  let to = units.length
  if (left) while (from < to && off(units[from])) from++
  if (right) while (from < to && off(units[to - 1])) to--
  return units.slice(from, to).join("")
}

const reversed = (text: string): string => Array.from(text).reverse().join("")

/** `split`: by a text, or by white space; at most so often, from the left. */
export const split = (text: string, by: string | null, most: number): ReadonlyArray<string> => {
  const limit = most < 0 ? Infinity : most
  if (by === "") return fail("empty separator")
  const out: Array<string> = []
  let rest = by === null ? strip(text, null, true, false) : text
  if (by === null && rest === "") return []
  while (out.length < limit) {
    const found = by === null ? blanks.exec(rest) : null
    const at = by === null ? (found?.index ?? -1) : rest.indexOf(by)
    if (at < 0) break
    out.push(rest.slice(0, at))
    rest = rest.slice(at + (by === null ? (found?.[0].length ?? 0) : by.length))
    if (by === null && rest === "") return out
  }
  out.push(by === null ? strip(rest, null, false, limit === Infinity) : rest)
  return out
}

/** The same from the right. */
export const splitRight = (text: string, by: string | null, most: number): ReadonlyArray<string> =>
  split(reversed(text), by === null ? null : reversed(by), most)
    .map(reversed)
    .reverse()

const separators = "\\x1c-\\x1e\\x85\\u2028\\u2029"
const lineEnd = new RegExp(`\\r\\n|[\\n\\r\\v\\f${separators}]`, "g")

export const lines = (text: string, keepEnds: boolean): ReadonlyArray<string> => {
  const out: Array<string> = []
  let from = 0
  for (const { 0: end, index } of text.matchAll(lineEnd)) {
    out.push(text.slice(from, keepEnds ? index + end.length : index))
    from = index + end.length
  }
  if (from < text.length) out.push(text.slice(from))
  return out
}

const digraphs: Readonly<Record<string, string>> = { ǆ: "ǅ", Ǆ: "ǅ", ǉ: "ǈ", Ǉ: "ǈ", ǌ: "ǋ", Ǌ: "ǋ", ǳ: "ǲ", Ǳ: "ǲ" }

/** A character at the beginning of a word. */
const titled = (character: string): string => {
  if (Object.hasOwn(digraphs, character)) return digraphs[character]
  // Georgian has no capitals there.
  if (/[\u10d0-\u10ff]/.test(character)) return character
  const [first, ...rest] = Array.from(character.toUpperCase())
  return first + rest.join("").toLowerCase()
}

export const capitalize = (text: string): string => {
  const [first, ...rest] = Array.from(text)
  return first === undefined ? "" : titled(first) + rest.join("").toLowerCase()
}

/** The method `title`: what follows no letter with a case begins a word. */
export const title = (text: string): string => {
  let within = false
  return Array.from(text, (character) => {
    const out = within ? character.toLowerCase() : titled(character)
    within = /\p{Cased}/u.test(character)
    return out
  }).join("")
}

/** The filter `title`: words begin after white space and opening brackets. */
export const titleWords = (text: string): string =>
  text
    .split(new RegExp(`([-${blank}({\\[<]+)`))
    .map((word) => {
      const [first, ...rest] = Array.from(word)
      return first === undefined ? "" : first.toUpperCase() + rest.join("").toLowerCase()
    })
    .join("")

export const swapCase = (text: string): string =>
  Array.from(text, (c) =>
    /\p{Uppercase}/u.test(c) ? c.toLowerCase() : /\p{Lowercase}/u.test(c) ? c.toUpperCase() : c,
  ).join("")

const all =
  (pattern: RegExp) =>
  (text: string): boolean =>
    text !== "" && pattern.test(text)

/** The questions that end in what they ask, such as `isdigit`. */
export const questions: Readonly<Record<string, (text: string) => boolean>> = {
  isalpha: all(/^\p{L}+$/u),
  isalnum: all(/^[\p{L}\p{N}]+$/u),
  isdecimal: all(/^\p{Nd}+$/u),
  isdigit: all(/^[\p{Nd}²³¹⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐]+$/u),
  isnumeric: all(/^\p{N}+$/u),
  isspace: all(new RegExp(`^[${blank}]+$`)),
  isascii: (text) => !/[^\p{ASCII}]/u.test(text),
  isidentifier: all(/^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Nd}\p{Mn}\p{Mc}\p{Pc}]*$/u),
  isupper: (text) => /\p{Uppercase}/u.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text),
  islower: (text) => /\p{Lowercase}/u.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text),
  istitle: (text) => /\p{Cased}/u.test(text) && title(text) === text,
}

/** Fills a text up to so many characters, on the left, the right or both. */
export const pad = (text: string, width: number, fill: string, where: "left" | "right" | "both"): string => {
  const missing = width - characters(text).length
  if (missing <= 0) return text
  if (where === "left") return fill.repeat(missing) + text
  if (where === "right") return text + fill.repeat(missing)
  // Of an odd number, Python puts the one more where the width is odd on the left.
  const left = Math.floor(missing / 2) + (missing & width & 1)
  return fill.repeat(left) + text + fill.repeat(missing - left)
}

/** The place of a part, in characters; -1 where it is not. */
export const find = (text: string, part: string, from: number, to: number, last: boolean): number => {
  const units = Array.from(text).slice(from, to)
  const at = last ? units.join("").lastIndexOf(part) : units.join("").indexOf(part)
  return at < 0 ? -1 : from + Array.from(units.join("").slice(0, at)).length
}

/** How often a part is there, without overlaps. */
export const count = (text: string, part: string): number =>
  part === "" ? characters(text).length + 1 : text.split(part).length - 1

export const replace = (text: string, old: string, by: string, most: number): string => {
  const pieces = old === "" ? ["", ...Array.from(text), ""] : text.split(old)
  const times = most < 0 ? pieces.length - 1 : Math.min(most, pieces.length - 1)
  return (
    pieces.slice(0, times + 1).join(by) +
    pieces
      .slice(times + 1)
      .map((piece) => old + piece)
      .join("")
  )
}
