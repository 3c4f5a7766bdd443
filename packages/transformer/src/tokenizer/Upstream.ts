/**
 * `@huggingface/tokenizers` (0.2.0), with what it does otherwise than the tokenizers of transformers put right: the byte-order mark in
 * decoded bytes and bytes that are not UTF-8, added tokens that are whole words, and white space around added tokens. A test runs
 * the library alone too, and fails once it is mended.
 */
import { Tokenizer } from "@huggingface/tokenizers"

/** What the library keeps private and is used here. */
interface Inside {
  readonly normalizer: ((text: string) => string) | null
  readonly pre_tokenizer: ((text: string, options: { section_index: number }) => ReadonlyArray<string>) | null
  readonly model: (tokens: ReadonlyArray<string>) => ReadonlyArray<string>
  readonly decoder: Step | null
  encode_text: (text: string | null) => ReadonlyArray<string> | null
}

/** What is read of an added token; the library's own class is not resolved by the linter. */
interface AddedToken {
  readonly content: string
  readonly single_word: boolean
  readonly lstrip: boolean
  readonly rstrip: boolean
  readonly normalized: boolean
}

interface Step {
  readonly config?: { readonly type?: string }
  readonly decoders?: ReadonlyArray<Step>
  decode_chain: (tokens: ReadonlyArray<string>) => ReadonlyArray<string>
}

interface Piece {
  readonly text: string
  readonly token: AddedToken | null
  /** Whether it begins where the whole text does. */
  readonly first: boolean
}

const wordEnd = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]$/u
const wordStart = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d]/u
const space = /^\p{White_Space}$/u
const spacesStart = /^\p{White_Space}*/u

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&")

/** Cuts the tokens of `contents` out of a piece: the leftmost first, the longest of those that begin there. */
const cutter = (contents: ReadonlyMap<string, AddedToken>) => {
  const longest = [...contents.keys()].filter((text) => text !== "").sort((a, b) => b.length - a.length)
  if (longest.length === 0) return (piece: Piece): ReadonlyArray<Piece> => [piece]
  const pattern = new RegExp(longest.map(escape).join("|"), "g")
  return (piece: Piece): ReadonlyArray<Piece> => {
    const { first, text } = piece
    if (piece.token !== null) return [piece]
    const out: Array<Piece> = []
    let done = 0
    const plain = (to: number): void => {
      if (to > done) out.push({ text: text.slice(done, to), token: null, first: first && done === 0 })
    }
    for (const match of text.matchAll(pattern)) {
      const token = contents.get(match[0]) as AddedToken
      let from = match.index
      let to = from + match[0].length
      if (from < done) continue
      // Only the nearest character is looked at: a search from the beginning at every token would take the square of the text.
      const isWithinWord =
        wordEnd.test(text.slice(Math.max(0, from - 2), from)) || wordStart.test(text.slice(to, to + 2))
      if (token.single_word && isWithinWord) continue
      if (token.lstrip) while (from > done && space.test(text[from - 1])) from--
      if (token.rstrip) to += spacesStart.exec(text.slice(to))?.[0].length ?? 0
      plain(from)
      out.push({ text: match[0], token, first: first && from === 0 })
      done = to
    }
    plain(text.length)
    return out
  }
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Bytes as text; where they are not UTF-8, each is a replacement character, as in the tokenizers of transformers. */
const textOf = (bytes: ReadonlyArray<number>): ReadonlyArray<string> => {
  try {
    return [strict.decode(Uint8Array.from(bytes))]
  } catch {
    return bytes.map(() => "\ufffd")
  }
}

const byteFallback = (tokens: ReadonlyArray<string>): ReadonlyArray<string> => {
  const out: Array<string> = []
  let bytes: Array<number> = []
  const flush = (): void => {
    if (bytes.length > 0) out.push(...textOf(bytes))
    bytes = []
  }
  for (const token of tokens) {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)
    if (byte !== null) {
      bytes.push(Number.parseInt(byte[1], 16))
      continue
    }
    flush()
    out.push(token)
  }
  flush()
  return out
}

const mendDecoder = (step: Step): void => {
  if (step.config?.type === "ByteFallback") step.decode_chain = byteFallback
  for (const inner of step.decoders ?? []) mendDecoder(inner)
}

/** A tokenizer of `tokenizer.json` and `tokenizer_config.json`; throws where they cannot be used. @category constructors */
export const make = (json: object, config: object): Tokenizer => {
  const tokenizer = new Tokenizer(json, config)
  const inside = tokenizer as unknown as Inside
  const { model, normalizer, pre_tokenizer } = inside
  const raw = new Map<string, AddedToken>()
  const normalized = new Map<string, AddedToken>()
  for (const token of tokenizer.get_added_tokens_decoder().values()) {
    if (token.normalized) normalized.set(normalizer === null ? token.content : normalizer(token.content), token)
    else raw.set(token.content, token)
  }
  const [cutRaw, cutNormalized] = [cutter(raw), cutter(normalized)]
  inside.encode_text = (text) =>
    text === null
      ? null
      : cutRaw({ text, token: null, first: true })
          .map((piece): Piece =>
            piece.token === null && normalizer !== null
              ? { text: normalizer(piece.text), token: null, first: piece.first }
              : piece,
          )
          .flatMap(cutNormalized)
          .flatMap(({ first, text: part, token }) => {
            if (token !== null) return [token.content]
            if (part === "") return []
            return model(pre_tokenizer === null ? [part] : pre_tokenizer(part, { section_index: first ? 0 : 1 }))
          })
  if (inside.decoder !== null) mendDecoder(inside.decoder)
  return tokenizer
}
