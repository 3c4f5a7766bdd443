/**
 * Presets: the task that a run trains, and everything that the command line does not set. A preset is a file of
 * `presets/`; nothing else lists it.
 */
import { readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Benchmark from "@lpo/eval/Benchmark"
import { Registry } from "@lpo/trainer"
import { ModelConfig } from "@lpo/transformer"
import { Effect, Schema } from "effect"
import * as Data from "./Data.ts"
import { Model } from "./Model.ts"
import { find, UsageError } from "./Usage.ts"

/** A benchmark of `@lpo/eval` by name, and the samples per problem. */
export const Suite = Schema.Struct({
  name: Schema.Literals(Object.keys(Benchmark.all)),
  samples: Schema.Int,
  temperature: Schema.Finite,
})

export const Preset = Schema.Struct({
  name: Schema.NonEmptyString,
  /** A one-line description. */
  about: Schema.String,
  /** The task decodes its parameters itself. */
  task: Schema.Struct({ name: Schema.String, parameters: Schema.Record(Schema.String, Schema.Unknown) }),
  engine: Schema.String,
  /** The rows to train on; without it, the task makes its own problems or `--data` gives them. */
  data: Schema.optionalKey(
    Schema.Struct({
      train: Data.Named,
      /** Held-out problems; null: a share of the training rows. */
      evaluation: Schema.NullOr(Data.Named),
      badRows: Schema.Literals(["fail", "leave-out"]),
    }),
  ),
  /** Null: `--model` gives one. */
  model: Schema.NullOr(Model),
  /** The shape in the model's config.json, for the arithmetic before anything is downloaded. */
  shape: Schema.optionalKey(ModelConfig.ModelConfig),
  train: Schema.Struct({
    steps: Schema.Int,
    promptsPerStep: Schema.Int,
    groupSize: Schema.Int,
    maxTokens: Schema.Int,
    epochs: Schema.Int,
    miniBatches: Schema.Int,
    checkpointEvery: Schema.Int,
    learningRate: Schema.Finite,
    /** Default: `learningRate`. */
    adapterLearningRate: Schema.optionalKey(Schema.Finite),
    maxGradNorm: Schema.NullOr(Schema.Finite),
    /** Of AdamW; default: the trainer's. */
    beta2: Schema.optionalKey(Schema.Finite),
    weightDecay: Schema.optionalKey(Schema.Finite),
  }),
  /** Default: lpo-fwd. */
  objective: Schema.optionalKey(Schema.Literals(Registry.names)),
  evaluation: Schema.Struct({
    problems: Schema.Int,
    samples: Schema.Int,
    /** Default 1. */
    temperature: Schema.optionalKey(Schema.Finite),
    /** Also evaluated before and after training. */
    benchmarks: Schema.optionalKey(Schema.Array(Suite)),
  }),
  /** What changes with `--model`: a larger model knows more at the start and takes longer. Default: nothing. */
  withModel: Schema.optionalKey(
    Schema.Struct({
      promptsPerStep: Schema.Int,
      maxTokens: Schema.Int,
      learningRate: Schema.Finite,
      adapterLearningRate: Schema.Finite,
      problems: Schema.Int,
      samples: Schema.Int,
    }),
  ),
})
export interface Preset extends Schema.Schema.Type<typeof Preset> {}

const folder = fileURLToPath(new URL("../presets/", import.meta.url))
const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Preset), { errors: "all", onExcessProperty: "error" })

/** Where each preset is, by name. */
const files = Object.fromEntries(
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => [basename(file, ".json"), join(folder, file)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1)),
)

export const names: ReadonlyArray<string> = Object.keys(files)

/** A preset by name. Fails with a `UsageError` with the nearest name, or with the file and the key that do not decode. */
export const load = Effect.fn("Preset.load")(function* (name: string) {
  const file = yield* find("preset", name, files)
  return yield* decode(readFileSync(file, "utf8")).pipe(
    Effect.mapError(({ message }) => new UsageError({ reason: `${file}: ${message}` })),
  )
})
