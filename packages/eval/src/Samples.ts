/**
 * The samples of an evaluation on disk: `samples.jsonl`, one line per problem with every response, its verdict and the reason.
 * Whatever ends an evaluation, its samples are kept, and resuming samples only the rest.
 *
 * @module
 */
import { open as openFile, truncate } from "node:fs/promises"
import { Dataset, RolloutError } from "@lpo/rollout"
import { Effect, Result, Schema, type Scope, Stream } from "effect"
import { type Judged, Sample } from "./Metrics.ts"

/** A response with its verdict and measurements. @category models */
export const Response = Schema.Struct({
  ...Sample.fields,
  text: Schema.String,
  /** The answer as found in the text. */
  extracted: Schema.optionalKey(Schema.String),
  /** Why it is right or wrong, or has no verdict. */
  reason: Schema.optionalKey(Schema.String),
})
/** @category models */
export interface Response extends Schema.Schema.Type<typeof Response> {}

/** The responses to one problem, in the order of the requests. @category models */
export const Row = Schema.Struct({
  /** Position of the problem in the benchmark, from 0. */
  place: Schema.Int,
  problem: Schema.String,
  samples: Schema.Array(Response),
})
/** @category models */
export interface Row extends Schema.Schema.Type<typeof Row> {}

/** A file of samples, open for more. @category models */
export interface Samples {
  /** Positions that already have samples. */
  readonly done: ReadonlySet<number>
  /** Appends a row. */
  readonly append: (row: Row) => Effect.Effect<void, RolloutError.DatasetError>
}

const fault = (source: string, reason: string) =>
  new RolloutError.DatasetError({ source, row: null, line: null, column: null, reason })

const decode = Schema.decodeUnknownResult(Row)

/** A row without its texts, for metrics. @category reading */
export const judgedOf = ({ problem, samples }: Row): Judged => ({
  problem,
  samples: samples.map(({ correct, key, length, score, status, surprise, truncated }) => ({
    correct,
    key,
    length,
    score,
    status,
    surprise,
    truncated,
  })),
})

/** The rows of a file, one after the other, none kept in memory. Fails with a `DatasetError` with the damaged line. */
const rowsOf = (rows: Dataset.Rows): Stream.Stream<Row, RolloutError.DatasetError> =>
  rows.stream.pipe(
    Stream.mapEffect(({ index, value }) => {
      const row = Result.flatMap(value, (read) => decode(read))
      if (Result.isSuccess(row)) return Effect.succeed(row.success)
      return Effect.flatMap(rows.error(index, `is not a row of samples: ${row.failure.message}`), Effect.fail)
    }),
  )

/**
 * The judged samples of a file in the order of the problems, without their texts: about 100 bytes per sample in memory. Fails with
 * a `DatasetError` for a damaged line, and if a problem occurs twice, as when two evaluations wrote into one file.
 *
 * @category reading
 */
export const read = Effect.fn("Samples.read")(function* (path: string) {
  const rows = yield* Dataset.open(path)
  const found = new Map<number, Judged>()
  yield* Stream.runForEach(rowsOf(rows), (row) =>
    found.has(row.place)
      ? Effect.fail(fault(path, `has problem ${row.problem} twice; two evaluations wrote into it, so start a new one`))
      : Effect.sync(() => void found.set(row.place, judgedOf(row))),
  )
  return [...found].sort(([a], [b]) => a - b).map(([, judged]) => judged)
}, Effect.scoped)

const newline = 0x0a

/** Cuts off a last line that a kill left unfinished; returns the remaining size. */
const mend = async (path: string): Promise<number> => {
  const handle = await openFile(path, "a+")
  try {
    const { size } = await handle.stat()
    const part = Buffer.alloc(1 << 16)
    for (let end = size; end > 0;) {
      const start = Math.max(0, end - part.length)
      const { bytesRead } = await handle.read(part, 0, end - start, start)
      const last = part.subarray(0, bytesRead).lastIndexOf(newline)
      if (last >= 0) {
        if (start + last + 1 < size) await truncate(path, start + last + 1)
        return start + last + 1
      }
      end = start
    }
    if (size > 0) await truncate(path, 0)
    return 0
  } finally {
    await handle.close()
  }
}

/**
 * Opens a file of samples, new or existing, until the scope closes. A last line that a kill cut short is dropped; any other
 * damage is a `DatasetError` with the line. On closing, everything is flushed to the disk.
 *
 * @category constructors
 */
export const open = (path: string): Effect.Effect<Samples, RolloutError.DatasetError, Scope.Scope> =>
  Effect.gen(function* () {
    const io = <A>(what: string, use: () => Promise<A>) =>
      Effect.tryPromise({ try: use, catch: (cause) => fault(path, `cannot ${what} (${(cause as Error).message})`) })
    const size = yield* io("be opened", () => mend(path))
    const done = new Set<number>()
    if (size > 0) {
      const before = yield* Dataset.open(path)
      yield* Stream.runForEach(rowsOf(before), ({ place }) => Effect.sync(() => void done.add(place)))
    }
    const handle = yield* Effect.acquireRelease(
      io("be opened", () => openFile(path, "a")),
      (opened) =>
        Effect.promise(async () => {
          // The rows are complete even if they cannot be flushed now.
          await opened.sync().catch(() => undefined)
          await opened.close()
        }),
    )
    return {
      done,
      append: (row) => io("be written", () => handle.appendFile(`${JSON.stringify(row)}\n`)),
    }
  })
