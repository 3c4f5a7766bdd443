/**
 * A run on disk: `config.json`, `events.jsonl` (a line a step), `completions.jsonl`, `evaluations.jsonl`, `checkpoints/`, and a lock.
 *
 * One process owns a run at a time. A checkpoint refers to the logs at that time: rows written later are dropped on resuming,
 * because the steps they describe are taken again, and logs that were changed or cut short are refused.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { LoggedGroup, RegularFile } from "@lpo/rollout"
import { Effect, Schema, type Scope } from "effect"
import * as Checkpoint from "./Checkpoint.ts"
import * as AppendLog from "./internal/appendLog.ts"
import * as Durable from "./internal/durable.ts"
import * as Lock from "./internal/lock.ts"
import { Evaluated, type Run as Recorder } from "./Run.ts"
import { StepReport } from "./StepReport.ts"
import { CheckpointError, RunError } from "./TrainerError.ts"

export { Evaluated } from "./Run.ts"

/** An open run: what the loop records, and the rest of its folder. @category models */
export interface Run extends Recorder {
  readonly folder: string
  readonly resumeFrom: Checkpoint.Checkpoint | null
  /** Steps whose rows were dropped on resuming, because the steps come after the checkpoint and are taken again. */
  readonly redone: number
  readonly checkpoints: string
  /** A file of the run; null if there is none. */
  readonly read: (file: string) => Effect.Effect<string | null, RunError>
  /** Flushes the logs; a checkpoint refers to their lengths. */
  readonly logs: Effect.Effect<Checkpoint.Checkpoint["logs"], RunError>
  readonly completions: Effect.Effect<ReadonlyArray<LoggedGroup.LoggedGroup>, RunError>
  readonly evaluations: Effect.Effect<ReadonlyArray<Evaluated>, RunError>
}

/** A configuration as plain JSON. @category models */
export type Config = Readonly<Record<string, unknown>>

const logs = ["events.jsonl", "completions.jsonl", "evaluations.jsonl"] as const

const decodeConfig = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

/** The content of a folder; empty if it does not exist. */
const entriesOf = (folder: string): Promise<ReadonlyArray<string>> =>
  readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return []
    throw cause
  })

/** What opening writes before config.json: with nothing else in the folder, the run was killed before it existed. */
const begun = /^(lock|checkpoints|owner\.json(\.tmp-\d+)?|config\.json\.tmp-\d+)$/

/** The content of a folder without config.json, except what a killed opening leaves. */
const foreign = async (folder: string): Promise<ReadonlyArray<string>> => [
  ...(await entriesOf(folder)).filter((name) => !begun.test(name)),
  ...(await entriesOf(join(folder, "checkpoints"))),
]

/** Whole lines of a log; a last line cut short by a kill is dropped. */
const readLines = async (path: string): Promise<ReadonlyArray<string>> =>
  ((await RegularFile.text(path, Number.POSITIVE_INFINITY)) ?? "").split("\n").slice(0, -1)

/** The rows of a log. Fails with a `RunError` that names the damaged line. */
const readRows = <A>(folder: string, log: string, schema: Schema.Codec<A, unknown>) => {
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(schema))
  return Effect.gen(function* () {
    const lines = yield* Effect.tryPromise({
      try: () => readLines(join(folder, log)),
      catch: (cause) => new RunError({ folder, reason: `cannot read ${log} (${(cause as Error).message})` }),
    })
    return yield* Effect.forEach(lines, (line, i) =>
      decode(line).pipe(
        Effect.mapError(
          ({ message }) =>
            new RunError({
              folder,
              reason: `${log}, line ${i + 1} is damaged: ${message}; restore the file`,
            }),
        ),
      ),
    )
  })
}

/** Every leaf of a configuration by its path, as JSON. */
const leaves = (value: unknown, path = ""): ReadonlyArray<readonly [path: string, json: string]> =>
  value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length > 0
    ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === "" ? key : `${path}.${key}`))
    : [[path, JSON.stringify(value) ?? "undefined"]]

/** The first key whose value differs but may not; null if there is none. */
const clash = (before: Config, after: Config, mayChange: ReadonlyArray<string>): string | null => {
  const [a, b] = [new Map(leaves(before)), new Map(leaves(after))]
  const path = [...new Set([...a.keys(), ...b.keys()])].find(
    (key) => a.get(key) !== b.get(key) && !mayChange.some((free) => key === free || key.startsWith(`${free}.`)),
  )
  if (path === undefined) return null
  const [was, is] = [a.get(path) ?? "absent", b.get(path) ?? "absent"]
  return `was started with ${path} ${was}, but now it is ${is}; leave it as it was, or start a new run${mayChange.length === 0 ? "" : ` (a resume may change ${mayChange.join(", ")})`}`
}

/** config.json: the configuration, the origin of the run, and a checksum that detects any change. */
const configText = (config: Config, about: unknown): string => {
  const contents = { ...config, ...(about === undefined ? {} : { about }) }
  const sha256 = createHash("sha256").update(JSON.stringify(contents)).digest("hex")
  return `${JSON.stringify({ ...contents, sha256 }, null, 2)}\n`
}

/**
 * The configuration of the run in a folder, and what `open` recorded under `about`; null if there is no run. Fails with a
 * `RunError` for a file that is not as it was written.
 *
 * @category io
 */
export const readConfig = Effect.fn("RunStore.readConfig")(function* (folder: string) {
  const fail = (reason: string) => new RunError({ folder, reason: `config.json ${reason}` })
  const text = yield* Effect.tryPromise({
    try: () => RegularFile.text(join(folder, "config.json")),
    catch: (cause) => fail(`cannot be read (${(cause as Error).message})`),
  })
  if (text === null) return null
  const all = yield* decodeConfig(text).pipe(Effect.mapError(({ message }) => fail(`does not decode: ${message}`)))
  const { about, sha256: _sealed, ...config } = all
  if (configText(config, about) !== text)
    return yield* fail(
      "was changed since it was written; restore it (to resume with other steps, change your own configuration, not this file)",
    )
  return { config, about }
})

/**
 * A run on disk, for reading only: it may still be running. Null if there is none. Fails with a
 * `RunError` for a file that is not as it was written.
 *
 * @category io
 */
export const look = Effect.fn("RunStore.look")(function* (folder: string) {
  const found = yield* readConfig(folder)
  if (found === null) return null
  return {
    ...found,
    events: yield* readRows(folder, "events.jsonl", StepReport),
    completions: yield* readRows(folder, "completions.jsonl", LoggedGroup.LoggedGroup),
    evaluations: yield* readRows(folder, "evaluations.jsonl", Evaluated),
  }
})

/**
 * Opens a run for the lifetime of the scope. A new run needs a folder that does not exist yet; with `resume` it must
 * exist with the same configuration, except for the keys of `mayChange`. `about` is written next to a new run's configuration and
 * never compared. Fails with a `RunError` or, for a damaged checkpoint, a `CheckpointError`.
 *
 * @category constructors
 */
export const open = (options: {
  readonly folder: string
  readonly config: Config
  readonly resume: boolean
  /** Keys, with dots between the levels, that may differ from the run's own when it is resumed. Default none. */
  readonly mayChange?: ReadonlyArray<string>
  /** Versions, host, command: the origin of the run. */
  readonly about?: Config
}): Effect.Effect<Run, RunError | CheckpointError, Scope.Scope> =>
  Effect.gen(function* () {
    const { about, config, folder, mayChange = [], resume } = options
    const fail = (reason: string) => new RunError({ folder, reason })
    const io = <A>(what: string, run: () => Promise<A>) =>
      Effect.tryPromise({
        try: run,
        catch: (cause) =>
          fail(
            `cannot ${what} (${(cause as Error).message}); check the path, your permissions and the disk, then resume`,
          ),
      })
    const before = yield* readConfig(folder)
    if (before !== null && !resume) return yield* fail("exists already; resume it, or choose another name")
    if (before === null && resume) return yield* fail("does not exist, so there is nothing to resume")
    if (before === null && (yield* io("look into the folder", () => foreign(folder))).length > 0)
      return yield* fail("is not empty and has no config.json, so it is not a run; choose another name, or remove it")
    // As it will be read back: what JSON cannot express does not count.
    const plain = JSON.parse(JSON.stringify(config)) as Config
    const refusal = before === null ? null : clash(before.config, plain, mayChange)
    if (refusal !== null) return yield* fail(refusal)
    yield* io("create the folder", () => RegularFile.makeFolder(folder))
    yield* Lock.hold(folder)
    const checkpoints = join(folder, "checkpoints")
    yield* io("create the folder of checkpoints", () => RegularFile.makeFolder(checkpoints))
    const resumeFrom = yield* Checkpoint.latest(checkpoints)
    const marks = resumeFrom?.logs ?? {}
    const events = readRows(folder, "events.jsonl", StepReport)
    const completions = readRows(folder, "completions.jsonl", LoggedGroup.LoggedGroup)
    const evaluations = readRows(folder, "evaluations.jsonl", Evaluated)
    const readers = { "events.jsonl": events, "completions.jsonl": completions, "evaluations.jsonl": evaluations }
    for (const log of logs) {
      const damage = yield* io(`read ${log}`, () => AppendLog.refusal(join(folder, log), marks[log] ?? AppendLog.none))
      if (damage !== null) {
        // A line that does not decode is reported; a change that still decodes cannot be located.
        yield* readers[log]
        return yield* fail(
          `${log} ${damage} after step ${resumeFrom?.step}; restore it, or remove that checkpoint to resume from the one before`,
        )
      }
    }
    const path = join(folder, "config.json")
    yield* io("write config.json", () => Durable.writeAtomic(path, configText(plain, before?.about ?? about)))
    const whole = yield* io("read events.jsonl", () => readLines(join(folder, "events.jsonl")))
    const opened = yield* io("open the logs", () =>
      Promise.all(logs.map((log) => AppendLog.make(join(folder, log), marks[log] ?? AppendLog.none))),
    )
    const kept = yield* io("read events.jsonl", () => readLines(join(folder, "events.jsonl")))
    const append = (index: number, rows: ReadonlyArray<unknown>) =>
      io(`append to ${logs[index]}`, () => opened[index].append(rows.map((row) => `${JSON.stringify(row)}\n`).join("")))
    const encode = Schema.encodeSync(LoggedGroup.LoggedGroup)
    const flushed = io("flush the logs", async () =>
      Object.fromEntries(await Promise.all(logs.map(async (log, i) => [log, await opened[i].mark()] as const))),
    )
    return {
      folder,
      resumeFrom,
      redone: whole.length - kept.length,
      checkpoints,
      checkpoint: (saving) => Checkpoint.write({ ...saving, folder: checkpoints, logs: flushed }),
      saved: (file) => {
        const from = resumeFrom?.path ?? checkpoints
        return Effect.tryPromise({
          try: () => RegularFile.bytes(join(from, file)).then(String),
          catch: (cause) =>
            new CheckpointError({ path: from, reason: `${file} cannot be read: ${(cause as Error).message}` }),
        })
      },
      appendEvent: (report) => append(0, [report]),
      appendCompletions: (groups) =>
        append(
          1,
          groups.map((group) => encode(group)),
        ),
      appendEvaluation: (evaluated) => append(2, [evaluated]),
      logs: flushed,
      write: (file, text) => io(`write ${file}`, () => Durable.writeAtomic(join(folder, file), text)),
      read: (file) => io(`read ${file}`, () => RegularFile.text(join(folder, file))),
      events,
      completions,
      evaluations,
    }
  })
