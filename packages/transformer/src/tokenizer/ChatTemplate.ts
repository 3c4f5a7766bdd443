/**
 * Chat templates: the Jinja template of a checkpoint turns messages into the text that the model was trained to continue. Only
 * the prompt is rendered; what the model then samples is kept as tokens and never rendered again.
 */
import type { Problem } from "@lpo/rollout"
import { Effect } from "effect"
import { ModelError } from "../TransformerError.ts"
import * as Guard from "./Guard.ts"
import * as Template from "./jinja/Template.ts"
import * as Strftime from "./Strftime.ts"

/** @category models */
export interface ChatTemplate {
  /** The template as it is in the checkpoint. */
  readonly source: string
  /**
   * The text of a chat, with the beginning of the answer; `variables` are those of the template, such as `enable_thinking` and
   * `tools`, and `date`, the day of `strftime_now` as `2026-11-28` or `2026-11-28T09:30`, by default when it was read. Fails
   * with a `ModelError` where the template raises an exception, or on an image.
   */
  readonly render: (
    messages: ReadonlyArray<Problem.Message>,
    variables?: Readonly<Record<string, unknown>>,
  ) => Effect.Effect<string, ModelError>
}

/** Text of a message, or null where it has an image: the families here read text. */
const textOf = ({ content }: Problem.Message): string | null => {
  if (typeof content === "string") return content
  const texts = content.map((part) => (part.type === "text" ? part.text : null))
  return texts.includes(null) ? null : texts.join("")
}

/** Compiles a template; `special` are the texts of special tokens that it may use, such as `bos_token`. @category constructors */
export const make = (
  source: string,
  special: Readonly<Record<string, string>>,
): Effect.Effect<ChatTemplate, ModelError> =>
  Effect.try({
    try: (): ChatTemplate => {
      if (source.length > Guard.maxLength.source)
        throw new RangeError(`it has ${source.length} characters, the most is ${Guard.maxLength.source}`)
      // Only whether it parses: what it does is seen in a process that can be stopped.
      Template.compile(source)
      // Fixed when the template is read, so that a run does not change with the day.
      const started = Strftime.localDate(new Date())
      return {
        source,
        render: (messages, variables = {}) =>
          Effect.gen(function* () {
            const plain = messages.map((message) => ({ role: message.role, content: textOf(message) }))
            if (plain.some(({ content }) => content === null))
              return yield* new ModelError({ reason: "the chat has an image; this model reads text" })
            const { date = started, ...rest } = variables
            const values = { ...special, add_generation_prompt: true, ...rest, messages: plain }
            return yield* Guard.render(source, values, String(date))
          }),
      }
    },
    catch: (cause) => new ModelError({ reason: `the chat template does not parse: ${(cause as Error).message}` }),
  })
