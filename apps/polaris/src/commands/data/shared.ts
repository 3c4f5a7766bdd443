/** What the commands on data share: options, and datasets that are open. */
import { createWriteStream } from "node:fs"
import { once } from "node:events"
import { Dataset, Terminal } from "@lpo/rollout"
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
  Flag.withDescription("The format of the rows. Default: the one that fits the first rows"),
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

/** The rows of a dataset, as they stand. */
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

/** A file of JSON lines to write; it is whole when the scope ends. Fails where there is one of that name already. */
export const writer = (path: string) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const stream = createWriteStream(path, { flags: "wx" })
        await once(stream, "open")
        return stream
      },
      catch: (cause) =>
        new UsageError({
          reason:
            (cause as NodeJS.ErrnoException).code === "EEXIST"
              ? `--out ${path} exists already; choose another name, or remove it`
              : `--out ${path} cannot be written (${(cause as Error).message})`,
        }),
    }),
    (stream) => Effect.promise(() => new Promise<void>((resolve) => stream.end(resolve))),
  ).pipe(
    Effect.map(
      (stream) => (row: unknown) =>
        Effect.promise(async () => {
          if (!stream.write(`${json(row)}\n`)) await once(stream, "drain")
        }),
    ),
  )

export const print = (line: string) => Effect.sync(() => void process.stdout.write(`${Terminal.visible(line)}\n`))
