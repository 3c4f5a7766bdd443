/**
 * Texts that end a response: a sequence stops at the token that completes the first of them, wherever the tokens' boundaries lie.
 *
 * The text of a sequence is that of its tokens' bytes (`TokenBytes`), which come in a table made once and shared with the worker
 * threads. Every sequence keeps, for every string, how many of its bytes the text ends with (Knuth, Morris and Pratt 1977), so that
 * a token costs as many steps as it has bytes, for each string, and nothing is decoded. UTF-8 makes a match of bytes one of
 * characters.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import type { TokenBytes } from "../tokenizer/TokenBytes.ts"

/** The bytes of all tokens, in shared memory: those of token t end at `ends[t]`, where those of t + 1 begin. @category models */
export interface Table {
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
  readonly dropsFirstSpace: boolean
  /** 1 for tokens that are written as a byte, see `TokenBytes.isByte`. */
  readonly isByte: Uint8Array
}

/** @category models */
export interface StopStrings {
  /** None of them empty. */
  readonly strings: ReadonlyArray<string>
  readonly table: Table
}

/** The table of a vocabulary. @category constructors */
export const makeTable = (tokens: TokenBytes, vocabSize: number): Table => {
  const parts = Array.from({ length: vocabSize }, (_, token) => tokens.of(token))
  const ends = new Uint32Array(new SharedArrayBuffer(4 * vocabSize))
  let end = 0
  for (const [token, part] of parts.entries()) ends[token] = end += part.length
  const bytes = new Uint8Array(new SharedArrayBuffer(end))
  for (const [token, part] of parts.entries()) bytes.set(part, ends[token] - part.length)
  const isByte = new Uint8Array(new SharedArrayBuffer(vocabSize))
  for (let token = 0; token < vocabSize; token++) isByte[token] = tokens.isByte(token) ? 1 : 0
  return { bytes, ends, isByte, dropsFirstSpace: tokens.dropsFirstSpace }
}

/** Follows a run of bytes: tells after each whether the run can still be UTF-8. */
class Run {
  private need = 0
  private low = 0x80
  private high = 0xbf
  private isText = true

  /** A token that is not written as a byte ends the run. */
  end(): void {
    this.need = 0
    this.isText = true
  }

  takes(byte: number): boolean {
    if (!this.isText) return false
    if (this.need > 0) {
      this.isText = byte >= this.low && byte <= this.high
      this.need--
      this.low = 0x80
      this.high = 0xbf
      return this.isText
    }
    // Table 3-7 of Unicode: the second byte's range rules out longer spellings, surrogates and what lies beyond U+10FFFF.
    if (byte < 0x80) return true
    this.need = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
    this.low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80
    this.high = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf
    this.isText = byte >= 0xc2 && byte <= 0xf4
    return this.isText
  }
}

/** For every prefix of a pattern, the length of the longest one that it ends with, itself aside. */
const borders = (pattern: Uint8Array): Uint32Array => {
  const out = new Uint32Array(pattern.length)
  for (let i = 1, k = 0; i < pattern.length; i++) {
    while (k > 0 && pattern[i] !== pattern[k]) k = out[k - 1]
    if (pattern[i] === pattern[k]) k++
    out[i] = k
  }
  return out
}

/**
 * Follows the texts of `sequences` sequences, each from its beginning: tells of each token that is appended to one whether it
 * completes a string.
 *
 * @category constructors
 */
export const matcher = ({ strings, table }: StopStrings, sequences: number) => {
  const { bytes, dropsFirstSpace, ends, isByte } = table
  const patterns = strings.map((text) => {
    const pattern = new TextEncoder().encode(text)
    return { pattern, border: borders(pattern), matched: new Uint32Array(sequences) }
  })
  const begun = new Uint8Array(sequences)
  const runs = isByte.includes(1) ? Array.from({ length: sequences }, () => new Run()) : null
  return (sequence: number, token: number): boolean => {
    const end = ends[token] ?? 0
    let start = token > 0 ? (ends[token - 1] ?? 0) : 0
    if (start >= end) return false
    if (begun[sequence] === 0) {
      begun[sequence] = 1
      if (dropsFirstSpace && bytes[start] === 32) start++
    }
    if (runs !== null && isByte[token] === 1) {
      if (!runs[sequence].takes(bytes[end - 1])) {
        for (const { matched } of patterns) matched[sequence] = 0
        return false
      }
    } else runs?.[sequence].end()
    let found = false
    for (const { border, matched, pattern } of patterns) {
      let k = matched[sequence]
      for (let i = start; i < end && k < pattern.length; i++) {
        while (k > 0 && bytes[i] !== pattern[k]) k = border[k - 1]
        if (bytes[i] === pattern[k]) k++
      }
      matched[sequence] = k
      found ||= k === pattern.length
    }
    return found
  }
}

/** A text up to the end of the string that it completes first; the whole where it has none. @category combinators */
export const cut = (text: string, strings: ReadonlyArray<string>): string => {
  let end = text.length
  for (const string of strings) {
    const at = text.indexOf(string)
    if (at >= 0) end = Math.min(end, at + string.length)
  }
  return text.slice(0, end)
}
