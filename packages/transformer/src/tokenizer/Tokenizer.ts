/**
 * Text to tokens and back. The word tokenizer has a closed vocabulary of words: text splits at white space and around the
 * vocabulary's punctuation; decoding joins words by single spaces.
 *
 * @module
 */
import type { Problem, Sampler } from "@lpo/rollout"
import { SamplerError } from "@lpo/rollout/RolloutError"
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
  /** Names and texts of the files of a checkpoint from which `HfTokenizer` reads the same tokenizer, where there are such. */
  readonly files?: ReadonlyMap<string, string>
  /** The bytes that `decode` makes of each token; fails with a `ModelError` where a token's text depends on its neighbours. */
  readonly tokenBytes: Effect.Effect<TokenBytes, ModelError>
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")

/** The text of the token that ends a response, in files; no word of a text. */
const end = "[EOS]"

/** The files of a word tokenizer: where a text has a word that is none, they end it there. */
const wordFiles = (vocabulary: ReadonlyArray<string>, split: string): ReadonlyMap<string, string> => {
  const special = { id: vocabulary.length, content: end, single_word: false, lstrip: false, rstrip: false }
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [{ ...special, normalized: false, special: true }],
    normalizer: null,
    pre_tokenizer: { type: "Split", pattern: { Regex: split }, behavior: "Removed", invert: true },
    post_processor: null,
    decoder: { type: "WordPiece", prefix: "##", cleanup: false },
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries([...vocabulary, end].map((word, id) => [word, id])),
      unk_token: end,
    },
  }
  const config = { tokenizer_class: "PreTrainedTokenizerFast", eos_token: end, clean_up_tokenization_spaces: false }
  return new Map([
    ["tokenizer.json", `${JSON.stringify(tokenizer, null, 2)}\n`],
    ["tokenizer_config.json", `${JSON.stringify(config, null, 2)}\n`],
  ])
}

/** A tokenizer of these words; the token that ends a response is added as the last id. @category constructors */
export const words = (vocabulary: ReadonlyArray<string>): TokenizerService => {
  const ids = new Map(vocabulary.map((word, id) => [word, id]))
  const stop = vocabulary.length
  const symbols = vocabulary.filter((w) => !/^\w+$/.test(w)).sort((a, b) => b.length - a.length)
  const pattern = [...symbols.map(escape), "\\w+", "\\S"].join("|")
  const split = new RegExp(pattern, "g")
  return {
    vocabSize: vocabulary.length + 1,
    stops: [stop],
    files: wordFiles(vocabulary, pattern),
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
      isByte: () => false,
    }),
  }
}

/**
 * The tokenizer's part in episodes of several turns, for any sampler of its model; `variables` are those of the chat template.
 *
 * @category combinators
 */
export const turns = (
  tokenizer: Pick<TokenizerService, "encode" | "encodeBare" | "encodeChat" | "encodeTurn">,
  variables?: Readonly<Record<string, unknown>>,
): Sampler.TurnTokens => {
  const { encode, encodeBare, encodeChat, encodeTurn } = tokenizer
  const fail = (reason: string) => new SamplerError({ problem: null, reason, retryable: false })
  const noChat = Effect.fail(fail("has chat messages; this model takes plain text prompts"))
  const failed = ({ message }: { readonly message: string }) => fail(message)
  return {
    encode: (prompt) =>
      typeof prompt === "string"
        ? Effect.mapError(encode(prompt), failed)
        : encodeChat === undefined
          ? noChat
          : Effect.mapError(encodeChat(prompt, variables), failed),
    encodeText: (text) => Effect.mapError((encodeBare ?? encode)(text), failed),
    between: (chat, answer, next) =>
      encodeTurn === undefined ? noChat : Effect.mapError(encodeTurn(chat, answer, next, variables), failed),
  }
}
