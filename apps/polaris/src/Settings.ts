/**
 * The settings of a run: a preset with the changes of the command line, every value spelled out. config.json records them, and
 * a resumed run takes them from there.
 */
import { Best, Filter, Health, Noise, Registry, Replay, RunStore, TrainConfig } from "@lpo/trainer"
import { SamplingParams } from "@lpo/rollout"
import { Effect, Schema } from "effect"
import { type Engine, engines, type Flags } from "./engines/index.ts"
import * as Data from "./Data.ts"
import * as Model from "./Model.ts"
import * as Objectives from "./Objectives.ts"
import * as Preset from "./Preset.ts"
import { UsageError } from "./Usage.ts"

/** The command line; null for an option that is not given, where the preset or the resumed run decides. */
export interface Given extends Flags, Model.Given, Data.Given {
  readonly preset: string | null
  readonly engine: string | null
  readonly objective: Registry.Name | null
  readonly tau: string | null
  readonly kl: string | null
  readonly seed: number | null
  readonly steps: number | null
  readonly groupSize: number | null
  readonly prompts: number | null
  readonly maxTokens: number | null
  readonly temperature: number | null
  readonly learningRate: number | null
  readonly problems: number | null
  readonly samples: number | null
  readonly evaluateEvery: number | null
  readonly offline: string | null
  readonly offlineRatio: number | null
  readonly tracker: ReadonlyArray<string> | null
}

/** Responses for training are drawn from the policy's full distribution: no token is excluded. */
export const Sampling = Schema.Struct({
  ...SamplingParams.SamplingParams.fields,
  temperature: Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0))),
  topP: Schema.Literal(1),
  topK: Schema.Literal(0),
  minP: Schema.Literal(0),
})

const Optimizer = Schema.Struct({
  learningRate: Schema.Finite,
  warmupSteps: Schema.Int,
  decay: Schema.Literals(["constant", "linear", "cosine"]),
  /** Null: no clipping. */
  maxGradNorm: Schema.NullOr(Schema.Finite),
  beta1: Schema.Finite,
  beta2: Schema.Finite,
  epsilon: Schema.Finite,
  weightDecay: Schema.Finite,
})

export const Evaluation = Schema.Struct({
  /** Held-out problems, and samples of each. */
  problems: Schema.Int,
  samples: Schema.Int,
  temperature: Schema.Finite,
  /** Named benchmarks, evaluated as well. */
  benchmarks: Schema.Array(Preset.Suite),
})
export interface Evaluation extends Schema.Schema.Type<typeof Evaluation> {}

export const Settings = Schema.Struct({
  preset: Schema.String,
  task: Preset.Preset.fields.task,
  /** Null: the task makes its own problems. */
  data: Schema.NullOr(Data.Data),
  /** Null: the task's own. */
  verifier: Schema.NullOr(Data.Verifier),
  seed: Schema.Int,
  objective: Objectives.Settings,
  engine: Schema.Struct({
    name: Schema.Literals(Object.keys(engines)),
    /** The engine decodes them itself. */
    options: Schema.Record(Schema.String, Schema.Unknown),
  }),
  model: Model.Model,
  /** Groups sampled elsewhere, mixed with the run's own; null: none. */
  offline: Schema.NullOr(
    Schema.Struct({
      path: Schema.String,
      sha256: Schema.NullOr(Schema.String),
      /** Share of each step's prompts. */
      ratio: Schema.Finite,
    }),
  ),
  train: Schema.Struct({
    steps: Schema.Int,
    promptsPerStep: Schema.Int,
    groupSize: Schema.Int,
    sampling: Sampling,
    epochs: Schema.Int,
    miniBatches: Schema.Int,
    optimizer: Optimizer,
    silentGroups: Schema.Literals(["drop", "resample", "replay"]),
    resampleRounds: Schema.Int,
    /** Null: every group is trained on, however far the policy has moved. */
    filter: Schema.NullOr(Filter.Options),
    /** On the verdicts of training; null: none. */
    noise: Schema.NullOr(Noise.Options),
    replay: Replay.Options,
    anchor: Schema.Literals(["sampled", "recompute"]),
    maxLag: Schema.Int,
    checkpointEvery: Schema.Int,
    checkpointsKept: Schema.Int,
    verifyConcurrency: Schema.Int,
    verifySeconds: Schema.Finite,
    groupsLogged: Schema.Int,
    health: Health.Options,
    /** During training, on its own draws; `every` 0 is never. */
    evaluation: Schema.Struct({ every: Schema.Int, problems: Schema.Int, samples: Schema.Int }),
    best: Schema.NullOr(Best.Options),
  }),
  evaluation: Evaluation,
  /** Written as for `--tracker`. */
  trackers: Schema.Array(Schema.String),
})
export interface Settings extends Schema.Schema.Type<typeof Settings> {}

/** Settings from JSON; fails with everything that is wrong. */
export const decode = Schema.decodeUnknownEffect(Settings, { errors: "all", onExcessProperty: "error" })

/** Settings as a run recorded them. Fails with a `UsageError` with the file and the key. */
export const read = (folder: string, config: RunStore.Config) =>
  decode(config).pipe(
    Effect.mapError(
      ({ message }) =>
        new UsageError({ reason: `${folder}/config.json does not decode: ${message}; restore the file` }),
    ),
  )

/** The settings that the run in a folder recorded. */
export const ofRun = Effect.fn("Settings.ofRun")(function* (folder: string) {
  const recorded = yield* RunStore.readConfig(folder)
  if (recorded === null) return yield* new UsageError({ reason: `there is no run in ${folder}; give a run's folder` })
  return yield* read(folder, recorded.config)
})

export const engineOf = ({ engine }: Pick<Settings, "engine">): Engine => engines[engine.name]

/** Keys that a resumed run may change: how long, how it is judged, what is logged, and where its servers are. */
export const mayChange = (settings: Settings): ReadonlyArray<string> => [
  "train.steps",
  "evaluation",
  "trackers",
  "train.checkpointEvery",
  "train.checkpointsKept",
  "train.groupsLogged",
  "train.health",
  "train.verifyConcurrency",
  "train.verifySeconds",
  ...engineOf(settings).mayChange.map((key) => `engine.options.${key}`),
]

/** The settings with the texts that end a response of a model that reads questions. */
export const withStops = (settings: Settings, texts: ReadonlyArray<string>): Settings => {
  const { model, train } = settings
  const stops = model.kind === "checkpoint" ? texts : []
  return { ...settings, train: { ...train, sampling: { ...train.sampling, stopStrings: stops } } }
}

/** Names the random streams of the run. */
export const seedOf = ({ preset, seed }: Settings): string => `${preset}/${seed}`

/** The trainer's configuration of these settings. */
export const trainConfig = (settings: Settings): TrainConfig.TrainConfig => {
  const { evaluation: _, optimizer, sampling, ...train } = settings.train
  return {
    ...train,
    maxTokens: sampling.maxTokens,
    temperature: sampling.temperature,
    stopStrings: sampling.stopStrings,
    optimizer: { ...optimizer, maxGradNorm: optimizer.maxGradNorm ?? Number.POSITIVE_INFINITY },
    seed: seedOf(settings),
    objective: Objectives.make(settings.objective),
  }
}
