/**
 * Where the answer stands in a response: every strategy of the field's graders, each a function from text to answer, and ways to
 * combine them. `null` means that the strategy finds none.
 *
 * | strategy | takes | used by |
 * | --- | --- | --- |
 * | `lastBox` | the last `\boxed{...}` with its braces matched | PRM800K family, Polaris, mathruler |
 * | `hendrycksBox` | the last `\boxed`; text after a `\boxed ` with a space wins | Hendrycks, verl `math_reward` |
 * | `anyBox` | the last `\boxed` or `\fbox`, its first braces | PRIME |
 * | `answerLine` | the rest of the line after the last `Answer:` | DAPO, Minerva |
 * | `primeAnswer` | what is left after the markers "answer is", "is", "=", ... | PRIME |
 * | `hashes` | the number after the last `####` | GSM8K |
 * | `lastNumber` | the last number | |
 * | `lastMath` | the content of the last `$...$`, `$$...$$`, `\(...\)` or `\[...\]` | |
 *
 * Math-Verify chooses among many candidates and looks at whether they parse; its strategy is in `reference/mathverify/Candidates.ts`. All
 * of these take time linear in the text.
 *
 * @module
 */

import * as Thinking from "../../Thinking.ts"

/** Finds the answer in a text; null when there is none. @category models */
export type Extractor = (text: string) => string | null

/** The last `count` characters (code points), as Python counts them. @category parts */
export const lastCharacters = (text: string, count: number): string =>
  text.length <= count
    ? text
    : Array.from(text.slice(-2 * count))
        .slice(-count)
        .join("")

/** What follows the last `</think>`; the whole text without one; null when a `<think>` is never closed. @category parts */
export const afterThinking: Extractor = Thinking.after

/** What lies between the first and the second `</think>`, or the end; null without one: Polaris's rule. @category parts */
export const afterFirstThinking = (text: string): string | null => {
  const parts = text.split("</think>", 2)
  return parts.length < 2 ? null : parts[1]
}

/** Where the brace that opens at or after `from` is closed, or -1. */
const closing = (text: string, from: number): number => {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === "{") depth++
    else if (text[at] === "}" && --depth === 0) return at
  }
  return -1
}

/** The content of the last `\boxed{...}` with its braces matched, trimmed. @category extraction */
export const lastBox: Extractor = (text) => {
  const start = text.lastIndexOf("\\boxed{")
  if (start < 0) return null
  const end = closing(text, start)
  return end < 0 ? null : text.slice(start + "\\boxed{".length, end).trim()
}

/** The content of the last `\boxed{...}` as it stands, spaces included. @category extraction */
export const rawBox: Extractor = (text) => {
  const start = text.lastIndexOf("\\boxed{")
  const end = start < 0 ? -1 : closing(text, start)
  return end < 0 ? null : text.slice(start + "\\boxed{".length, end)
}

/**
 * Hendrycks: if `\boxed ` with a space occurs, the text after the last one up to a `$`; else the content of the last
 * `\boxed{...}`, as it stands.
 *
 * @category extraction
 */
export const hendrycksBox: Extractor = (text) => {
  const bare = text.lastIndexOf("\\boxed ")
  if (bare >= 0) return text.slice(bare + "\\boxed ".length).split("$", 1)[0]
  const start = text.lastIndexOf("\\boxed")
  const end = start < 0 ? -1 : closing(text, start)
  // An \fbox is found and then refused, so it need not be looked for.
  return end < 0 || text[start + "\\boxed".length] !== "{" ? null : text.slice(start + "\\boxed{".length, end)
}

/** PRIME: the first braces after the last `\boxed`, else after the last `\fbox`; trimmed. @category extraction */
export const anyBox: Extractor = (text) => {
  const boxed = text.lastIndexOf("\\boxed")
  const start = boxed < 0 ? text.lastIndexOf("\\fbox") : boxed
  if (start < 0) return null
  const open = text.indexOf("{", start)
  // A closing brace before the first opening one ends the count, not the search.
  const end = open < 0 ? -1 : closing(text, open)
  const early = text.slice(start, open < 0 ? undefined : open).includes("}")
  if (!early) return end < 0 ? null : text.slice(open + 1, end).trim()
  return earlyClosed(text, start)
}
/** The braces after `start` where one closes before any opens. */
const earlyClosed = (text: string, start: number): string | null => {
  let depth = 0
  let open = -1
  for (let at = start; at < text.length; at++) {
    if (text[at] === "{") {
      depth++
      if (open < 0) open = at
    } else if (text[at] === "}" && --depth === 0) return open < 0 ? null : text.slice(open + 1, at).trim()
  }
  return null
}

/** The rest of the line after the last `Answer:`, in any case; the line may be the one below. @category extraction */
export const answerLine: Extractor = (text) => {
  // Hand-written: the obvious expression is quadratic in runs of white space.
  const lower = text.toLowerCase()
  let found: string | null = null
  for (let at = 0; (at = lower.indexOf("answer", at)) >= 0;) {
    at += "answer".length
    let from = at
    while (/\s/.test(text.charAt(from))) from++
    if (text[from] !== ":") {
      at = from
      continue
    }
    from++
    const start = from
    while (/\s/.test(text.charAt(from))) from++
    // With nothing but white space left, its last character that is not a newline is the answer.
    if (from >= text.length) {
      const spaces = text.slice(start, from)
      const last = spaces.split("\n").at(-1) ?? ""
      if (last !== "") found = last.slice(-1)
      break
    }
    const end = text.indexOf("\n", from)
    found = text.slice(from, end < 0 ? text.length : end)
    at = end < 0 ? text.length : end
  }
  return found
}

/** The number after the last `####`, without thousands separators, in the last 300 characters. @category extraction */
export const hashes: Extractor = (text) => {
  const found = [...lastCharacters(text, 300).matchAll(/#### ?(-?[0-9.,]+)/g)].at(-1)
  return found === undefined ? null : found[1].replaceAll(",", "")
}

/** The last number, as written. @category extraction */
export const lastNumber: Extractor = (text) =>
  text.match(/-?(?:[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|\.[0-9]+)/g)?.at(-1) ?? null

/** The content of the last `$...$`, `$$...$$`, `\(...\)` or `\[...\]`. @category extraction */
export const lastMath: Extractor = (text) => {
  const closers: ReadonlyArray<readonly [string, string]> = [
    ["\\]", "\\["],
    ["\\)", "\\("],
    ["$$", "$$"],
    ["$", "$"],
  ]
  let best: { readonly end: number; readonly content: string } | null = null
  for (const [close, open] of closers) {
    const end = text.lastIndexOf(close)
    const start = end <= 0 ? -1 : text.lastIndexOf(open, end - 1 - (open === "$$" ? 1 : 0))
    if (start < 0 || (best !== null && best.end >= end + close.length - 1)) continue
    const content = text.slice(start + open.length, end).trim()
    if (content !== "") best = { end: end + close.length, content }
  }
  return best === null ? null : best.content
}

const before = ["answer:", "answer is", "answers are"]
const after = ["is answer", "is the answer", "are answers", "are the answers"]
const verbs = ["be ", "is ", "are ", "=", ": ", "get ", "be\n", "is\n", "are\n", ":\n", "get\n"]

/**
 * PRIME: what follows the last of each marker, or stands before "is the answer"; a box in it; the part before the last
 * sentence end; then what follows the last "is", "=", ":" and so on. Never null: a text without markers stays whole.
 *
 * @category extraction
 */
export const primeAnswer = (text: string): string => {
  let s = text
  const cut = (markers: ReadonlyArray<string>, part: (at: number, length: number) => string): void => {
    for (const marker of markers) {
      const at = s.toLowerCase().lastIndexOf(marker)
      if (at >= 0) s = part(at, marker.length).trim()
    }
  }
  cut(before, (at, length) => s.slice(at + length))
  cut(after, (at) => s.slice(0, at))
  const box = anyBox(s)
  if (box !== null && box !== "") s = box
  cut([". "], (at) => s.slice(0, at))
  cut(verbs, (at, length) => s.slice(at + length))
  return s
}

/** The first strategy that finds something decides. @category combinators */
export const firstOf =
  (...extractors: ReadonlyArray<Extractor>): Extractor =>
  (text) => {
    for (const extract of extractors) {
      const found = extract(text)
      if (found !== null) return found
    }
    return null
  }

/** A strategy on a part of the text; null where there is no such part. @category combinators */
export const within =
  (part: (text: string) => string | null, extract: Extractor): Extractor =>
  (text) => {
    const found = part(text)
    return found === null ? null : extract(found)
  }

/** A strategy on the last `count` characters. @category combinators */
export const inLast = (count: number, extract: Extractor): Extractor =>
  within((text) => lastCharacters(text, count), extract)

/** The strategies by name, for configuration. @category extraction */
export const strategies = {
  lastBox,
  rawBox,
  hendrycksBox,
  anyBox,
  answerLine,
  primeAnswer,
  hashes,
  lastNumber,
  lastMath,
} as const satisfies Readonly<Record<string, Extractor>>
