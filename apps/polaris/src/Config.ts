/**
 * A file of options, `--config run.json`: what the command line can say, by the same names, and `set` for settings without an option.
 * The command line takes precedence over the file.
 */
import { dirname, isAbsolute, join } from "node:path"
import { Received, RegularFile } from "@lpo/rollout"
import { Registry } from "@lpo/trainer"
import { Backend, Variables } from "@lpo/transformer"
import { Effect, Schema } from "effect"
import { engines } from "./engines/index.ts"
import { profileNames } from "./engines/tinker.ts"
import * as Preset from "./Preset.ts"
import type { Given } from "./Settings.ts"
import { tasks } from "./tasks/index.ts"
import { nameOf, nearest, UsageError } from "./Usage.ts"

const says = <S extends Schema.Top>(schema: S, description: string) =>
  Schema.optionalKey(schema.annotate({ description }))
const text = (description: string) => says(Schema.String, description)
const number = (description: string) => says(Schema.Finite, description)
const whole = (description: string) => says(Schema.Int, description)
const oneOf = <const L extends ReadonlyArray<string>>(names: L, description: string) =>
  says(Schema.Literals(names), description)

export const Config = Schema.Struct({
  $schema: text("This file's schema, for editors"),
  preset: oneOf(Preset.names, "What to train"),
  engine: oneOf(Object.keys(engines), "Where sampling and training run"),
  objective: oneOf(Registry.names, "The objective that turns a scored group into token weights"),
  tau: says(Schema.Union([Schema.String, Schema.Finite]), "Temperature of the target"),
  kl: text("Penalty on the KL to the policy that training starts from, as PLACE=BETA"),
  seed: whole("Seed of every random stream of the run"),
  steps: whole("Training steps"),
  k: whole("Group size: responses per prompt"),
  prompts: whole("Prompts per step"),
  "max-tokens": whole("Longest response, in tokens"),
  temperature: number("Sampling temperature in training; evaluation has its own"),
  "learning-rate": number("Peak learning rate of AdamW"),
  problems: whole("Held-out problems to evaluate on"),
  samples: whole("Samples per held-out problem"),
  data: text("Problems to train on: a file, relative to this one, or a name on the hub"),
  "eval-data": text("Held-out problems, given like data"),
  task: oneOf(Object.keys(tasks), "How rows are read and answers judged"),
  format: text("Format of the rows"),
  "bad-rows": oneOf(["fail", "leave-out"], "What to do with a row that cannot be turned into a problem"),
  verifier: text("A module that judges, relative to this file, or the URL of a reward model"),
  model: text("A folder, or name[@revision] on the hub"),
  "lora-rank": whole("Train an adapter of this rank"),
  "lora-alpha": number("The adapter is scaled by alpha / rank"),
  ignore: text("Options in the model's config.json that are known to be harmless, comma-separated"),
  template: says(
    Schema.Record(Schema.String, Schema.Unknown),
    "Variables of the model's chat template, such as enable_thinking, and date, the day of strftime_now",
  ),
  server: text("tinker: URL of the server"),
  profile: oneOf(profileNames, "tinker: the kind of server"),
  rollouts: text("hybrid: URLs of servers that sample, comma-separated"),
  "served-name": text("hybrid: the model's name on the servers"),
  offline: text("Groups sampled elsewhere: a file of JSON lines, relative to this one"),
  "offline-ratio": number("Share of each step's prompts that comes from offline"),
  "evaluate-every": whole("Training steps between evaluations during training; 0 is never"),
  tracker: says(
    Schema.Union([Schema.String, Schema.Array(Schema.String)]),
    "Also send the curves to a tracker: tensorboard, mlflow=URL, trackio=URL or otlp=URL, or a list of them",
  ),
  backend: oneOf(["auto", ...Backend.names], "Where the model runs"),
  workers: whole("Worker threads of the wasm backend"),
  set: says(
    Schema.Record(Schema.String, Schema.Unknown),
    "Settings without an option, by their path in config.json, such as train.optimizer.warmupSteps",
  ),
})
export interface Config extends Schema.Schema.Type<typeof Config> {}

/** The JSON Schema of a file of options. */
export const jsonSchema = (): unknown => {
  const { definitions, schema } = Schema.toJsonSchemaDocument(Config)
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A run of polaris",
    ...schema,
    ...(Object.keys(definitions).length > 0 && { $defs: definitions }),
    additionalProperties: false,
  }
}

const decode = Schema.decodeUnknownEffect(Config, { errors: "all", onExcessProperty: "error" })

/**
 * Reads a file of options; relative paths in it start at its folder. Fails with a `UsageError` that names the key and the nearest
 * right one.
 */
const read = Effect.fn("Config.read")(function* (path: string) {
  const fail = (reason: string) => new UsageError({ reason: `--config ${path}: ${reason}` })
  const source = yield* Effect.tryPromise({
    try: () => RegularFile.bytes(path, RegularFile.maxTextBytes).then(String),
    catch: (cause) => fail(RegularFile.unread(cause)),
  })
  const json = yield* Effect.try({
    try: (): unknown => Received.parse(source),
    catch: (cause) => fail(`is not JSON: ${(cause as Error).message}`),
  })
  if (typeof json !== "object" || json === null || Array.isArray(json))
    return yield* fail('is not an object; give one, such as { "preset": "countdown-tiny" }')
  const names = Object.keys(Config.fields)
  const stray = Object.keys(json).find((key) => !names.includes(key))
  if (stray !== undefined) {
    const near = nearest(stray, names)
    return yield* fail(
      `there is no key "${stray}"; ${near === null ? `choose one of: ${names.join(", ")}` : `did you mean ${near}?`}`,
    )
  }
  const config = yield* decode(json).pipe(Effect.mapError(({ message }) => fail(message.replaceAll(/\s*\n\s*/g, " "))))
  const beside = (file: string | undefined): string | undefined =>
    file !== undefined &&
    !isAbsolute(file) &&
    !/^https?:/.test(file) &&
    (/^\.\.?\//.test(file) || (/\.[a-z]+(?:\.gz)?$/.test(file) && !file.includes("@")))
      ? join(dirname(path), file)
      : file
  const out: Record<string, unknown> = { ...config }
  for (const key of ["data", "eval-data", "verifier", "offline"] as const)
    if (config[key] !== undefined) out[key] = beside(config[key])
  if (config.template !== undefined) out["template"] = (exact(source) as Record<string, unknown>)["template"]
  if (config.tau !== undefined) out["tau"] = String(config.tau)
  if (typeof config.tracker === "string") out["tracker"] = [config.tracker]
  if (config.model !== undefined && /^\.\.?\//.test(config.model)) out["model"] = join(dirname(path), config.model)
  return out
})

/** A pair of `--option key=value`; the value is JSON, or else text. */
const pair =
  (option: string, example: string, parse: (text: string) => unknown) =>
  (given: string): Effect.Effect<readonly [string, unknown], UsageError> => {
    const at = given.indexOf("=")
    if (at < 1)
      return Effect.fail(new UsageError({ reason: `--${option} is "${given}"; give key=value, such as ${example}` }))
    const value = given.slice(at + 1)
    try {
      return Effect.succeed([given.slice(0, at), parse(value)])
    } catch {
      return Effect.succeed([given.slice(0, at), value])
    }
  }

const exact = (text: string): unknown => Variables.plain(Variables.parseJson(text))

const setting = pair("set", "train.optimizer.warmupSteps=10", JSON.parse)
// A float stays one: a tool's 1.0 is rendered as it was written.
const variable = pair("template", "enable_thinking=false", exact)

/** The command line laid over a file, and the settings that both set; `sets` and `template` are pairs of `--set` and `--template`. */
export const over = Effect.fn("Config.over")(function* (
  given: Omit<Given, "template">,
  path: string | null,
  sets: ReadonlyArray<string>,
  template: ReadonlyArray<string> = [],
) {
  const config: Readonly<Record<string, unknown>> = path === null ? {} : { ...(yield* read(path)) }
  const merged = Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key, value ?? config[nameOf(key)] ?? null]),
  ) as unknown as Given
  const pairs = [...Object.entries(config["set"] ?? {}), ...(yield* Effect.forEach(sets, setting))]
  const variables = {
    ...(config["template"] as object),
    ...Object.fromEntries(yield* Effect.forEach(template, variable)),
  }
  return { given: Object.keys(variables).length === 0 ? merged : { ...merged, template: variables }, pairs }
})
