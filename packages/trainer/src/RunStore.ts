/**
 * A run on disk: `config.json`, `events.jsonl` (a line a step), `completions.jsonl`, `checkpoints/`, and a lock.
 *
 * One process owns a run at a time. Rows written after the checkpoint that a run resumes from are dropped, because the
 * steps they describe are taken again.
 */
import { appendFile, mkdir, open as openFile, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import * as Checkpoint from "./Checkpoint.ts"
import * as Durable from "./internal/durable.ts"
import { type CheckpointError, RunError } from "./TrainerError.ts"

/** A row of a run's log; `step` counts the steps taken, from 1. @category models */
export interface Row {
  readonly step: number
  readonly [name: string]: unknown
}

/** An open run. @category models */
export interface Run {
  readonly folder: string
  /** The checkpoint to go on from; null for a new run. */
  readonly resumeFrom: Checkpoint.Checkpoint | null
  /** Steps whose rows were dropped on resuming, because they come after that checkpoint and are taken again. */
  readonly redone: number
  readonly checkpoints: string
  readonly appendEvent: (row: Row) => Effect.Effect<void, RunError>
  readonly appendCompletions: (rows: ReadonlyArray<Row>) => Effect.Effect<void, RunError>
  /** Writes a file of the run whole. */
  readonly write: (file: string, text: string) => Effect.Effect<void, RunError>
  /** A file of the run; null when there is none. */
  readonly read: (file: string) => Effect.Effect<string | null, RunError>
  readonly events: Effect.Effect<ReadonlyArray<Row>, RunError>
  readonly completions: Effect.Effect<ReadonlyArray<Row>, RunError>
}

const logs = ["events.jsonl", "completions.jsonl"] as const

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

/** Whole rows of a log; a last line cut short by a kill is left out. */
const readRows = async (path: string): Promise<Array<Row>> => {
  const text = (await readText(path)) ?? ""
  const lines = text.split("\n")
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Row)
}

/**
 * Opens a run for the lifetime of the scope. A new run needs a folder that does not exist yet; with `resume` it must
 * exist and hold the same configuration. Fails with a `RunError` or, for a damaged checkpoint, a `CheckpointError`.
 *
 * @category constructors
 */
export const open = (options: {
  readonly folder: string
  readonly config: Record<string, unknown>
  readonly resume: boolean
}): Effect.Effect<Run, RunError | CheckpointError, Scope.Scope> =>
  Effect.gen(function* () {
    const { config, folder, resume } = options
    const fail = (reason: string) => new RunError({ folder, reason })
    const io = <A>(what: string, run: () => Promise<A>) =>
      Effect.tryPromise({
        try: run,
        catch: (cause) => fail(`cannot ${what} (${(cause as Error).message}); mend it and run again with --resume`),
      })
    const text = `${JSON.stringify(config, null, 2)}\n`
    const path = join(folder, "config.json")
    const before = yield* io("read config.json", () => readText(path))
    if (before !== null && !resume)
      return yield* fail("exists already; give --resume to go on with it, or another --name")
    if (before === null && resume)
      return yield* fail("does not exist, so there is nothing to resume; leave out --resume")
    if (before !== null && before !== text) {
      return yield* fail(
        "was started with another configuration; resume with the options it was started with (config.json)",
      )
    }
    yield* io("create the folder", () => mkdir(join(folder, "checkpoints"), { recursive: true }))
    const lock = join(folder, "lock")
    yield* Effect.acquireRelease(acquireLock(lock, fail, io), () => Effect.promise(() => rm(lock, { force: true })))
    if (before === null) yield* io("write config.json", () => Durable.writeAtomic(path, text))
    const checkpoints = join(folder, "checkpoints")
    const resumeFrom = yield* Checkpoint.latest(checkpoints)
    let redone = 0
    if (resume) {
      yield* io("drop the rows after the last checkpoint", async () => {
        for (const log of logs) {
          const before = await readRows(join(folder, log))
          const rows = before.filter((row) => row.step <= (resumeFrom?.step ?? 0))
          if (log === "events.jsonl") redone = before.length - rows.length
          await Durable.writeAtomic(join(folder, log), rows.map((row) => `${JSON.stringify(row)}\n`).join(""))
        }
      })
    }
    const append = (log: string, rows: ReadonlyArray<Row>) =>
      io(`append to ${log}`, () =>
        appendFile(join(folder, log), rows.map((row) => `${JSON.stringify(row)}\n`).join("")),
      )
    return {
      folder,
      resumeFrom,
      redone,
      checkpoints,
      appendEvent: (row) => append("events.jsonl", [row]),
      appendCompletions: (rows) => append("completions.jsonl", rows),
      write: (file, text) => io(`write ${file}`, () => Durable.writeAtomic(join(folder, file), text)),
      read: (file) => io(`read ${file}`, () => readText(join(folder, file))),
      events: io("read events.jsonl", () => readRows(join(folder, "events.jsonl"))),
      completions: io("read completions.jsonl", () => readRows(join(folder, "completions.jsonl"))),
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
