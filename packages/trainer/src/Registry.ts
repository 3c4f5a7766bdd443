/**
 * Every objective by its name in a configuration or on a command line, with its options as plain JSON:
 *
 *     { "name": "lpo", "divergence": "forward-kl", "tau": "std", "reduction": "mean", "clip": 0.2 }
 *
 * `settings` checks such a record and spells out every default; `make` builds the objective. An objective is one file under
 * objectives/, and one line in `definitions`.
 *
 * @module
 */
import { Effect, Schema, SchemaAST, SchemaGetter, SchemaIssue } from "effect"
import { nearest } from "@lpo/rollout/Nearest"
import type { Objective } from "./Objective.ts"
import * as Cispo from "./objectives/Cispo.ts"
import * as Dapo from "./objectives/Dapo.ts"
import type { Definition, Fields } from "./objectives/Definition.ts"
import * as DrGrpo from "./objectives/DrGrpo.ts"
import * as Grpo from "./objectives/Grpo.ts"
import * as Gspo from "./objectives/Gspo.ts"
import * as Gvpo from "./objectives/Gvpo.ts"
import * as Importance from "./objectives/Importance.ts"
import * as Lpo from "./objectives/Lpo.ts"
import * as MaxRl from "./objectives/MaxRl.ts"
import * as Options from "./objectives/Options.ts"
import * as Paper from "./objectives/Paper.ts"
import * as Penalty from "./objectives/Penalty.ts"
import * as Pointwise from "./objectives/Pointwise.ts"
import * as ReinforcePlusPlus from "./objectives/ReinforcePlusPlus.ts"
import * as Rloo from "./objectives/Rloo.ts"
import * as Single from "./objectives/Single.ts"
import * as Tpo from "./objectives/Tpo.ts"

const definitions = [
  Lpo.definition,
  Single.definition,
  Grpo.definition,
  DrGrpo.definition,
  MaxRl.definition,
  Rloo.definition,
  Dapo.definition,
  ReinforcePlusPlus.definition,
  Gspo.definition,
  Cispo.definition,
  Tpo.definition,
  Gvpo.definition,
  Pointwise.definition,
] as const

/** Shorthands for another objective with some of its options fixed. */
const shorthands = {
  "lpo-fwd": { name: "lpo", divergence: "forward-kl" },
  "lpo-rev": { name: "lpo", divergence: "reverse-kl" },
  "lpo-jeffreys": { name: "lpo", divergence: "jeffreys" },
  "lpo-js": { name: "lpo", divergence: "jensen-shannon" },
  "lpo-hellinger": { name: "lpo", divergence: "hellinger2" },
  "lpo-neyman": { name: "lpo", divergence: "neyman-chi2" },
  "lpo-pearson": { name: "lpo", divergence: "pearson-chi2" },
  "lpo-tv": { name: "lpo", divergence: "total-variation" },
  "lpo-brier": { name: "lpo", divergence: "brier" },
  "lpo-sparse": { name: "lpo", divergence: "forward-kl", target: "chi2" },
  ...Paper.objectives,
} as const

type Defined = (typeof definitions)[number]
type SettingsOf<D> =
  D extends Definition<infer Name, infer F>
    ? { readonly name: Name; readonly kl: Penalty.Kl | null } & Schema.Struct.Type<F>
    : never

/** An objective with every option spelled out: plain JSON, as recorded in config.json. @category models */
export type Settings = SettingsOf<Defined>

/** @category models */
export type Name = Defined["name"] | keyof typeof shorthands

const defined: ReadonlyArray<string> = definitions.map(({ name }) => name)

/** Every name. @category models */
export const names = [...Object.keys(shorthands), ...defined] as ReadonlyArray<Name>

/** Invalid settings of an objective; `reason` gives each key, the rule and what was probably meant. @category errors */
export class SettingsError extends Schema.TaggedError<SettingsError>()("SettingsError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

const schemaOf = ({ name, options }: Definition<string, Fields>) =>
  Schema.Struct({
    name: Schema.Literal(name),
    ...options,
    kl: Options.optional(Schema.NullOr(Penalty.Kl), null),
  })

type Known = {
  readonly definition: Definition<string, Fields>
  readonly schema: ReturnType<typeof schemaOf>
}
const known = new Map<string, Known>(
  (definitions as ReadonlyArray<unknown>).map((d) => {
    const definition = d as Definition<string, Fields>
    return [definition.name, { definition, schema: schemaOf(definition) }]
  }),
)

const describe = (issue: SchemaIssue.Issue): string =>
  new Schema.SchemaError(issue).message.replaceAll("\n", " ").replace(/^Expected/, "expected")

/** One line for each mistake; an unknown key with the one that was probably meant. `value` is the value at `where`. */
const explain = (
  issue: SchemaIssue.Issue,
  value: unknown,
  where: ReadonlyArray<PropertyKey>,
): ReadonlyArray<string> => {
  const place = where.map(String).join(".")
  switch (issue._tag) {
    case "Pointer":
      return explain(
        issue.issue,
        issue.path.reduce((v: unknown, key) => (isObject(v) ? v[key] : undefined), value),
        [...where, ...issue.path],
      )
    case "Encoding":
      return explain(issue.issue, value, where)
    case "Composite":
      return issue.issues.flatMap((one) => explain(one, value, where))
    case "AnyOf": {
      // Of the forms that an option may have, the one that was meant has the fewest mistakes.
      const forms = issue.issues.map((one) => explain(one, value, where))
      const least = forms.reduce((a, lines) => Math.min(a, lines.length), Infinity)
      return (
        forms.find((lines) => lines.length === least) ?? [`${place} is ${JSON.stringify(value)}; ${describe(issue)}`]
      )
    }
    case "UnexpectedKey": {
      const keys = SchemaAST.isObjects(issue.ast) ? issue.ast.propertySignatures.map(({ name }) => String(name)) : []
      return [`${place} is not known; ${choices(String(where.at(-1)), keys)}`]
    }
    case "MissingKey":
      return [`${place} is missing`]
    case "Filter":
    case "InvalidType":
    case "InvalidValue":
    case "Forbidden":
    case "OneOf":
      return [`${place} is ${JSON.stringify(value)}; ${describe(issue)}`]
  }
}

/** The name that was probably meant, and all there are. */
const choices = (word: string, known: ReadonlyArray<string>): string => {
  const near = nearest(word, known)
  return `${near === null ? "choose one of" : `did you mean ${near}? There are`} ${known.join(", ")}`
}

const isObject = (input: unknown): input is Readonly<Record<PropertyKey, unknown>> =>
  typeof input === "object" && input !== null

const isRecord = (input: unknown): input is Readonly<Record<string, unknown>> =>
  isObject(input) && !Array.isArray(input)

/** The name that was probably meant by a misspelt one; null if none is near. @category models */
export { nearest }

/** A shorthand written out. Throws if you give another value for an option that it fixes. */
const expand = (input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const { name } = input
  if (typeof name !== "string" || !Object.hasOwn(shorthands, name)) return input
  const fixed: Readonly<Record<string, unknown>> = shorthands[name as keyof typeof shorthands]
  for (const [key, value] of Object.entries(fixed)) {
    if (key !== "name" && key in input && JSON.stringify(input[key]) !== JSON.stringify(value))
      throw new SettingsError({
        reason: `objective ${name} has ${key} ${JSON.stringify(value)}, but ${JSON.stringify(input[key])} was given; for another value, give the name ${JSON.stringify(fixed["name"])} and its options`,
      })
  }
  return { ...input, ...fixed }
}

/**
 * The settings of an objective, every default spelled out, from its name or from a record of its name and options. Resolved
 * settings are returned unchanged. Throws {@link SettingsError}.
 *
 * @category constructors
 */
export const settings = (input: unknown): Settings => {
  const record = typeof input === "string" ? { name: input } : input
  if (!isRecord(record) || typeof record["name"] !== "string")
    throw new SettingsError({
      reason: `an objective is its name or a record with its name, but ${JSON.stringify(input)} was given; the names are ${names.join(", ")}`,
    })
  const expanded = expand(record)
  const found = known.get(String(expanded["name"]))
  if (found === undefined)
    throw new SettingsError({
      reason: `objective ${record["name"]} is not known; ${choices(record["name"], names)}`,
    })
  const result = Schema.decodeUnknownResult(found.schema, { errors: "all", onExcessProperty: "error" })(expanded)
  if (result._tag === "Failure")
    throw new SettingsError({
      reason: `objective ${record["name"]}: ${explain(result.failure.issue, expanded, []).join("; ")}`,
    })
  return result.success as unknown as Settings
}

/** {@link settings} as an effect. @category constructors */
export const decode = (input: unknown): Effect.Effect<Settings, SettingsError> =>
  Effect.try({ try: () => settings(input), catch: (error) => error as SettingsError })

/** As a Schema, for a configuration with an objective's settings: its type is the resolved form. @category models */
export const Settings: Schema.Codec<Settings, unknown> = Schema.Unknown.pipe(
  Schema.decodeTo(
    Schema.declare((input): input is Settings => isRecord(input) && known.has(String(input["name"]))),
    {
      decode: SchemaGetter.transformEffect((input) =>
        decode(input).pipe(Effect.mapError((error) => new SchemaIssue.InvalidValue({ message: error.reason }, input))),
      ),
      encode: SchemaGetter.passthroughSupertype(),
    },
  ),
)

/** The objective of resolved settings. Throws a `SimplexError` for a number out of range. @category constructors */
export const make = (resolved: Settings): Objective => {
  const { kl, name, ...options } = resolved
  const found = known.get(name)
  if (found === undefined) throw new SettingsError({ reason: `objective ${name} is not known` })
  const made = found.definition.make(options)
  const importance = "importance" in options ? options.importance : null
  const objective = importance === null ? made : Importance.correct(made, importance)
  return kl === null ? objective : Penalty.penalise(objective, kl)
}

/** Whether the objective has a temperature, the option `tau`. @category predicates */
export const hasTemperature = (name: Name): boolean => {
  const { name: full } = settings(name)
  return "tau" in (known.get(full)?.definition.options ?? {})
}

/** A temperature from text; see `ObjectiveOptions.temperature`. @category constructors */
export const { temperature } = Options

/** An objective as listed in the documentation. @category models */
export interface Row {
  readonly name: string
  readonly summary: string
  /** Ascent weight of token i of response k. */
  readonly weight: string
  /** Every option but `kl`, at its default. */
  readonly defaults: Readonly<Record<string, unknown>>
}

/** Every objective, in order, with the defaults of its options. @category models */
export const table = (): ReadonlyArray<Row> =>
  definitions.map(({ name, summary, weight }) => {
    const { kl: _, name: __, ...defaults } = settings(name)
    return { name, summary, weight, defaults }
  })
