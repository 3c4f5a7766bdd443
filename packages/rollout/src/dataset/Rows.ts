/**
 * Rows of a dataset that lies in files. They are read when they are needed: what is held is where each begins, not what it says.
 */
import { createHash } from "node:crypto"
import { Effect, Result, Schema, Stream } from "effect"
import * as RegularFile from "../RegularFile.ts"
import { DatasetError } from "../RolloutError.ts"

/** What tells one dataset from another: how many rows, and the SHA-256 of its file, or of the hashes of its files in order. */
export const Fingerprint = Schema.Struct({ rows: Schema.Int, sha256: Schema.String })
/** @category models */
export interface Fingerprint extends Schema.Schema.Type<typeof Fingerprint> {}

/** A row as it stands, or why it cannot be read; `index` counts from 0. @category models */
export interface Row {
  readonly index: number
  readonly value: Result.Result<unknown, DatasetError>
}

/** @category models */
export interface Rows {
  /** A path, or a name on the hub with its commit. */
  readonly source: string
  /** The files, in order. */
  readonly files: ReadonlyArray<string>
  readonly format: "json-lines" | "json-array" | "parquet"
  readonly fingerprint: Fingerprint
  readonly length: number
  /** The rows of these indices (from 0), in the order asked for. */
  readonly read: (indices: ReadonlyArray<number>) => Effect.Effect<ReadonlyArray<unknown>, DatasetError>
  /** All rows once, in order, broken ones among them. */
  readonly stream: Stream.Stream<Row, DatasetError>
  /** What a person calls the place of a row. */
  readonly error: (index: number, reason: string) => Effect.Effect<DatasetError>
}

/** A fault of the dataset as a whole. */
export const fault = (source: string, reason: string): DatasetError =>
  new DatasetError({ source, row: null, line: null, column: null, reason })

/** Runs `use` on the file at `source`; a failure of the operating system is said in one line. */
export const io = <A>(source: string, use: () => Promise<A>): Effect.Effect<A, DatasetError> =>
  Effect.tryPromise({
    try: use,
    catch: (cause) => {
      if (cause instanceof DatasetError) return cause
      const { code, message } = cause as NodeJS.ErrnoException
      return fault(
        source,
        code === "ENOENT"
          ? "there is no such file; give the path of a .jsonl, .json or .parquet file"
          : `cannot be read (${message})`,
      )
    },
  })

/** The SHA-256 of a file, in hexadecimal digits. */
export const sha256 = (path: string): Effect.Effect<string, DatasetError> =>
  io(path, async () => {
    const hash = createHash("sha256")
    for await (const part of RegularFile.pieces(path)) hash.update(part)
    return hash.digest("hex")
  })

/** Several files as one dataset; one file is itself. */
export const concat = (source: string, parts: ReadonlyArray<Rows>): Rows => {
  const [first] = parts
  if (parts.length === 1) return { ...first, source }
  const starts: Array<number> = []
  let length = 0
  for (const part of parts) {
    starts.push(length)
    length += part.length
  }
  const partOf = (index: number): number => starts.findLastIndex((start) => start <= index)
  const hash = createHash("sha256")
  for (const { fingerprint } of parts) hash.update(`${fingerprint.sha256}\n`)
  return {
    source,
    files: parts.flatMap(({ files }) => files),
    format: first.format,
    fingerprint: { rows: length, sha256: hash.digest("hex") },
    length,
    read: (indices) =>
      Effect.gen(function* () {
        const out: Array<unknown> = Array.from({ length: indices.length })
        for (const [p, part] of parts.entries()) {
          const places = [...indices.keys()].filter((i) => partOf(indices[i]) === p)
          if (places.length === 0) continue
          const values = yield* part.read(places.map((i) => indices[i] - starts[p]))
          for (const [j, i] of places.entries()) out[i] = values[j]
        }
        return out
      }),
    stream: Stream.fromIterable(parts.entries()).pipe(
      Stream.flatMap(([p, part]) =>
        Stream.map(part.stream, ({ index, value }) => ({ index: index + starts[p], value })),
      ),
    ),
    error: (index, reason) => parts[partOf(index)].error(index - starts[partOf(index)], reason),
  }
}
