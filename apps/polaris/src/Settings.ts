/** The options of a run, resolved against its preset: what config.json records and resume compares. */
import { type Objective, Registry, TrainConfig } from "@lpo/trainer"
import { existsSync } from "node:fs"
import { Lora } from "@lpo/transformer"
import { Effect, Option, Schema } from "effect"
import { answerEnd } from "./CountdownTask.ts"
import { type Preset, presets } from "./Preset.ts"

/** The command line asked for something that cannot be. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/** What the command line gives; absent values come from the preset. */
export interface Flags {
  readonly preset: string
  readonly objective: Registry.Name
  readonly seed: number
  readonly steps: Option.Option<number>
  readonly groupSize: Option.Option<number>
  readonly tau: string
  readonly problems: Option.Option<number>
  readonly samples: Option.Option<number>
  readonly prompts: Option.Option<number>
  readonly maxTokens: Option.Option<number>
  readonly learningRate: Option.Option<number>
  /** A checkpoint's folder, or `name[@revision]` on the hub. */
  readonly model: Option.Option<string>
  readonly loraRank: Option.Option<number>
  readonly loraAlpha: Option.Option<number>
}

/** Every value spelled out, as plain JSON. */
export interface Settings {
  readonly preset: string
  readonly objective: Registry.Name
  /** The target's temperature, as `Registry.temperature` reads it; null for the methods that have none to choose. */
  readonly tau: number | string | null
  readonly seed: number
  /** The trainer's configuration but for its seed and objective, which follow from the values above. */
  readonly train: Omit<TrainConfig.TrainConfig, "seed" | "objective">
  readonly evaluation: { readonly problems: number; readonly samples: number }
  readonly task: Preset["task"]
  readonly start:
    | { readonly kind: "warm-start"; readonly model: Preset["model"]; readonly warmStart: Preset["warmStart"] }
    | {
        readonly kind: "checkpoint"
        readonly source: string
        /** Null: the hub's `main`, pinned when the run begins. */
        readonly revision: string | null
        /** Null: every parameter is trained. */
        readonly lora: Lora.LoraConfig | null
      }
}

/** Where a checkpoint takes other values than the preset's small model, which is fast and starts from little. */
const checkpointDefaults = { promptsPerStep: 8, maxTokens: 256, evaluationProblems: 64, evaluationSamples: 4 }
/** Of AdamW: for an adapter, and for all parameters. */
const learningRates = { adapter: 2e-5, full: 1e-6 }

/** As it is recorded: a number where it is one. */
const parseTau = (text: string): number | string | null =>
  Registry.temperature(text) === null ? null : Number.isFinite(Number(text)) ? Number(text) : text

const atLeast = (name: string, value: number, low: number, high: number) =>
  Number.isInteger(value) && value >= low && value <= high
    ? Effect.succeed(value)
    : Effect.fail(new UsageError({ reason: `--${name} is ${value}; give a whole number from ${low} to ${high}` }))

const positive = (name: string, value: number) =>
  Number.isFinite(value) && value > 0
    ? Effect.succeed(value)
    : Effect.fail(new UsageError({ reason: `--${name} is ${value}; give a positive number` }))

export const findPreset = (name: string): Effect.Effect<Preset, UsageError> => {
  const preset = presets[name]
  return preset === undefined
    ? Effect.fail(
        new UsageError({ reason: `there is no preset "${name}"; choose one of: ${Object.keys(presets).join(", ")}` }),
      )
    : Effect.succeed(preset)
}

/** A folder as it stands, or a name on the hub and what follows its last @. */
const parseModel = (text: string) => {
  const at = existsSync(text) || /^[./~]/.test(text) ? -1 : text.lastIndexOf("@")
  return at < 0 ? { source: text, revision: null } : { source: text.slice(0, at), revision: text.slice(at + 1) }
}

const startOf = Effect.fn("Settings.start")(function* (preset: Preset, { loraAlpha, loraRank, model }: Flags) {
  if (Option.isNone(model)) {
    const stray = Option.isSome(loraRank) ? "--lora-rank" : Option.isSome(loraAlpha) ? "--lora-alpha" : null
    if (stray !== null)
      return yield* new UsageError({
        reason: `${stray} is given without --model; the preset's model is trained in full`,
      })
    return { kind: "warm-start", model: preset.model, warmStart: preset.warmStart } satisfies Settings["start"]
  }
  const { revision, source } = parseModel(model.value)
  if (source === "" || revision === "")
    return yield* new UsageError({
      reason: `--model is "${model.value}"; give a folder, or name or name@revision of the hub`,
    })
  if (Option.isNone(loraRank)) {
    if (Option.isSome(loraAlpha))
      return yield* new UsageError({
        reason: "--lora-alpha is given without --lora-rank; give both, or neither to train all",
      })
    return { kind: "checkpoint", source, revision, lora: null } satisfies Settings["start"]
  }
  const rank = yield* atLeast("lora-rank", loraRank.value, 1, 4096)
  const alpha = Option.getOrElse(loraAlpha, () => 2 * rank)
  yield* positive("lora-alpha", alpha)
  return {
    kind: "checkpoint",
    source,
    revision,
    lora: { rank, alpha, targets: Lora.modules },
  } satisfies Settings["start"]
})

/** Resolves and checks the options; fails with a `UsageError` that names the value, the rule and the fix. */
export const resolve = Effect.fn("Settings.resolve")(function* (flags: Flags) {
  const preset = yield* findPreset(flags.preset)
  const tau = parseTau(flags.tau)
  if (tau === null) {
    return yield* new UsageError({
      reason: `--tau is "${flags.tau}"; give a positive number, std, sample-std, mean, batch-std, kl:NATS or ess:N`,
    })
  }
  const start = yield* startOf(preset, flags)
  const own = start.kind === "warm-start"
  const usual = own
    ? {
        promptsPerStep: preset.train.promptsPerStep ?? TrainConfig.defaults.promptsPerStep,
        maxTokens: preset.train.maxTokens,
        evaluationProblems: preset.task.heldOutProblems,
        evaluationSamples: preset.evaluation.samples,
      }
    : checkpointDefaults
  const promptsPerStep = yield* atLeast(
    "prompts",
    Option.getOrElse(flags.prompts, () => usual.promptsPerStep),
    1,
    65_536,
  )
  const maxTokens = yield* atLeast(
    "max-tokens",
    Option.getOrElse(flags.maxTokens, () => usual.maxTokens),
    1,
    1_000_000,
  )
  const learningRate = yield* positive(
    "learning-rate",
    Option.getOrElse(flags.learningRate, () =>
      start.kind === "warm-start"
        ? preset.optimizer.learningRate
        : start.lora === null
          ? learningRates.full
          : learningRates.adapter,
    ),
  )
  const steps = yield* atLeast(
    "steps",
    Option.getOrElse(flags.steps, () => preset.train.steps),
    1,
    1_000_000,
  )
  const groupSize = yield* atLeast(
    "k",
    Option.getOrElse(flags.groupSize, () => preset.train.groupSize),
    2,
    1024,
  )
  const samples = yield* atLeast(
    "samples",
    Option.getOrElse(flags.samples, () => usual.evaluationSamples),
    1,
    1024,
  )
  const problems = yield* atLeast(
    "problems",
    Option.getOrElse(flags.problems, () => usual.evaluationProblems),
    1,
    preset.task.heldOutProblems,
  )
  const seed = yield* atLeast("seed", flags.seed, 0, Number.MAX_SAFE_INTEGER)
  return {
    preset: preset.name,
    objective: flags.objective,
    tau: Registry.hasTemperature(flags.objective) ? tau : null,
    seed,
    train: {
      ...TrainConfig.defaults,
      ...preset.train,
      steps,
      groupSize,
      promptsPerStep,
      maxTokens,
      // A checkpoint may go on behind its answer for as long as it is let.
      ...(own ? {} : { stopStrings: [answerEnd] }),
      optimizer: { ...TrainConfig.defaults.optimizer, ...preset.optimizer, learningRate },
    },
    evaluation: { problems, samples },
    task: preset.task,
    start,
  } satisfies Settings
})

const objective = ({ objective: name, tau }: Settings): Objective.Objective =>
  Registry.make(name, Registry.temperature(`${tau}`) ?? undefined)

/** The trainer's configuration of these settings. */
export const trainConfig = (settings: Settings): TrainConfig.TrainConfig => ({
  ...settings.train,
  seed: `${settings.preset}/${settings.seed}`,
  objective: objective(settings),
})
