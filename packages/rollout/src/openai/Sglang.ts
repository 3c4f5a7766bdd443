/**
 * SGLang's native route `/generate`, which takes and gives token ids with their log-probs, and its LoRA routes.
 *
 * Whether its log-probs are taken before or after temperature is not documented, so other temperatures than 1 are refused.
 */
import { Schema } from "effect"
import * as Received from "../Received.ts"
import type { Answer, Choice, Law, Lost } from "./Vllm.ts"

const Generated = Schema.Struct({
  text: Schema.optional(Schema.String),
  output_ids: Schema.optional(Received.Numbers),
  meta_info: Schema.Struct({
    finish_reason: Schema.NullOr(
      // `matched` is the token or the text that ended it.
      Schema.Struct({ type: Schema.String, matched: Schema.optional(Schema.Unknown) }),
    ),
    weight_version: Schema.optional(Schema.NullOr(Schema.String)),
    output_token_logprobs: Schema.optional(Schema.Array(Schema.Array(Schema.Unknown))),
  }),
})

/** One object for one completion, a list for several. @category schemas */
export const GenerateAnswer = Schema.Union([Generated, Schema.Array(Generated)])

/** Body of `/generate`; `adapter` is the LoRA adapter's name, null for the base model. @category requests */
export const generateBody = (adapter: string | null, prompt: Int32Array, law: Law, n: number, seed: number) => ({
  input_ids: Array.from(prompt),
  return_logprob: true,
  logprob_start_len: -1,
  stream: false,
  ...(adapter !== null && { lora_path: adapter }),
  sampling_params: {
    n,
    max_new_tokens: law.maxTokens,
    temperature: law.temperature,
    top_p: law.topP,
    top_k: law.topK === 0 ? -1 : law.topK,
    min_p: law.minP,
    repetition_penalty: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    stop_token_ids: law.stops,
    ...(law.stopStrings.length > 0 && { stop: law.stopStrings }),
    skip_special_tokens: false,
    sampling_seed: seed,
  },
})

/** A number of `output_token_logprobs`, whose entries are [log-prob, token id, ...]; null where there is none. */
const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null)

/** Reads an answer of `/generate`; a string says why the server cannot be used. @category answers */
export const readGenerate = (
  answer: typeof GenerateAnswer.Type,
  asked: { readonly prompt: Int32Array; readonly n: number; readonly maxTokens: number },
): Answer | string => {
  const all = Array.isArray(answer)
    ? (answer as ReadonlyArray<typeof Generated.Type>)
    : [answer as typeof Generated.Type]
  if (all.length !== asked.n) return `the answer has ${all.length} completions, where ${asked.n} were asked for`
  const choices: Array<Choice> = []
  const lost: Array<Lost> = []
  for (const [index, { meta_info, output_ids, text }] of all.entries()) {
    const finish = meta_info.finish_reason?.type
    if (finish !== "stop" && finish !== "length") {
      lost.push({ index, reason: `finish_reason is ${JSON.stringify(finish ?? null)}` })
      continue
    }
    if (meta_info.output_token_logprobs === undefined)
      return "the answer has no output_token_logprobs; use SGLang 0.5 or later"
    const pairs = meta_info.output_token_logprobs
    const ids = pairs.map((pair) => numberOf(pair[1]))
    if (output_ids !== undefined && !(output_ids.length === ids.length && output_ids.every((v, i) => v === ids[i])))
      return `completion ${index} has ${output_ids.length} output_ids that differ from the ${ids.length} tokens of its log-probs`
    const logprobs = pairs.map((pair) => numberOf(pair[0]))
    const checked = Received.completion(ids, logprobs, asked.maxTokens)
    if (typeof checked === "string") {
      lost.push({ index, reason: checked })
      continue
    }
    const ended = meta_info.finish_reason?.matched
    choices.push({ index, ...checked, text: (text ?? "") + (typeof ended === "string" ? ended : ""), finish })
  }
  return { choices, lost, prompt: asked.prompt }
}
