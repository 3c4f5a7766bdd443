/** Prompts as a model sees them: the text that its chat template makes, and its tokens. */
import type { Problem } from "@lpo/rollout"
import { Checkpoint, HfTokenizer } from "@lpo/transformer"
import { Effect } from "effect"
import * as Model from "../Model.ts"

const files =
  /^(config|generation_config|tokenizer.*|special_tokens_map|added_tokens|vocab)\.json$|^merges\.txt$|\.jinja$/

/** The tokenizer of a folder, or of a name on the hub; weights stay where they are. */
export const load = Effect.fn("Tokens.load")(function* (model: string) {
  const { revision, source } = yield* Model.parse(model)
  return yield* HfTokenizer.load(
    yield* Checkpoint.locate(source, { only: files, ...(revision === null ? {} : { revision }) }),
  )
})

/** The tokens of a prompt. */
export const encode = ({ encode, encodeChat }: HfTokenizer.HfTokenizer, prompt: Problem.Problem["prompt"]) =>
  typeof prompt === "string" ? encode(prompt) : encodeChat(prompt)
