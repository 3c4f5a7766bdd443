/**
 * The tokenizer of a Hugging Face checkpoint: `tokenizer.json` through `@huggingface/tokenizers`, its chat template, and the
 * tokens that end a response (the tokenizer's, and those of `generation_config.json` or, where there is none, of `config.json`).
 *
 * The files are kept as they were read, so that a saved checkpoint has the very same tokenizer. A text is what its tokens spell:
 * `clean_up_tokenization_spaces`, which takes spaces before punctuation out of it, is not followed (nor is it by vLLM).
 *
 * @module
 */
import { join } from "node:path"
import type { Problem } from "@lpo/rollout"
import { Effect } from "effect"
import * as Bounded from "./Bounded.ts"
import * as ChatTemplate from "./ChatTemplate.ts"
import { readJson, readText } from "../Files.ts"
import type { TokenizerService } from "./Tokenizer.ts"
import * as EncoderProcess from "./EncoderProcess.ts"
import * as TokenBytes from "./TokenBytes.ts"
import * as Upstream from "./Upstream.ts"
import { ModelError } from "../TransformerError.ts"

/** @category models */
export interface HfTokenizer extends TokenizerService {
  /** Null where the checkpoint has none. */
  readonly chatTemplate: ChatTemplate.ChatTemplate | null
  /** Like `encode`, without the tokens that the tokenizer puts around a text (such as a beginning of text). */
  readonly encodeBare: (text: string) => Effect.Effect<Int32Array, ModelError>
  /** The prompt of a chat: rendered by the template and encoded as it stands. */
  readonly encodeChat: (
    messages: ReadonlyArray<Problem.Message>,
    variables?: Readonly<Record<string, unknown>>,
  ) => Effect.Effect<Int32Array, ModelError>
  /** The text of every token, special ones too. */
  readonly decodeAll: (tokens: Int32Array) => string
  /** Name and text of the files it was read from. */
  readonly files: ReadonlyMap<string, string>
}

/** Files of a tokenizer that are kept; the first is needed, the others are read where they are. */
const names = [
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
] as const

const textOf = (token: unknown): string | null => {
  if (typeof token === "string") return token
  const content = token !== null && typeof token === "object" ? (token as Record<string, unknown>)["content"] : null
  return typeof content === "string" ? content : null
}

/** Special tokens by their role, as texts. */
const specialTokens = (config: Readonly<Record<string, unknown>>): Record<string, string> => {
  const out: Record<string, string> = {}
  for (const role of ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"]) {
    const text = textOf(config[role])
    if (text !== null) out[role] = text
  }
  return out
}

/** The template in its own file, or in the configuration: a text, or a list of named ones of which `default` counts. */
const templateOf = (file: string | null, config: Readonly<Record<string, unknown>>): string | null => {
  if (file !== null) return file
  const given = config["chat_template"]
  if (typeof given === "string") return given
  if (!Array.isArray(given)) return null
  const named = (given as ReadonlyArray<Record<string, unknown>>).find((entry) => entry["name"] === "default")
  return textOf(named?.["template"])
}

const idsOf = (value: unknown): ReadonlyArray<number> =>
  (Array.isArray(value) ? value : [value]).filter((id): id is number => Number.isInteger(id))

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === "object" && !Array.isArray(value)

/** `tokenizer_config.json` with the special tokens of `special_tokens_map.json`, which transformers reads where the former lists no added tokens. */
const withMap = (
  config: Readonly<Record<string, unknown>>,
  map: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => ("added_tokens_decoder" in config ? config : { ...config, ...map })

/** What `eos_token_id` is to `generate` of transformers: `generation_config.json` counts alone where it is there. */
const generationStops = (
  generation: Readonly<Record<string, unknown>> | null,
  model: Readonly<Record<string, unknown>>,
): ReadonlyArray<number> => {
  if (generation !== null) return idsOf(generation["eos_token_id"])
  const text = model["text_config"]
  return idsOf(model["eos_token_id"] ?? (isObject(text) ? text["eos_token_id"] : null))
}

const withoutSteps = { normalizer: null, pre_tokenizer: null, post_processor: null }

/**
 * Reads the tokenizer of a folder. Its regular expressions and normalisers run where they are asked only where they are known to take
 * time in proportion to a text, else in a process that can be stopped. Fails
 * with a `ModelError` where there is none, where it does not parse, and where nothing says which token ends a response.
 *
 * @category constructors
 */
export const load = Effect.fn("HfTokenizer.load")(function* (folder: string) {
  const fail = (reason: string) => new ModelError({ reason: `${folder}: ${reason}` })
  const files = new Map<string, string>()
  for (const name of names) {
    const text = yield* readText(join(folder, name))
    if (text !== null) files.set(name, text)
  }
  const json = yield* readJson(join(folder, "tokenizer.json"))
  if (json === null) return yield* fail("has no tokenizer.json; convert the tokenizer with transformers first")
  const config = withMap(
    (yield* readJson(join(folder, "tokenizer_config.json"))) ?? {},
    (yield* readJson(join(folder, "special_tokens_map.json"))) ?? {},
  )
  const generation = yield* readJson(join(folder, "generation_config.json"))
  const model = (yield* readJson(join(folder, "config.json"))) ?? {}
  const decoder = Bounded.decoderRefusal(json)
  if (decoder !== null) return yield* fail(`tokenizer.json cannot be used: ${decoder}`)
  const foreign = Bounded.refusal(json)
  const tokenizer = yield* Effect.try({
    // Where encoding runs in a process, its steps do not run here.
    try: () => Upstream.make(foreign === null ? json : { ...json, ...withoutSteps }, config),
    catch: (cause) => fail(`tokenizer.json cannot be used: ${(cause as Error).message}`),
  })
  const special = specialTokens(config)
  const eos = special["eos_token"] === undefined ? undefined : tokenizer.token_to_id(special["eos_token"])
  const stops = [...new Set([...(eos === undefined ? [] : [eos]), ...generationStops(generation, model)])]
  if (stops.length === 0) {
    return yield* fail("does not name a token that ends a response; set eos_token in tokenizer_config.json")
  }
  const source = templateOf(files.get("chat_template.jinja") ?? null, config)
  const chatTemplate = source === null ? null : yield* ChatTemplate.make(source, special)
  const inProcess = EncoderProcess.make({ json, config })
  const encode = (text: string, around: boolean): Effect.Effect<Int32Array, ModelError> => {
    if (text === "" && !around) return Effect.succeed(new Int32Array(0))
    const refused = (cause: unknown): ModelError =>
      fail(`cannot encode ${JSON.stringify(text.slice(0, 200))}: ${(cause as Error).message}`)
    return foreign === null && text.length <= EncoderProcess.maxInline
      ? Effect.try({
          try: () => Int32Array.from(tokenizer.encode(text, { add_special_tokens: around }).ids),
          catch: refused,
        })
      : Effect.mapError(inProcess(text, around), refused)
  }
  // A model's vocabulary may be padded beyond the tokenizer's; as in transformers, what is out there has no text.
  const decode = (tokens: Int32Array, skip: boolean): string => {
    const known = Array.from(tokens).filter((token) => tokenizer.id_to_token(token) !== undefined)
    return known.length === 0
      ? ""
      : tokenizer.decode(known, { skip_special_tokens: skip, clean_up_tokenization_spaces: false })
  }
  const ids = tokenizer.get_vocab(true)
  let largest = 0
  for (const id of ids.values()) largest = Math.max(largest, id)
  const tokenBytes = Effect.suspend(() => {
    const added = [...tokenizer.get_added_tokens_decoder().values()]
    const contents = new Set(added.map(({ content }) => content))
    const hidden = new Set<unknown>(added.filter((token) => token.special).map(({ content }) => content))
    const more = config["additional_special_tokens"]
    if (Array.isArray(more)) for (const text of more) hidden.add(text)
    const found = TokenBytes.make(json, {
      textOf: (token) => tokenizer.id_to_token(token),
      isAdded: (text) => contents.has(text),
      isSpecial: (text) => hidden.has(text),
    })
    if (found !== null) return Effect.succeed(found)
    return Effect.fail(
      fail(`its decoder ${JSON.stringify(json["decoder"] ?? null)} does not say what bytes a token stands for`),
    )
  })
  const service: HfTokenizer = {
    vocabSize: largest + 1,
    stops,
    chatTemplate,
    files,
    encode: (text) => encode(text, true),
    encodeBare: (text) => encode(text, false),
    encodeChat: (messages, variables) =>
      chatTemplate === null
        ? Effect.fail(fail("has no chat template; give the prompt as plain text"))
        : Effect.flatMap(chatTemplate.render(messages, variables), (text) => encode(text, false)),
    encodeTurn: (chat, { text, tokens }, next, variables) =>
      Effect.gen(function* () {
        if (chatTemplate === null) return yield* fail("has no chat template; give the prompt as plain text")
        const before = `${yield* chatTemplate.render(chat, variables)}${text}`
        const whole = yield* chatTemplate.render([...chat, { role: "assistant", content: text }, ...next], variables)
        if (!whole.startsWith(before)) return null
        const between = yield* encode(whole.slice(before.length), false)
        // The template writes the end of the answer, which the policy has sampled already.
        const ended = stops.includes(tokens[tokens.length - 1]) && between[0] === tokens[tokens.length - 1]
        return ended ? between.subarray(1) : between
      }),
    tokenBytes,
    decode: (tokens) => decode(tokens, true),
    decodeAll: (tokens) => decode(tokens, false),
  }
  return service
})
