/**
 * A run on disk: `config.json`, `events.jsonl` (a line a step), `completions.jsonl`, `checkpoints/`, and a lock.
 *
 * One process owns a run at a time. Rows written after the checkpoint that a run resumes from are dropped, because the
 * steps they describe are taken again.
 */
import { appendFile, open as openFile, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { LoggedGroup } from "@lpo/rollout"
import { Effect, Schema, type Scope } from "effect"
import * as Checkpoint from "./Checkpoint.ts"
import * as Durable from "./internal/durable.ts"
import { StepReport } from "./StepReport.ts"
import { type CheckpointError, RunError } from "./TrainerError.ts"

/** An open run. @category models */
export interface Run {
  readonly folder: string
  /** The checkpoint to go on from; null for a new run. */
  readonly resumeFrom: Checkpoint.Checkpoint | null
  /** Steps whose rows were dropped on resuming, because they come after that checkpoint and are taken again. */
  readonly redone: number
  readonly checkpoints: string
  readonly appendEvent: (report: StepReport) => Effect.Effect<void, RunError>
  readonly appendCompletions: (groups: ReadonlyArray<LoggedGroup.LoggedGroup>) => Effect.Effect<void, RunError>
  /** Writes a file of the run whole. */
  readonly write: (file: string, text: string) => Effect.Effect<void, RunError>
  /** A file of the run; null when there is none. */
  readonly read: (file: string) => Effect.Effect<string | null, RunError>
  readonly events: Effect.Effect<ReadonlyArray<StepReport>, RunError>
  readonly completions: Effect.Effect<ReadonlyArray<LoggedGroup.LoggedGroup>, RunError>
}

/** A configuration as plain JSON. @category models */
export type Config = Readonly<Record<string, unknown>>

const logs = { "events.jsonl": StepReport, "completions.jsonl": LoggedGroup.LoggedGroup } as const

const decodeConfig = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** A file's text; null when there is none. */
const readText = (path: string): Promise<string | null> =>
  readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null
    throw cause
  })

/** Whole lines of a log; a last line cut short by a kill is left out. */
const readLines = async (path: string): Promise<ReadonlyArray<string>> =>
  ((await readText(path)) ?? "").split("\n").slice(0, -1)

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
              reason: `${log}, line ${i + 1} is damaged: ${message}; restore the file, or remove the line and those after it`,
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

/** The first key whose value differs and may not; null when there is none. */
const clash = (before: Config, after: Config, mayChange: ReadonlyArray<string>): string | null => {
  const [a, b] = [new Map(leaves(before)), new Map(leaves(after))]
  const path = [...new Set([...a.keys(), ...b.keys()])].find(
    (key) => a.get(key) !== b.get(key) && !mayChange.some((free) => key === free || key.startsWith(`${free}.`)),
  )
  if (path === undefined) return null
  const [was, is] = [a.get(path) ?? "absent", b.get(path) ?? "absent"]
  return `was started with ${path} ${was}, and now it is ${is}; leave it as it was, or start a new run${mayChange.length === 0 ? "" : ` (a resume may change ${mayChange.join(", ")})`}`
}

/**
 * The configuration of the run in a folder, without what `open` recorded under `about`; null when there is no run. Fails with a
 * `RunError` for a file that is no JSON object.
 *
 * @category io
 */
export const readConfig = Effect.fn("RunStore.readConfig")(function* (folder: string) {
  const fail = (reason: string) => new RunError({ folder, reason: `config.json ${reason}` })
  const text = yield* Effect.tryPromise({
    try: () => readText(join(folder, "config.json")),
    catch: (cause) => fail(`cannot be read (${(cause as Error).message})`),
  })
  if (text === null) return null
  const all = yield* decodeConfig(text).pipe(Effect.mapError(({ message }) => fail(`does not decode: ${message}`)))
  const { about, ...config } = all
  return { config: config as Config, about }
})

/**
 * Opens a run for the lifetime of the scope. A new run needs a folder that does not exist yet; with `resume` it must
 * exist and hold the same configuration but for the keys of `mayChange`. `about` is written beside a new run's configuration and
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
  /** Versions, host, command: where the run comes from. */
  readonly about?: Config
}): Effect.Effect<Run, RunError | CheckpointError, Scope.Scope> =>
  Effect.gen(function* () {
    const { about, config, folder, mayChange = [], resume } = options
    const fail = (reason: string) => new RunError({ folder, reason })
    const io = <A>(what: string, run: () => Promise<A>) =>
      Effect.tryPromise({
        try: run,
        catch: (cause) => fail(`cannot ${what} (${(cause as Error).message}); put that right, then resume`),
      })
    const before = yield* readConfig(folder)
    if (before !== null && !resume) return yield* fail("exists already; resume it, or choose another name")
    if (before === null && resume) return yield* fail("does not exist, so there is nothing to resume")
    // As it will be read back: what JSON cannot hold does not count.
    const plain = JSON.parse(JSON.stringify(config)) as Config
    const refusal = before === null ? null : clash(before.config, plain, mayChange)
    if (refusal !== null) return yield* fail(refusal)
    yield* io("create the folder", () => Durable.makeFolder(join(folder, "checkpoints")))
    const lock = join(folder, "lock")
    yield* Effect.acquireRelease(acquireLock(lock, fail, io), () => Effect.promise(() => rm(lock, { force: true })))
    const origin = before === null ? about : before.about
    const text = `${JSON.stringify({ ...plain, ...(origin === undefined ? {} : { about: origin }) }, null, 2)}\n`
    yield* io("write config.json", () => Durable.writeAtomic(join(folder, "config.json"), text))
    const checkpoints = join(folder, "checkpoints")
    const resumeFrom = yield* Checkpoint.latest(checkpoints)
    const events = readRows(folder, "events.jsonl", logs["events.jsonl"])
    const completions = readRows(folder, "completions.jsonl", logs["completions.jsonl"])
    let redone = 0
    if (resume) {
      const from = resumeFrom?.step ?? 0
      for (const [log, rows] of [
        ["events.jsonl", yield* events],
        ["completions.jsonl", yield* completions],
      ] as const) {
        if (log === "events.jsonl") redone = rows.filter(({ step }) => step > from).length
        yield* io(`drop the rows of ${log} after the last checkpoint`, async () => {
          const lines = (await readLines(join(folder, log))).filter((_, i) => rows[i].step <= from)
          await Durable.writeAtomic(join(folder, log), lines.map((line) => `${line}\n`).join(""))
        })
      }
    }
    const append = (log: string, rows: ReadonlyArray<unknown>) =>
      io(`append to ${log}`, () =>
        appendFile(join(folder, log), rows.map((row) => `${JSON.stringify(row)}\n`).join("")),
      )
    const encode = Schema.encodeSync(LoggedGroup.LoggedGroup)
    return {
      folder,
      resumeFrom,
      redone,
      checkpoints,
      appendEvent: (report) => append("events.jsonl", [report]),
      appendCompletions: (groups) =>
        append(
          "completions.jsonl",
          groups.map((group) => encode(group)),
        ),
      write: (file, text) => io(`write ${file}`, () => Durable.writeAtomic(join(folder, file), text)),
      read: (file) => io(`read ${file}`, () => readText(join(folder, file))),
      events,
      completions,
    }
  })

const acquireLock = (
  lock: string,
  fail: (reason: string) => RunError,
  io: <A>(what: string, run: () => Promise<A>) => Effect.Effect<A, RunError>,
): Effect.Effect<void, RunError> =>
  Effect.gen(function* () {
    const create = async (): Promise<boolean> => {
      const handle = await openFile(lock, "wx").catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "EEXIST") return null
        throw cause
      })
      await handle?.writeFile(String(process.pid))
      await handle?.close()
      return handle !== null
    }
    if (yield* io("lock the run", create)) return
    const pid = Number(yield* io("read the lock", () => readFile(lock, "utf8")))
    if (pid > 0 && pid !== process.pid && isAlive(pid)) {
      return yield* fail(
        `is in use by process ${pid}; wait for it or stop it (if that is no training run, remove ${lock})`,
      )
    }
    // Its owner was killed: the lock is nobody's.
    yield* io("remove a stale lock", () => rm(lock, { force: true }))
    if (!(yield* io("lock the run", create))) return yield* fail("was locked by another process just now")
  })
