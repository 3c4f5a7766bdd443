/**
 * Text to tokens and back. The word tokenizer has a closed vocabulary of words: text splits at white space and around the
 * vocabulary's punctuation; decoding joins words by single spaces.
 *
 * @module
 */
import type { Problem } from "@lpo/rollout"
import { Effect } from "effect"
import type { TokenBytes } from "./TokenBytes.ts"
import { ModelError } from "../TransformerError.ts"

/** @category models */
export interface TokenizerService {
  readonly vocabSize: number
  /** The tokens that end a response, one or more; the first is the one to end a response with. */
  readonly stops: ReadonlyArray<number>
  /** Fails with a `ModelError` on text outside the vocabulary. */
  readonly encode: (text: string) => Effect.Effect<Int32Array, ModelError>
  /** The prompt of a chat, with the beginning of the answer; absent where the tokenizer knows no chats. `variables` are the template's. */
  readonly encodeChat?: (
    messages: ReadonlyArray<Problem.Message>,
    variables?: Readonly<Record<string, unknown>>,
  ) => Effect.Effect<Int32Array, ModelError>
  /** The tokens of a text in the middle of others, where `encode` puts more around a text. */
  readonly encodeBare?: (text: string) => Effect.Effect<Int32Array, ModelError>
  /**
   * The tokens from the end of an answer to the beginning of the next, where the tokenizer knows chats: `chat` are the messages up to
   * the answer, `next` those after it. Null where the template changes what stands before.
   */
  readonly encodeTurn?: (
    chat: ReadonlyArray<Problem.Message>,
    answer: { readonly text: string; readonly tokens: Int32Array },
    next: ReadonlyArray<Problem.Message>,
    variables?: Readonly<Record<string, unknown>>,
  ) => Effect.Effect<Int32Array | null, ModelError>
  /** Total: ids without a word become `<id>`. Special tokens, such as the word tokenizer's stop token, are left out. */
  readonly decode: (tokens: Int32Array) => string
  /** The bytes that `decode` makes of each token; fails with a `ModelError` where a token's text depends on its neighbours. */
  readonly tokenBytes: Effect.Effect<TokenBytes, ModelError>
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&")

/** A tokenizer of these words; the token that ends a response is added as the last id. @category constructors */
export const words = (vocabulary: ReadonlyArray<string>): TokenizerService => {
  const ids = new Map(vocabulary.map((word, id) => [word, id]))
  const stop = vocabulary.length
  const symbols = vocabulary.filter((w) => !/^\w+$/.test(w)).sort((a, b) => b.length - a.length)
  const split = new RegExp([...symbols.map(escape), "\\w+", "\\S"].join("|"), "g")
  return {
    vocabSize: vocabulary.length + 1,
    stops: [stop],
    encode: (text) =>
      Effect.gen(function* () {
        const out: Array<number> = []
        for (const word of text.match(split) ?? []) {
          const id = ids.get(word)
          if (id === undefined)
            return yield* new ModelError({ reason: `"${word}" in "${text}" is not in the tokenizer's vocabulary` })
          out.push(id)
        }
        return Int32Array.from(out)
      }),
    decode: (tokens) =>
      Array.from(tokens)
        .filter((t) => t !== stop)
        .map((t) => vocabulary[t] ?? `<${t}>`)
        .join(" "),
    tokenBytes: Effect.succeed({
      of: (token) => new TextEncoder().encode(token === stop ? "" : ` ${vocabulary[token] ?? `<${token}>`}`),
      dropsFirstSpace: true,
    }),
  }
}
