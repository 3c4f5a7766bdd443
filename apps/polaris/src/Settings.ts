/** The options of a run, resolved against its preset: what config.json records and resume compares. */
import { Named, type Objective, TrainConfig } from "@lpo/trainer"
import { Effect, Option, Schema } from "effect"
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
  readonly objective: Named.Name
  readonly seed: number
  readonly steps: Option.Option<number>
  readonly groupSize: Option.Option<number>
  readonly tau: string
  readonly problems: Option.Option<number>
  readonly samples: Option.Option<number>
}

/** Every value spelled out, as plain JSON. */
export interface Settings {
  readonly preset: string
  readonly objective: Named.Name
  /** The target's temperature, as `Named.temperature` reads it; null for the methods that have none to choose. */
  readonly tau: number | string | null
  readonly seed: number
  /** The trainer's configuration but for its seed and objective, which follow from the values above. */
  readonly train: Omit<TrainConfig.TrainConfig, "seed" | "objective">
  readonly evaluation: { readonly problems: number; readonly samples: number }
  readonly task: Preset["task"]
  readonly model: Preset["model"]
  readonly warmStart: Preset["warmStart"]
}

/** As it is recorded: a number where it is one. */
const parseTau = (text: string): number | string | null =>
  Named.temperature(text) === null ? null : Number.isFinite(Number(text)) ? Number(text) : text

const atLeast = (name: string, value: number, low: number, high: number) =>
  Number.isInteger(value) && value >= low && value <= high
    ? Effect.succeed(value)
    : Effect.fail(new UsageError({ reason: `--${name} is ${value}; give a whole number from ${low} to ${high}` }))

export const findPreset = (name: string): Effect.Effect<Preset, UsageError> => {
  const preset = presets[name]
  return preset === undefined
    ? Effect.fail(
        new UsageError({ reason: `there is no preset "${name}"; choose one of: ${Object.keys(presets).join(", ")}` }),
      )
    : Effect.succeed(preset)
}

/** Resolves and checks the options; fails with a `UsageError` that names the value, the rule and the fix. */
export const resolve = Effect.fn("Settings.resolve")(function* (flags: Flags) {
  const preset = yield* findPreset(flags.preset)
  const tau = parseTau(flags.tau)
  if (tau === null) {
    return yield* new UsageError({
      reason: `--tau is "${flags.tau}"; give a positive number, std, sample-std, mean, batch-std, kl:NATS or ess:N`,
    })
  }
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
    Option.getOrElse(flags.samples, () => preset.evaluation.samples),
    1,
    1024,
  )
  const problems = yield* atLeast(
    "problems",
    Option.getOrElse(flags.problems, () => preset.task.heldOutProblems),
    1,
    preset.task.heldOutProblems,
  )
  const seed = yield* atLeast("seed", flags.seed, 0, Number.MAX_SAFE_INTEGER)
  return {
    preset: preset.name,
    objective: flags.objective,
    tau: Named.hasTemperature(flags.objective) ? tau : null,
    seed,
    train: {
      ...TrainConfig.defaults,
      ...preset.train,
      steps,
      groupSize,
      optimizer: { ...TrainConfig.defaults.optimizer, ...preset.optimizer },
    },
    evaluation: { problems, samples },
    task: preset.task,
    model: preset.model,
    warmStart: preset.warmStart,
  } satisfies Settings
})

const objective = ({ objective: name, tau }: Settings): Objective.Objective =>
  Named.make(name, Named.temperature(`${tau}`) ?? undefined)

/** The trainer's configuration of these settings. */
export const trainConfig = (settings: Settings): TrainConfig.TrainConfig => ({
  ...settings.train,
  seed: `${settings.preset}/${settings.seed}`,
  objective: objective(settings),
})
