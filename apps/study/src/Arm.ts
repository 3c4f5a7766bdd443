/** An arm of a study: what is trained, as changes of a preset's settings, resolved as `polaris` resolves a command line. */
import { createHash } from "node:crypto"
import { Registry } from "@lpo/trainer"
import { Effect, Schema } from "effect"
import { nothing } from "../../polaris/src/Given.ts"
import * as Overrides from "../../polaris/src/Overrides.ts"
import * as Resolve from "../../polaris/src/Resolve.ts"
import * as Settings from "../../polaris/src/Settings.ts"
import { Distortion } from "./Distortion.ts"

/** @category models */
export const Arm = Schema.Struct({
  /** The name in tables. */
  name: Schema.String,
  objective: Schema.Literals(Registry.names),
  /** Written as for `--tau`. */
  tau: Schema.optionalKey(Schema.String),
  /** Group size; a step has the same number of responses as with the scale's own. */
  k: Schema.optionalKey(Schema.Int),
  /** Further settings by their path in config.json. */
  set: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
  /** The distortion of the rewards before the objective sees them. */
  distortion: Schema.optionalKey(Distortion),
  /** Samples from its own streams and is judged on the same problems and draws: a repetition of the same arm. */
  again: Schema.optionalKey(Schema.Boolean),
  /** Arms of one method have one learning rate. */
  method: Schema.String,
  /** Whether it is one of the arms that choose the method's rate. */
  tunes: Schema.optionalKey(Schema.Boolean),
})
/** @category models */
export interface Arm extends Schema.Schema.Type<typeof Arm> {}

/** The amount of sampling, in training and in evaluation. @category models */
export const Scale = Schema.Struct({
  /** Prompts of a step in groups of the preset's size. */
  prompts: Schema.Int,
  /** Budget of sampled tokens by preset: the step that exceeds it is the run's last. */
  tokens: Schema.Record(Schema.String, Schema.Int),
  /** Steps of a schedule from start to end; a run has about this many. */
  steps: Schema.Int,
  /** Held-out problems, and samples of each. */
  problems: Schema.Int,
  samples: Schema.Int,
})
/** @category models */
export interface Scale extends Schema.Schema.Type<typeof Scale> {}

/** One run to make. @category models */
export interface Job {
  readonly preset: string
  readonly arm: Arm
  readonly learningRate: number
  readonly seed: number
  readonly scale: Scale
}

/** Added to the seed of a repetition: no seed of a study is this large. */
const again = 100_000

/** More steps than any run takes: the token budget ends it. */
const longest = 10

/** Schedules that go over the whole run go over the scale's steps: the last step of a run is unknown until its tokens are spent. */
const paced = (options: Registry.Settings, steps: number): Registry.Settings =>
  Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key,
      typeof value === "object" && value !== null && "schedule" in value
        ? { ...value, over: value.over ?? steps }
        : value,
    ]),
  ) as unknown as Registry.Settings

/** The settings of a run. Fails with a `UsageError`, like the command line. @category constructors */
export const settings = Effect.fn("Arm.settings")(function* ({ arm, learningRate, preset, scale, seed }: Job) {
  const usual = yield* Resolve.settings({ ...nothing, preset }, null)
  const { groupSize } = usual.train
  const k = arm.k ?? groupSize
  const resolved = yield* Resolve.settings(
    {
      ...nothing,
      preset,
      objective: arm.objective,
      tau: arm.tau ?? null,
      seed: arm.again === true ? seed + again : seed,
      steps: longest * scale.steps,
      groupSize: k,
      prompts: Math.max(1, Math.round((scale.prompts * groupSize) / k)),
      learningRate,
      problems: scale.problems,
      samples: scale.samples,
    },
    null,
  )
  const changed = yield* Overrides.set(resolved, Object.entries(arm.set ?? {}))
  return { ...changed, objective: { ...changed.objective, options: paced(changed.objective.options, scale.steps) } }
})

/** Names a run by everything it depends on, not by its arm's name: two axes with the same run share it. @category constructors */
export const identity = (job: Job, resolved: Settings.Settings): string =>
  createHash("sha256")
    .update(JSON.stringify([resolved, job.arm.distortion ?? null, job.scale.tokens[job.preset], job.seed]))
    .digest("hex")
    .slice(0, 24)
