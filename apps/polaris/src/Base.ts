/**
 * base.json and trained.json: the evaluations before and after training, their settings, and a checksum, because resumes and
 * comparisons rely on them.
 */
import { createHash } from "node:crypto"
import * as Evaluator from "@lpo/eval/Evaluator"
import { Effect, Schema } from "effect"
import * as Settings from "./Settings.ts"

/** @category models */
export const Base = Schema.Struct({
  ...Evaluator.Evaluation.fields,
  asked: Settings.Evaluation,
  seconds: Schema.Finite,
})
/** @category models */
export interface Base extends Schema.Schema.Type<typeof Base> {}

export const file = "base.json"
export const trainedFile = "trained.json"

/** The file's text. */
export const write = (base: Base): string => {
  const contents = Schema.encodeSync(Base)(base)
  const sha256 = createHash("sha256").update(JSON.stringify(contents)).digest("hex")
  return `${JSON.stringify({ ...contents, sha256 })}\n`
}

/** Fails with the reason if the text is not as it was written. */
export const read = (text: string): Effect.Effect<Base, string> =>
  Schema.decodeUnknownEffect(Schema.fromJsonString(Base))(text).pipe(
    Effect.mapError(({ message }) => `is damaged: ${message}`),
    Effect.filterOrFail(
      (base) => write(base) === text,
      () => "is damaged: it does not match its own checksum",
    ),
  )
