/**
 * Presets: data that says which task a run trains and everything that no option of the command line says. A preset is a file of
 * `presets/`; nothing else lists it.
 */
import { readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Schema } from "effect"
import { Model } from "./Model.ts"
import { find, UsageError } from "./Usage.ts"

export const Preset = Schema.Struct({
  name: Schema.NonEmptyString,
  /** One line for people. */
  about: Schema.String,
  /** The task decodes its parameters itself. */
  task: Schema.Struct({ name: Schema.String, parameters: Schema.Record(Schema.String, Schema.Unknown) }),
  engine: Schema.String,
  /** Null: `--model` names one. */
  model: Schema.NullOr(Model),
  train: Schema.Struct({
    steps: Schema.Int,
    promptsPerStep: Schema.Int,
    groupSize: Schema.Int,
    maxTokens: Schema.Int,
    epochs: Schema.Int,
    miniBatches: Schema.Int,
    checkpointEvery: Schema.Int,
    learningRate: Schema.Finite,
    maxGradNorm: Schema.NullOr(Schema.Finite),
  }),
  evaluation: Schema.Struct({ problems: Schema.Int, samples: Schema.Int }),
  /** What is otherwise with `--model`: a larger model starts from more and takes longer. */
  withModel: Schema.Struct({
    promptsPerStep: Schema.Int,
    maxTokens: Schema.Int,
    learningRate: Schema.Finite,
    adapterLearningRate: Schema.Finite,
    problems: Schema.Int,
    samples: Schema.Int,
  }),
})
export interface Preset extends Schema.Schema.Type<typeof Preset> {}

const folder = fileURLToPath(new URL("../presets/", import.meta.url))
const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Preset), { errors: "all", onExcessProperty: "error" })

/** Where each preset is, by name. */
const files = Object.fromEntries(
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => [basename(file, ".json"), join(folder, file)]),
)

export const names: ReadonlyArray<string> = Object.keys(files)

/** A preset by name. Fails with a `UsageError` that has the nearest name, or the file and the key that do not decode. */
export const load = Effect.fn("Preset.load")(function* (name: string) {
  const file = yield* find("preset", name, files)
  return yield* decode(readFileSync(file, "utf8")).pipe(
    Effect.mapError(({ message }) => new UsageError({ reason: `${file}: ${message}` })),
  )
})
