/**
 * Chats with images, for servers that show them to the model: the template writes a mark for each, which its file then replaces.
 */
import { join } from "node:path"
import { type Problem, RegularFile } from "@lpo/rollout"
import { Datum, ImagePrompt } from "@lpo/tinker"
import type { HfTokenizer } from "@lpo/transformer"
import { Effect, Result } from "effect"
import * as Tokens from "../data/Tokens.ts"
import type * as Model from "../Model.ts"
import { EngineError } from "./Engine.ts"

const fail = (reason: string) => new EngineError({ engine: "tinker", reason })

type Json = Readonly<Record<string, unknown>>

/** A JSON file of the checkpoint; null if there is none. */
const read = Effect.fn("images.read")(function* (folder: string, name: string) {
  const path = join(folder, name)
  return yield* Effect.tryPromise({
    try: async () => JSON.parse((await RegularFile.bytes(path, RegularFile.maxTextBytes)).toString()) as Json,
    catch: (cause) => ({ cause: cause as NodeJS.ErrnoException }),
  }).pipe(
    Effect.catch(({ cause }) =>
      cause.code === "ENOENT" ? Effect.succeed(null) : Effect.fail(fail(`${path}: cannot be read (${cause.message})`)),
    ),
  )
})

const imagesOf = (prompt: Problem.Prompt): ReadonlyArray<ImagePrompt.Image> =>
  typeof prompt === "string"
    ? []
    : prompt.flatMap(({ content }) =>
        typeof content === "string" ? [] : content.filter((part) => part.type === "image"),
      )

/**
 * Prompts as chunks, with the model's chat template and its way of reading images; `profile` is the server's, for one that shows no
 * images.
 */
export const renderer = (options: {
  readonly folder: string
  readonly tokenizer: HfTokenizer.HfTokenizer
  readonly template: Model.Template | undefined
  /** Why the server cannot show images to the model; null if it can. */
  readonly refusal: string | null
}) =>
  Effect.gen(function* () {
    const { folder, refusal, template, tokenizer } = options
    const opened = yield* Effect.cached(
      Effect.gen(function* () {
        const config = (yield* read(folder, "config.json")) ?? {}
        const reader = ImagePrompt.reader(config, yield* read(folder, "preprocessor_config.json"))
        return Result.isSuccess(reader)
          ? reader.success
          : yield* fail(`${folder} cannot read images: ${reader.failure}`)
      }),
    )
    return ({ prompt }: Pick<Problem.Problem, "prompt">) =>
      Effect.gen(function* () {
        const images = imagesOf(prompt)
        if (images.length === 0 || typeof prompt === "string")
          return Datum.text(yield* Tokens.encode(tokenizer, prompt, template))
        if (refusal !== null) return yield* fail(refusal)
        const reader = yield* opened
        const mark = tokenizer.decodeAll(Int32Array.from(reader.tokens))
        const marked = prompt.map(({ content, role }) => ({
          role,
          content:
            typeof content === "string"
              ? content
              : content.map((part) => (part.type === "text" ? part.text : mark)).join(""),
        }))
        const tokens = yield* tokenizer.encodeChat(marked, template)
        const input = ImagePrompt.input(reader, tokens, images)
        return Result.isSuccess(input) ? input.success : yield* fail(input.failure)
      })
  })
