/** What a run starts from: a preset's own small model, taught by demonstrations, or a checkpoint in Hugging Face's format. */
import { existsSync } from "node:fs"
import { Lora, ModelConfig, Variables } from "@lpo/transformer"
import { Effect, Schema, Struct } from "effect"
import { positive, UsageError, whole } from "./Usage.ts"

/** One stage of the supervised warm start. */
const Stage = Schema.Struct({
  steps: Schema.Int,
  batchSize: Schema.Int,
  learningRate: Schema.Finite,
  warmupSteps: Schema.Int,
  /** Share of the steps over which the learning rate falls to 0. */
  decayShare: Schema.Finite,
  /** Share of the demonstrations that are right; the others are random well-formed answers. */
  correctShare: Schema.Finite,
})

/** A model of the preset's own. Its vocabulary is that of the task's words. */
export const WarmStart = Schema.Struct({
  kind: Schema.Literal("warm-start"),
  shape: ModelConfig.ModelConfig.mapFields(Struct.omit(["vocab_size"])),
  demonstrations: Schema.Struct({ seed: Schema.String, maxGradNorm: Schema.Finite, stages: Schema.Array(Stage) }),
})
export interface WarmStart extends Schema.Schema.Type<typeof WarmStart> {}

export const Checkpoint = Schema.Struct({
  kind: Schema.Literal("checkpoint"),
  /** A folder, or a name on the hub; for a server, the name of its base model. */
  source: Schema.String,
  /** Null: the hub's `main`. */
  revision: Schema.NullOr(Schema.String),
  /** The commit that the run began with; null where it did not come from the hub. */
  commit: Schema.NullOr(Schema.String),
  /** Null: every parameter is trained, or the server decides. */
  lora: Schema.NullOr(Lora.LoraConfig),
  /** Options of its config.json that are known to change nothing. */
  ignore: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Variables of its chat template, and `date`, the moment of `strftime_now`: that of the run's beginning unless given. */
  template: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
})
export interface Checkpoint extends Schema.Schema.Type<typeof Checkpoint> {}

export const Model = Schema.Union([WarmStart, Checkpoint])
export type Model = typeof Model.Type

/** What the command line says of the model; null where it says nothing. */
export interface Given {
  /** A folder, or `name[@revision]` on the hub. */
  readonly model: string | null
  readonly loraRank: number | null
  readonly loraAlpha: number | null
  /** Keys, with commas between them. */
  readonly ignore?: string | null
  /** Variables of the chat template. */
  readonly template?: Template | null
}

/** Variables of a chat template by name. */
export type Template = Readonly<Record<string, unknown>>

/** The model of a run that begins: the date of its prompts is fixed, so that a run which goes on another day asks the same. */
export const dated = (model: Model, at: Date): Model =>
  model.kind === "checkpoint" ? { ...model, template: { date: Variables.date(at), ...model.template } } : model

/** A folder as it stands, or a name on the hub and what follows its last @. */
export const parse = (text: string) => {
  const at = existsSync(text) || /^[./~]/.test(text) ? -1 : text.lastIndexOf("@")
  const [source, revision] = at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)]
  return source === "" || revision === ""
    ? Effect.fail(
        new UsageError({ reason: `--model is "${text}"; give a folder, or name or name@revision of the hub` }),
      )
    : Effect.succeed({ source, revision })
}

/** Names that a rendering sets itself, and a date that can be read. */
const checked = Effect.fn("Model.checked")(function* (template: Template) {
  const own = ["messages", "add_generation_prompt"].find((name) => Object.hasOwn(template, name))
  if (own !== undefined)
    return yield* new UsageError({ reason: `--template sets ${own}, which the prompt itself gives; leave it out` })
  if (!Object.hasOwn(template, "date")) return
  const refusal = Variables.dateRefusal(String(template["date"]))
  if (refusal !== null) return yield* new UsageError({ reason: `--template: ${refusal}` })
})

/** The model of a preset or of a run with what the command line changes. */
export const resolve = Effect.fn("Model.resolve")(function* (base: Model | null, given: Given) {
  const { ignore = null, loraAlpha, loraRank, model, template = null } = given
  const keys = ignore === null ? {} : { ignore: ignore.split(",").map((key) => key.trim()) }
  const before = base?.kind === "checkpoint" ? base.template : undefined
  const variables = template === null ? {} : { template: { ...before, ...template } }
  if (template !== null) yield* checked(template)
  const named = model === null ? null : yield* parse(model)
  const start: Model | null =
    base?.kind === "checkpoint"
      ? { ...base, ...named, ...keys, ...variables }
      : named !== null
        ? { kind: "checkpoint", ...named, commit: null, lora: null, ...keys, ...variables }
        : base
  if (start === null)
    return yield* new UsageError({
      reason: "there is no model to train; give --model with a folder or a name on the hub, such as Qwen/Qwen3-0.6B",
    })
  if (start.kind === "warm-start") {
    const options = { "--lora-rank": loraRank, "--lora-alpha": loraAlpha, "--ignore": ignore, "--template": template }
    const stray = Object.entries(options).find(([, value]) => value !== null)?.[0] ?? null
    if (stray === null) return start
    return yield* new UsageError({
      reason: `${stray} is given without --model; the preset's model is trained in full`,
    })
  }
  const rank = loraRank === null ? start.lora?.rank : yield* whole("lora-rank", loraRank, 1, 4096)
  if (rank === undefined) {
    if (loraAlpha === null) return start
    return yield* new UsageError({
      reason: "--lora-alpha is given without --lora-rank; give both, or neither to train all",
    })
  }
  const usual = loraRank === null && start.lora !== null ? start.lora.alpha : 2 * rank
  const alpha = loraAlpha === null ? usual : yield* positive("lora-alpha", loraAlpha)
  return { ...start, lora: { targets: Lora.modules, ...start.lora, rank, alpha } } satisfies Checkpoint
})
