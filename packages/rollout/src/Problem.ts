/**
 * A problem: what is asked of the policy and what the verifier needs to judge an answer.
 *
 * A prompt is plain text or a list of chat messages; a sampler turns it into tokens. Those tokens travel with the
 * group (`Group.promptTokens`), so that nothing downstream ever tokenises a prompt a second time.
 *
 * @module
 */
import { Schema } from "effect"
import { Bytes } from "./internal/TypedArray.ts"

/** A piece of a chat message: text, or an image as the bytes of its file (base64 in JSON). @category models */
export const Part = Schema.Union([
  Schema.Struct({ type: Schema.Literal("text"), text: Schema.String }),
  Schema.Struct({ type: Schema.Literal("image"), format: Schema.Literals(["png", "jpeg"]), data: Bytes }),
])
/** @category models */
export type Part = typeof Part.Type

/** One chat message. @category models */
export const Message = Schema.Struct({
  role: Schema.Literals(["system", "user", "assistant"]),
  content: Schema.Union([Schema.String, Schema.Array(Part)]),
})
/** @category models */
export type Message = typeof Message.Type

/** Plain text to continue, or a chat. @category models */
export const Prompt = Schema.Union([Schema.String, Schema.Array(Message)])
/** @category models */
export type Prompt = typeof Prompt.Type

/**
 * A problem of a dataset. `id` is unique within its dataset and names the problem's random streams; `task` names the
 * verifier that judges it; `answer` is that verifier's ground truth (the verifier decodes it with its own schema).
 *
 * @category models
 */
export const Problem = Schema.Struct({
  id: Schema.NonEmptyString,
  task: Schema.NonEmptyString,
  prompt: Prompt,
  answer: Schema.Unknown,
  meta: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
})
/** @category models */
export interface Problem extends Schema.Schema.Type<typeof Problem> {}
