/**
 * vLLM's OpenAI-compatible routes: `/v1/completions` for token prompts, `/v1/chat/completions` where a prompt has images,
 * `/tokenize`, and the loading of LoRA adapters at run time.
 *
 * Tokens go in and tokens come out: an answer without token ids is refused, because text tokenised a second time may give
 * other tokens than the policy sampled. Every sampling field is sent every time, so that no default of the model's
 * `generation_config.json` changes what is sampled.
 */
import type { Message, Part } from "../Problem.ts"
import * as Received from "../Received.ts"
import type { SamplingParams } from "../SamplingParams.ts"
import { Schema } from "effect"

/** What is sampled. @category models */
export interface Law extends SamplingParams {
  /** Tokens that end a response, besides the model's own. */
  readonly stops: ReadonlyArray<number>
}

/** One completion of an answer. @category models */
export interface Choice {
  readonly index: number
  readonly tokens: Int32Array
  readonly logprobs: Float32Array
  readonly text: string
  readonly finish: "stop" | "length"
}

/** A completion that must be asked for again, and why. @category models */
export interface Lost {
  readonly index: number
  readonly reason: string
}

/** @category models */
export interface Answer {
  readonly choices: ReadonlyArray<Choice>
  readonly lost: ReadonlyArray<Lost>
  /** The prompt as the server saw it; null where it does not say. */
  readonly prompt: Int32Array | null
}

const Ids = Received.Numbers
const Finish = Schema.NullOr(Schema.String)
/** The token or the text that ended a completion; null where it was the model's own end token. */
const StopReason = Schema.optional(Schema.NullOr(Schema.Union([Schema.Int, Schema.String])))

const CompletionAnswer = Schema.Struct({
  model: Schema.String,
  choices: Schema.Array(
    Schema.Struct({
      index: Schema.Int,
      text: Schema.String,
      finish_reason: Finish,
      stop_reason: StopReason,
      token_ids: Schema.optional(Schema.NullOr(Ids)),
      prompt_token_ids: Schema.optional(Schema.NullOr(Ids)),
      logprobs: Schema.NullOr(
        Schema.Struct({
          token_logprobs: Received.Numbers,
          top_logprobs: Schema.optional(
            Schema.NullOr(Schema.Array(Schema.NullOr(Schema.Record(Schema.String, Schema.NullOr(Schema.Number))))),
          ),
        }),
      ),
    }),
  ),
})

const ChatAnswer = Schema.Struct({
  model: Schema.String,
  prompt_token_ids: Schema.optional(Schema.NullOr(Ids)),
  choices: Schema.Array(
    Schema.Struct({
      index: Schema.Int,
      message: Schema.Struct({ content: Schema.optional(Schema.NullOr(Schema.String)) }),
      finish_reason: Finish,
      stop_reason: StopReason,
      token_ids: Schema.optional(Schema.NullOr(Ids)),
      logprobs: Schema.NullOr(
        Schema.Struct({
          content: Schema.NullOr(Schema.Array(Schema.Struct({ logprob: Schema.NullOr(Schema.Number) }))),
        }),
      ),
    }),
  ),
})

const Models = Schema.Struct({
  data: Schema.Array(Schema.Struct({ id: Schema.String, max_model_len: Schema.optional(Schema.NullOr(Schema.Int)) })),
})

/** @category schemas */
export const answers = {
  completion: CompletionAnswer,
  chat: ChatAnswer,
  tokens: Schema.Struct({ tokens: Ids }),
  models: Models,
}

const sampling = (law: Law, n: number, seed: number) => ({
  n,
  seed,
  temperature: law.temperature,
  top_p: law.topP,
  top_k: law.topK,
  min_p: law.minP,
  repetition_penalty: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  stop_token_ids: law.stops,
  stop: law.stopStrings,
  skip_special_tokens: false,
  return_token_ids: true,
})

/** Body of `/v1/completions`: `n` completions of a token prompt; sample i draws with `seed + i`. @category requests */
export const completionBody = (model: string, prompt: Int32Array, law: Law, n: number, seed: number) => ({
  model,
  prompt: [Array.from(prompt)],
  max_tokens: law.maxTokens,
  // 0 alternatives: the log-prob of the sampled token alone.
  logprobs: 0,
  ...sampling(law, n, seed),
})

const chatPart = (part: Part) =>
  part.type === "text"
    ? { type: "text", text: part.text }
    : {
        type: "image_url",
        image_url: { url: `data:image/${part.format};base64,${Buffer.from(part.data).toString("base64")}` },
      }

/** Chat messages as the OpenAI protocol writes them, images as data URLs. @category requests */
export const chatMessages = (messages: ReadonlyArray<Message>) =>
  messages.map(({ content, role }) => ({
    role,
    content: typeof content === "string" ? content : content.map(chatPart),
  }))

/** Variables of the model's chat template. @category models */
export type Template = Readonly<Record<string, unknown>>

const withTemplate = (template: Template) =>
  Object.keys(template).length === 0 ? {} : { chat_template_kwargs: template }

/** Body of `/v1/chat/completions`, for prompts with images, which `/v1/completions` does not take. @category requests */
export const chatBody = (
  model: string,
  messages: ReadonlyArray<Message>,
  law: Law,
  n: number,
  seed: number,
  template: Template = {},
) => ({
  model,
  messages: chatMessages(messages),
  ...withTemplate(template),
  max_completion_tokens: law.maxTokens,
  logprobs: true,
  top_logprobs: 0,
  ...sampling(law, n, seed),
})

/** Body of `/tokenize`. Text is taken as it is; messages go through the model's chat template. @category requests */
export const tokenizeBody = (model: string, prompt: string | ReadonlyArray<Message>, template: Template = {}) =>
  typeof prompt === "string"
    ? { model, prompt, add_special_tokens: true }
    : { model, messages: chatMessages(prompt), add_generation_prompt: true, ...withTemplate(template) }

const withoutIds =
  "the answer has no token_ids, so what was sampled is not known exactly; use vLLM 0.10.2 or later, without a proxy that drops the field"

/** What was asked for. @category models */
export interface Asked {
  readonly model: string
  readonly n: number
  readonly maxTokens: number
  readonly stopStrings: ReadonlyArray<string>
}

interface RawChoice {
  readonly index: number
  /** Without the text that ended it. */
  readonly text: string
  readonly ended: number | string | null | undefined
  readonly finish: string | null
  readonly ids: Received.Numbers | null
  readonly logprobs: Received.Numbers | null
}

/**
 * Checks an answer of `n` choices for one prompt against what was asked and sorts it. Gives a reason where the server
 * cannot be used at all; a choice that was aborted is `lost` and can be asked for again.
 */
const check = (
  raw: ReadonlyArray<RawChoice>,
  { maxTokens, n, stopStrings }: Asked,
): { choices: Array<Choice>; lost: Array<Lost> } | string => {
  const indices = raw.map((c) => c.index).sort((a, b) => a - b)
  if (indices.length !== n || indices.some((v, i) => v !== i))
    return `the answer has choices ${JSON.stringify(indices)}, where ${n} were asked for`
  const choices: Array<Choice> = []
  const lost: Array<Lost> = []
  for (const { ended, finish, ids, index, logprobs, text } of raw) {
    if (finish !== "stop" && finish !== "length") {
      lost.push({ index, reason: `finish_reason is ${JSON.stringify(finish)}` })
      continue
    }
    if (ids === null) return withoutIds
    if (finish === "stop" && stopStrings.length > 0 && ended === undefined)
      return `completion ${index} has no stop_reason, so whether a stop string ended it is not known; leave stopStrings out`
    const checked = Received.completion(ids, logprobs, maxTokens)
    if (typeof checked === "string") lost.push({ index, reason: checked })
    else choices.push({ index, ...checked, text: typeof ended === "string" ? text + ended : text, finish })
  }
  return { choices: choices.sort((a, b) => a.index - b.index), lost }
}

const same = (a: Received.Numbers, b: Received.Numbers): boolean =>
  a.length === b.length && Array.prototype.every.call(a, (v, i) => v === b[i])

/** Reads an answer of `/v1/completions`; a string says why the server cannot be used. @category answers */
export const readCompletion = (
  answer: typeof CompletionAnswer.Type,
  asked: Asked & { readonly prompt: Int32Array },
): Answer | string => {
  if (answer.model !== asked.model) return `model "${answer.model}" answered, where "${asked.model}" was asked`
  const prompt = answer.choices[0]?.prompt_token_ids ?? null
  if (prompt !== null && !same(prompt, asked.prompt))
    return `the server saw ${prompt.length} prompt tokens [${prompt.slice(0, 8).join(", ")}, ...], not the ${asked.prompt.length} that were sent`
  const raw = answer.choices.map((c) => ({
    index: c.index,
    text: c.text,
    ended: c.stop_reason,
    finish: c.finish_reason,
    ids: c.token_ids ?? null,
    logprobs: c.logprobs?.token_logprobs ?? null,
  }))
  const checked = check(raw, asked)
  return typeof checked === "string" ? checked : { ...checked, prompt: asked.prompt }
}

/** Reads an answer of `/v1/chat/completions`. @category answers */
export const readChat = (answer: typeof ChatAnswer.Type, asked: Asked): Answer | string => {
  if (answer.model !== asked.model) return `model "${answer.model}" answered, where "${asked.model}" was asked`
  const prompt = answer.prompt_token_ids ?? null
  if (prompt === null) return withoutIds
  const raw = answer.choices.map((c) => ({
    index: c.index,
    text: c.message.content ?? "",
    ended: c.stop_reason,
    finish: c.finish_reason,
    ids: c.token_ids ?? null,
    logprobs: c.logprobs?.content?.map(({ logprob }) => logprob) ?? null,
  }))
  const refusal = Received.tokensRefusal(prompt)
  if (refusal !== null) return `the prompt as the server saw it: ${refusal}`
  const checked = check(raw, asked)
  return typeof checked === "string"
    ? checked
    : { ...checked, prompt: Int32Array.from(prompt as ReadonlyArray<number>) }
}
