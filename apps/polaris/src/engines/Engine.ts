/**
 * An engine samples and learns: it turns a run's settings into one layer that provides `Sampler` and `Learner`, says what it needs,
 * and refuses the impossible before the run has a folder. The loop, the tasks and the reports never ask which one runs.
 */
import type { Sampler } from "@lpo/rollout"
import type { Learner } from "@lpo/trainer"
import type { Layer } from "effect"
import { Effect, Schema, type Scope } from "effect"
import type * as Model from "../Model.ts"
import type { Domain, Reads } from "../tasks/index.ts"
import { nameOf, UsageError } from "../Usage.ts"
import type { View } from "../View.ts"

/** The engine cannot do what was asked; `reason` gives the value, the rule and the fix. */
export class EngineError extends Schema.TaggedError<EngineError>()("EngineError", {
  engine: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return this.reason
  }
}

/** Options of the command line that only some engines take; null if not given. */
export interface Flags {
  readonly server: string | null
  readonly profile: string | null
  readonly rollouts: string | null
  readonly servedName: string | null
  readonly backend: string | null
  readonly workers: number | null
  readonly loraRank: number | null
  readonly loraAlpha: number | null
}

/** What the engine needs to differ from the usual. */
export interface Adapted {
  readonly anchor: "sampled" | "recompute"
  /** Whether it trains at a sampling temperature other than 1. */
  readonly tempers: boolean
  /** Settings of AdamW that it fixes; a `maxGradNorm` of null means no clipping. */
  readonly optimizer: Partial<Readonly<Record<"beta1" | "beta2" | "epsilon" | "weightDecay", number>>> & {
    readonly maxGradNorm?: number | null
  }
}

/** The part of a run that an engine sees. */
export interface Asked {
  /** The seed of the run's random streams. */
  readonly seed: string
  /** The seed's number, for servers that take one. */
  readonly number: number
  readonly preset: { readonly name: string; readonly about: string }
  readonly model: Model.Model
  readonly groupSize: number
  readonly maxTokens: number
  /** The sampling temperature in training. */
  readonly temperature: number
  readonly evaluationSamples: number
  /** Whether the objective needs log-probs of the policy that training starts from. */
  readonly reference: boolean
  readonly domain: Domain
  readonly flags: Flags
  /** The run's folder, absolute; it may not exist yet. */
  readonly folder: string
  readonly view: View
}

/** The variables of the model's chat template, as an option. */
export const templateOf = (model: Model.Model): { readonly template?: Model.Template } =>
  model.kind === "checkpoint" && model.template !== undefined ? { template: model.template } : {}

/** An engine that is ready to sample and to learn. */
export interface Opened {
  /** The model's name before training, in tables and titles. */
  readonly label: string
  /** Lines to print: the model, and where it runs. */
  readonly about: ReadonlyArray<string>
  /** The same for the run's record. */
  readonly record: Readonly<Record<string, unknown>>
  readonly reads: Reads
  readonly layer: Layer.Layer<Sampler.Sampler | Learner.Learner>
  /** Log-probs of the policy that training starts from, frozen; null if not needed. */
  readonly reference: Learner.LearnerService["logprobs"] | null
  /** The commit of a model of the hub; null for anything else. */
  readonly commit: string | null
  /** The number of trained parameters; null if a server does not tell. */
  readonly trained: number | null
  /** Leaves the trained model in the run's folder; returns a line about where it is, or null if the files show it. */
  readonly save: Effect.Effect<string | null, Fault>
}

/** Expected failures of libraries have a message of one line. */
export interface Fault {
  readonly _tag: string
  readonly message: string
}

/** The definition of an engine. */
interface Definition<S> {
  readonly name: string
  /** Which of `Flags` it takes. */
  readonly takes: ReadonlyArray<keyof Flags>
  /** Its record in config.json. */
  readonly Settings: Schema.Codec<S, unknown>
  /** Its settings from the command line, on top of those of a resumed run (null for a new one). */
  readonly settings: (base: S | null, flags: Flags, model: Model.Model) => Effect.Effect<S, UsageError>
  /** Keys of its settings that a resumed run may change. */
  readonly mayChange: ReadonlyArray<string>
  readonly adapted: (settings: S) => Adapted
  readonly open: (settings: S, asked: Asked) => Effect.Effect<Opened, Fault, Scope.Scope>
}

/** An engine with its settings as JSON, as the program uses it. */
export interface Engine extends Omit<Definition<unknown>, "Settings"> {}

/** The first option that was given and that the engine does not take. */
const stray = (name: string, takes: ReadonlyArray<keyof Flags>, flags: Flags): UsageError | null => {
  const all: ReadonlyArray<keyof Flags> = ["server", "profile", "rollouts", "servedName", "backend", "workers"]
  const key = [...all, "loraRank" as const, "loraAlpha" as const].find((k) => flags[k] !== null && !takes.includes(k))
  return key === undefined
    ? null
    : new UsageError({ reason: `--${nameOf(key)} is given, but the engine ${name} does not take it; leave it out` })
}

/** @category constructors */
export const define = <S>(definition: Definition<S>): Engine => {
  const { Settings, adapted, name, open, settings, takes } = definition
  const decode = Schema.decodeUnknownEffect(Settings)
  const read = (value: unknown) =>
    decode(value).pipe(
      Effect.mapError(({ message }) => new UsageError({ reason: `the settings of the engine ${name}: ${message}` })),
    )
  return {
    ...definition,
    settings: (base, flags, model) =>
      Effect.gen(function* () {
        const refused = stray(name, takes, flags)
        if (refused !== null) return yield* refused
        return yield* settings(base === null ? null : yield* read(base), flags, model)
      }),
    adapted: (value) => adapted(Schema.decodeUnknownSync(Settings)(value)),
    open: (value, asked) => Effect.flatMap(read(value), (decoded) => open(decoded, asked)),
  }
}
