/** The record of a run: one file each, named by what the run depends on, so a study resumes where it stopped. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schema } from "effect"

/** A step of training. @category models */
export const Step = Schema.Struct({
  /** Tokens sampled so far. */
  tokens: Schema.Int,
  /** Share of correct responses, whatever they earned. */
  passRate: Schema.Finite,
  /** Nats per token. */
  entropy: Schema.Finite,
  gradNorm: Schema.NullOr(Schema.Finite),
})
/** @category models */
export interface Step extends Schema.Schema.Type<typeof Step> {}

/** @category models */
export const Evaluated = Schema.Struct({
  /** Correct responses of each problem, of `samples`. */
  correct: Schema.Array(Schema.Int),
  samples: Schema.Int,
  /** Nats per token. */
  entropy: Schema.Finite,
  /** Tokens. */
  length: Schema.Finite,
  /** Different answers per problem. */
  distinct: Schema.Finite,
})
/** @category models */
export interface Evaluated extends Schema.Schema.Type<typeof Evaluated> {}

/** @category models */
export const Run = Schema.Struct({
  id: Schema.String,
  preset: Schema.String,
  arm: Schema.String,
  seed: Schema.Int,
  learningRate: Schema.Finite,
  /** Why training ended before its tokens were spent; null if it did not. */
  ended: Schema.NullOr(Schema.String),
  steps: Schema.Array(Step),
  before: Evaluated,
  after: Evaluated,
  /** Seconds of processor time, of this process. */
  seconds: Schema.Finite,
})
/** @category models */
export interface Run extends Schema.Schema.Type<typeof Run> {}

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Run))

const fileOf = (folder: string, id: string): string => join(folder, `${id}.json`)

/** The record of that name; null if there is none. Fails for a damaged one. @category io */
export const read = Effect.fn("Record.read")(function* (folder: string, id: string) {
  const text = yield* Effect.try({
    try: () => readFileSync(fileOf(folder, id), "utf8"),
    catch: (cause) => ({ cause: cause as NodeJS.ErrnoException }),
  }).pipe(
    Effect.catch(({ cause }) =>
      cause.code === "ENOENT"
        ? Effect.succeed(null)
        : Effect.fail(`${fileOf(folder, id)} cannot be read (${cause.message})`),
    ),
  )
  if (text === null) return null
  return yield* decode(text).pipe(
    Effect.mapError(
      ({ message }) => `${fileOf(folder, id)} is damaged: ${message}; remove it, and the run will be repeated`,
    ),
  )
})

/** Writes a record whole. @category io */
export const write = (folder: string, run: Run): void => {
  mkdirSync(folder, { recursive: true })
  const file = fileOf(folder, run.id)
  writeFileSync(`${file}.tmp`, JSON.stringify(Schema.encodeSync(Run)(run)))
  renameSync(`${file}.tmp`, file)
}
