/** Settings from a preset, or from a run that is resumed, with the changes of the command line. */
import { Replay, TrainConfig } from "@lpo/trainer"
import { resolve as resolvePath } from "node:path"
import { Effect } from "effect"
import * as Data from "./Data.ts"
import { type Engine, engines } from "./engines/index.ts"
import * as Model from "./Model.ts"
import * as Objectives from "./Objectives.ts"
import * as Preset from "./Preset.ts"
import type { Given, Sampling, Settings } from "./Settings.ts"
import * as Trackers from "./Trackers.ts"
import { find, positive, UsageError, whole } from "./Usage.ts"

/** Options of a model that the engine trains itself; the engine decides about an adapter on a server. */
const modelFlags = (engine: Engine, given: Given): Model.Given =>
  engine.takes.includes("loraAlpha") ? given : { ...given, loraRank: null, loraAlpha: null }

/** A preset's own settings with this engine and model, before any option of numbers. */
const fresh = Effect.fn("Resolve.fresh")(function* (given: Given) {
  const preset = yield* Preset.load(given.preset ?? (given.data === null ? "countdown-tiny" : "own"))
  const name = given.engine ?? preset.engine
  const engine = yield* find("engine", name, engines)
  if (preset.model?.kind === "warm-start" && given.model === null && given.data !== null)
    return yield* new UsageError({
      reason: `the preset ${preset.name} has a small model that knows only its own problems; give --model with --data`,
    })
  const model = yield* Model.resolve(preset.model, modelFlags(engine, given))
  const options = yield* engine.settings(null, given, model)
  const adapted = engine.adapted(options)
  const lengths = lengthsOf(preset, model, engine)
  const { beta2, weightDecay } = preset.train
  const { optimizer, ...usual } = TrainConfig.defaults
  const settings: Settings = {
    preset: preset.name,
    task: preset.task,
    data: given.data === null ? dataOf(preset) : null,
    verifier: null,
    seed: 1,
    objective: yield* Objectives.resolve(null, { objective: preset.objective ?? null, tau: null }),
    engine: { name, options: options as Record<string, unknown> },
    model,
    offline: null,
    train: {
      ...usual,
      ...lengths.train,
      sampling: sampling(lengths.maxTokens, []),
      silentGroups: "drop",
      resampleRounds: 3,
      filter: null,
      noise: null,
      replay: Replay.defaults,
      evaluation: { every: 0, problems: 64, samples: 4 },
      optimizer: {
        ...optimizer,
        decay: "constant",
        maxGradNorm: preset.train.maxGradNorm,
        ...(beta2 === undefined ? {} : { beta2 }),
        ...(weightDecay === undefined ? {} : { weightDecay }),
        ...adapted.optimizer,
        learningRate: lengths.learningRate,
      },
      anchor: adapted.anchor,
    },
    evaluation: {
      ...lengths.evaluation,
      temperature: preset.evaluation.temperature ?? 1,
      // They belong to the preset's own data: if you bring rows, you say what is held out.
      benchmarks: given.data === null && given.evalData === null ? (preset.evaluation.benchmarks ?? []) : [],
    },
    trackers: [],
  }
  return settings
})

const dataOf = ({ data }: Preset.Preset): Data.Data | null =>
  data === undefined ? null : Data.preset(data.train, data.evaluation, data.badRows)

/** How much a preset samples and how fast it learns, with the model that is trained. */
const lengthsOf = ({ evaluation, model: own, train, withModel }: Preset.Preset, model: Model.Model, engine: Engine) => {
  const { checkpointEvery, epochs, groupSize, maxTokens, miniBatches, promptsPerStep, steps } = train
  const adapter = model.kind === "checkpoint" && (model.lora !== null || !engine.takes.includes("loraAlpha"))
  const mine = {
    train: { checkpointEvery, epochs, groupSize, miniBatches, promptsPerStep, steps },
    maxTokens,
    learningRate: adapter ? (train.adapterLearningRate ?? train.learningRate) : train.learningRate,
    evaluation: { problems: evaluation.problems, samples: evaluation.samples },
  }
  // A preset with a checkpoint has its own figures for checkpoints.
  if (withModel === undefined || own?.kind === "checkpoint" || model.kind === "warm-start") return mine
  const { adapterLearningRate, learningRate, problems, samples } = withModel
  return {
    train: { ...mine.train, promptsPerStep: withModel.promptsPerStep },
    maxTokens: withModel.maxTokens,
    learningRate: adapter ? adapterLearningRate : learningRate,
    evaluation: { problems, samples },
  }
}

const sampling = (maxTokens: number, stopStrings: ReadonlyArray<string>): typeof Sampling.Type => ({
  temperature: 1,
  topP: 1,
  topK: 0,
  minP: 0,
  maxTokens,
  stopStrings,
})

/** How a numeric option changes the settings. */
type Change = (settings: Settings, value: number) => Settings
const inTrain =
  (key: "steps" | "promptsPerStep" | "groupSize"): Change =>
  (settings, value) => ({
    ...settings,
    train: { ...settings.train, [key]: value },
  })
const inEvaluation =
  (key: "problems" | "samples"): Change =>
  (settings, value) => ({
    ...settings,
    evaluation: { ...settings.evaluation, [key]: value },
  })

const million = 1_000_000
/** The options with whole numbers: how each is written, its range, and where it goes. */
const wholes: ReadonlyArray<readonly [keyof Given, option: string, low: number, high: number, change: Change]> = [
  ["seed", "seed", 0, Number.MAX_SAFE_INTEGER, (settings, seed) => ({ ...settings, seed })],
  ["steps", "steps", 1, million, inTrain("steps")],
  ["prompts", "prompts", 1, 65_536, inTrain("promptsPerStep")],
  ["groupSize", "k", 1, 1024, inTrain("groupSize")],
  [
    "maxTokens",
    "max-tokens",
    1,
    million,
    (settings, maxTokens) => ({
      ...settings,
      train: { ...settings.train, sampling: { ...settings.train.sampling, maxTokens } },
    }),
  ],
  ["problems", "problems", 1, million, inEvaluation("problems")],
  ["samples", "samples", 1, 1024, inEvaluation("samples")],
  [
    "evaluateEvery",
    "evaluate-every",
    0,
    million,
    (settings, every) => ({
      ...settings,
      train: { ...settings.train, evaluation: { ...settings.train.evaluation, every } },
    }),
  ],
]

/**
 * The settings of a run: `recorded` are those of a run that is resumed, null for a new one. Fails with a `UsageError` that has the
 * value, the rule and the fix.
 */
export const settings = Effect.fn("Resolve.settings")(function* (given: Given, recorded: Settings | null) {
  const base = recorded ?? (yield* fresh(given))
  const name = given.engine ?? base.engine.name
  const engine = yield* find("engine", name, engines)
  const model = yield* Model.resolve(base.model, modelFlags(engine, given))
  const before = name === base.engine.name ? base.engine.options : null
  const options = (yield* engine.settings(before, given, model)) as Record<string, unknown>
  let settings: Settings = {
    ...base,
    preset: given.preset ?? base.preset,
    ...(yield* Data.resolve(base, given)),
    objective: yield* Objectives.resolve(base.objective, given),
    engine: { name, options },
    model,
    offline:
      given.offline === null
        ? base.offline
        : { path: resolvePath(given.offline), sha256: null, ratio: base.offline?.ratio ?? 0.25 },
    trackers: yield* Trackers.check(given.tracker ?? base.trackers),
  }
  for (const [key, option, low, high, change] of wholes) {
    const value = given[key]
    if (typeof value === "number") settings = change(settings, yield* whole(option, value, low, high))
  }
  if (given.learningRate !== null) {
    const learningRate = yield* positive("learning-rate", given.learningRate)
    settings = {
      ...settings,
      train: { ...settings.train, optimizer: { ...settings.train.optimizer, learningRate } },
    }
  }
  if (given.offlineRatio !== null) {
    const ratio = yield* positive("offline-ratio", given.offlineRatio)
    if (ratio >= 1)
      return yield* new UsageError({
        reason: `--offline-ratio is ${ratio}; give a share of the prompts between 0 and 1`,
      })
    if (settings.offline === null)
      return yield* new UsageError({ reason: "--offline-ratio is given without --offline; give both, or leave it out" })
    settings = { ...settings, offline: { ...settings.offline, ratio } }
  }
  if (given.temperature !== null) {
    const temperature = yield* positive("temperature", given.temperature)
    settings = {
      ...settings,
      train: { ...settings.train, sampling: { ...settings.train.sampling, temperature } },
    }
  }
  const { leastGroup } = Objectives.make(settings.objective)
  if (settings.train.groupSize < leastGroup)
    return yield* new UsageError({
      reason: `--k is ${settings.train.groupSize}, but ${settings.objective.name} needs groups of ${leastGroup} or more; give that, or an objective on single responses such as lpo-single`,
    })
  return settings
})
