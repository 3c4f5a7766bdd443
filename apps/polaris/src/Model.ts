/** What a run starts from: a preset's own small model, trained on demonstrations, or a checkpoint in Hugging Face's format. */
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

/** A preset's own model. Its vocabulary is the task's words. */
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
  /** The commit that the run started with; null if the model is not from the hub. */
  commit: Schema.NullOr(Schema.String),
  /** Null: every parameter is trained, or the server decides. */
  lora: Schema.NullOr(Lora.LoraConfig),
  /** Options of its config.json that are known to change nothing. */
  ignore: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Variables of its chat template, and `date`, the time that `strftime_now` shows: the start of the run unless given. */
  template: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
})
export interface Checkpoint extends Schema.Schema.Type<typeof Checkpoint> {}

export const Model = Schema.Union([WarmStart, Checkpoint])
export type Model = typeof Model.Type

/** The options on the model; null for those not given. */
export interface Given {
  /** A folder, or `name[@revision]` on the hub. */
  readonly model: string | null
  readonly loraRank: number | null
  readonly loraAlpha: number | null
  /** Keys, comma-separated. */
  readonly ignore?: string | null
  /** Variables of the chat template. */
  readonly template?: Template | null
}

/** Variables of a chat template by name. */
export type Template = Readonly<Record<string, unknown>>

/** The model of a new run: the date in its prompts is fixed, so resuming it on another day asks the same. */
export const dated = (model: Model, at: Date): Model =>
  model.kind === "checkpoint" ? { ...model, template: { date: Variables.date(at), ...model.template } } : model

/** Whether a model is a folder here rather than a name on the hub. */
export const isFolder = (text: string): boolean => existsSync(text) || /^[./~]/.test(text)

/** A folder as given, or a name on the hub and what follows its last @. */
export const parse = (text: string) => {
  const at = isFolder(text) ? -1 : text.lastIndexOf("@")
  const [source, revision] = at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)]
  return source === "" || revision === ""
    ? Effect.fail(
        new UsageError({ reason: `--model is "${text}"; give a folder, or name or name@revision on the hub` }),
      )
    : Effect.succeed({ source, revision })
}

/** Checks that the names are not set by the rendering itself, and that the date can be read. */
const checked = Effect.fn("Model.checked")(function* (template: Template) {
  const own = ["messages", "add_generation_prompt"].find((name) => Object.hasOwn(template, name))
  if (own !== undefined)
    return yield* new UsageError({ reason: `--template sets ${own}, which comes from the prompt itself; leave it out` })
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
      reason: `${stray} is given without --model, but the preset's model is trained in full; leave it out, or give --model`,
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
