/** Prompts as a model sees them: the text that its chat template makes, and its tokens. */
import type { Problem } from "@lpo/rollout"
import { Checkpoint, HfTokenizer, type Hub } from "@lpo/transformer"
import { Effect } from "effect"
import * as Model from "../Model.ts"

/** A tokenizer needs no weights. */
const files =
  /^(config|generation_config|preprocessor_config|tokenizer.*|special_tokens_map|added_tokens|vocab)\.json$|^merges\.txt$|\.jinja$/

/** The tokenizer of a folder, or of a name on the hub, and its folder; weights are not downloaded. */
export const open = Effect.fn("Tokens.open")(function* (
  source: string,
  revision: string | null,
  onProgress?: (progress: Hub.Progress) => void,
) {
  const folder = yield* Checkpoint.locate(source, {
    only: files,
    ...(revision === null ? {} : { revision }),
    ...(onProgress === undefined ? {} : { onProgress }),
  })
  return { folder, tokenizer: yield* HfTokenizer.load(folder) }
})

/** The tokenizer of a `--model`. */
export const load = Effect.fn("Tokens.load")(function* (model: string) {
  const { revision, source } = yield* Model.parse(model)
  return (yield* open(source, revision)).tokenizer
})

/** The tokens of a prompt, rendered with these variables of the template. */
export const encode = (
  { encode, encodeChat }: HfTokenizer.HfTokenizer,
  prompt: Problem.Problem["prompt"],
  template: Model.Template = {},
) => (typeof prompt === "string" ? encode(prompt) : encodeChat(prompt, template))
