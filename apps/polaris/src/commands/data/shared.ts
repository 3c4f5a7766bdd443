/** Shared by the commands on data: options, and open datasets. */
import { lstat } from "node:fs/promises"
import { Dataset, RegularFile, Terminal } from "@lpo/rollout"
import { Effect, Option } from "effect"
import { Argument, Flag } from "effect/cli"
import * as Data from "../../Data.ts"
import { open as openTask, type Reads, tasks } from "../../tasks/index.ts"
import { UsageError } from "../../Usage.ts"
import * as View from "../../View.ts"

export const data = Argument.String("data").pipe(
  Argument.withDescription(
    "A .jsonl, .json or .parquet file (also .gz), or name[@revision][:[config/]split] on the hub",
  ),
)
export const task = Flag.Literals("task", Object.keys(tasks)).pipe(
  Flag.withDescription("How rows are read and answers judged"),
)
export const format = Flag.String("format").pipe(
  Flag.withDescription("Format of the rows. Default: the one that fits the first rows"),
  Flag.optional,
  Flag.map(Option.getOrNull),
)
export const model = Flag.String("model").pipe(
  Flag.withDescription(
    "Count tokens as this model does: a folder or a name on the hub. Default: characters are counted",
  ),
  Flag.optional,
  Flag.map(Option.getOrNull),
)
export const out = Flag.File("out").pipe(Flag.withDescription("The file of JSON lines to write"))

/** A dataset with its reader, and the task. */
export const open = Effect.fn("data.open")(function* (
  flags: { readonly data: string; readonly task: string; readonly format: string | null },
  reads: Reads = "chat",
) {
  const domain = yield* openTask(flags.task, {})
  const task = yield* domain.task(reads)
  const opened = yield* Data.open({ source: flags.data, format: flags.format, fingerprint: null }, task, View.make())
  return {
    task,
    rows: opened.rows,
    format: opened.settings.format ?? "",
    read: task.fromRow[opened.settings.format ?? ""],
  }
})

/** The rows of a dataset, as they are. */
export const rowsOf = (source: string) => Dataset.open(source)

/** A value of a row as JSON: 64-bit integers in digits, bytes in base64. */
export const json = (row: unknown): string =>
  JSON.stringify(row, (_, value: unknown) =>
    typeof value === "bigint"
      ? Number.isSafeInteger(Number(value))
        ? Number(value)
        : String(value)
      : value instanceof Uint8Array
        ? Buffer.from(value).toString("base64")
        : value,
  )

/** Characters of rows that are written at a time. */
const batchLength = 1 << 16

/**
 * Writes rows to a file of JSON lines. It appears under its name once `use` has ended and all rows are on the disk, otherwise not
 * at all. Fails if a file of that name exists.
 */
export const writing = <A, E, R>(
  path: string,
  use: (write: (row: unknown) => Effect.Effect<void, UsageError>) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | UsageError, R> => {
  const io = <B>(run: () => Promise<B>) =>
    Effect.tryPromise({
      try: run,
      catch: (cause) =>
        new UsageError({
          reason: `--out ${path} cannot be written, and no partial file is left (${(cause as Error).message}); choose another folder, or free space`,
        }),
    })
  const isThere = io(() =>
    lstat(path).then(
      () => true,
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return false
        throw cause
      },
    ),
  )
  return Effect.gen(function* () {
    if (yield* isThere)
      return yield* new UsageError({ reason: `--out ${path} exists already; choose another name, or remove it` })
    return yield* Effect.acquireUseRelease(
      io(() => RegularFile.draft(path)),
      (file) => {
        let text = ""
        const flush = Effect.suspend(() => {
          const now = text
          text = ""
          return io(() => file.append(now))
        })
        const write = (row: unknown) =>
          Effect.suspend(() => ((text += `${json(row)}\n`).length < batchLength ? Effect.void : flush))
        return use(write).pipe(
          Effect.tap(() => flush),
          Effect.tap(() => io(() => file.commit())),
        )
      },
      (file) => Effect.promise(() => file.discard()),
    )
  })
}

export const print = (line: string) => Effect.sync(() => void process.stdout.write(`${Terminal.visible(line)}\n`))
