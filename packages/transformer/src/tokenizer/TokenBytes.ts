/**
 * How a tokenizer's `decode` makes a text: the bytes of the tokens, one after the other, read as UTF-8. A character may lie in
 * several tokens, and a token may end within one. With the bytes of every token a text can be searched as it grows, without a
 * tokenizer.
 *
 * Of the decoders of `tokenizer.json`, the two that Llama, Mistral and Qwen models use have this form: `ByteLevel`, where every
 * character of a token stands for a byte, and SentencePiece's, where U+2581 stands for a space and `<0x0A>` for a byte. So has none
 * at all, which joins tokens by spaces. The others are refused by name.
 */

/** @category models */
export interface TokenBytes {
  /** The bytes of a token; none where `decode` leaves it out. */
  readonly of: (token: number) => Uint8Array
  /** Whether `decode` leaves out a space at the very beginning of a text. */
  readonly dropsFirstSpace: boolean
  /**
   * Whether a token is written as a byte (`<0x0A>`). A run of such tokens that is not UTF-8 is a replacement character for every
   * byte, also for those that are characters by themselves.
   */
  readonly isByte: (token: number) => boolean
}

/** What is needed of a tokenizer. */
interface Vocabulary {
  /** A token as the vocabulary writes it, or undefined where there is none. */
  readonly textOf: (token: number) => string | undefined
  /** Whether a token was added to the vocabulary, so that its text stands for itself. */
  readonly isAdded: (text: string) => boolean
  readonly isSpecial: (text: string) => boolean
}

const encoder = new TextEncoder()
const none = new Uint8Array(0)

/** Printable characters of Latin-1 stand for their own bytes, and the characters from U+0100 on for the others in their order. */
const byteOf = ((): Uint8Array => {
  const own = (byte: number): boolean => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173)
  const out = new Uint8Array(512)
  let others = 256
  for (let byte = 0; byte < 256; byte++) out[own(byte) ? byte : others++] = byte
  return out
})()

const byteLevel = (text: string): Uint8Array => {
  const out = new Uint8Array(text.length)
  for (let i = 0; i < out.length; i++) out[i] = byteOf[text.charCodeAt(i)] ?? 0
  return out
}

type Step = Readonly<Record<string, unknown>>

const stepsOf = (decoder: unknown): ReadonlyArray<Step> => {
  const { decoders, type } = (decoder ?? {}) as Step
  return type === "Sequence" && Array.isArray(decoders) ? (decoders as ReadonlyArray<Step>) : [(decoder ?? {}) as Step]
}

/** The replacement of SentencePiece's steps, where they are these: Replace, ByteFallback, Fuse, and at most a space stripped. */
const sentencePiece = (steps: ReadonlyArray<Step>) => {
  const [replace, fallback, fuse, strip, ...more] = steps
  const from = (replace?.["pattern"] as Step | undefined)?.["String"]
  const to = replace?.["content"]
  if (replace?.["type"] !== "Replace" || typeof from !== "string" || typeof to !== "string") return null
  if (fallback?.["type"] !== "ByteFallback" || fuse?.["type"] !== "Fuse" || more.length > 0) return null
  if (strip === undefined) return { from, to, dropsFirstSpace: false }
  const plain = strip["type"] === "Strip" && strip["content"] === " " && strip["stop"] === 0
  return plain && (strip["start"] === 0 || strip["start"] === 1)
    ? { from, to, dropsFirstSpace: strip["start"] === 1 }
    : null
}

/**
 * The bytes of a `tokenizer.json`'s tokens as its decoder makes them, special tokens left out; null where the decoder is another.
 *
 * @category constructors
 */
export const make = (
  { decoder, model }: { readonly decoder?: unknown; readonly model?: unknown },
  { isAdded, isSpecial, textOf }: Vocabulary,
): TokenBytes | null => {
  if (((model ?? {}) as Step)["end_of_word_suffix"]) return null
  const steps = stepsOf(decoder)
  const written = (text: string): RegExpExecArray | null => /^<0x([0-9A-Fa-f]{2})>$/.exec(text)
  const bytes = (
    dropsFirstSpace: boolean,
    of: (text: string) => Uint8Array,
    isByte: TokenBytes["isByte"] = () => false,
  ): TokenBytes => ({
    dropsFirstSpace,
    isByte,
    of: (token) => {
      const text = textOf(token)
      return text === undefined || isSpecial(text) ? none : of(text)
    },
  })
  if (steps.length === 1 && steps[0]["type"] === "ByteLevel")
    return bytes(false, (text) => (isAdded(text) ? encoder.encode(text) : byteLevel(text)))
  if (decoder === null || decoder === undefined) return bytes(true, (text) => encoder.encode(` ${text}`))
  const found = sentencePiece(steps)
  if (found === null) return null
  return bytes(
    found.dropsFirstSpace,
    (text) => {
      const byte = written(text)
      return byte === null
        ? encoder.encode(text.replaceAll(found.from, found.to))
        : Uint8Array.of(Number.parseInt(byte[1], 16))
    },
    (token) => written(textOf(token) ?? "") !== null,
  )
}
