/**
 * Parquet: rows by ranges of row groups. Binary columns stay bytes, 64-bit integers arrive as `bigint`. The metadata that programs
 * leave in a file is not looked at: the schema of the file itself says what is in it.
 */
import { Effect, Option, Result, Stream } from "effect"
import type { AsyncBuffer, FileMetaData } from "hyparquet"
import { DatasetError } from "../RolloutError.ts"
import { fault, io, type Row, type Rows, sha256 } from "./Rows.ts"

/** Rows are decoded in slices of about so many bytes, where a row group is larger. */
const sliceBytes = 64 << 20

interface Slice {
  readonly from: number
  readonly to: number
}

/** The rows of the file in ranges that may be held: whole row groups, or parts of large ones. */
const slicesOf = ({ row_groups }: FileMetaData): ReadonlyArray<Slice> => {
  const slices: Array<Slice> = []
  let start = 0
  for (const { num_rows, total_byte_size } of row_groups) {
    const rows = Number(num_rows)
    const size = Math.max(1, Math.floor(rows / Math.max(1, Math.ceil(Number(total_byte_size) / sliceBytes))))
    for (let from = 0; from < rows; from += size)
      slices.push({ from: start + from, to: start + Math.min(rows, from + size) })
    start += rows
  }
  return slices
}

/** The rows of a Parquet file, whichever codec it is packed with. */
export const make = Effect.fn("Parquet.make")(function* (path: string) {
  const hash = yield* sha256(path)
  const parquet = yield* Effect.promise(() => Promise.all([import("hyparquet"), import("hyparquet-compressors")]))
  const [{ asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects }, { compressors }] = parquet
  const damaged = (cause: unknown) =>
    fault(path, `is no Parquet file that can be read (${(cause as Error).message}); get it again`)
  const file: AsyncBuffer = yield* io(path, () => asyncBufferFromFile(path))
  const metadata = yield* Effect.tryPromise({ try: () => parquetMetadataAsync(file), catch: damaged })
  const length = Number(metadata.num_rows)
  const slices = slicesOf(metadata)
  const decode = ({ from, to }: Slice): Effect.Effect<ReadonlyArray<unknown>, DatasetError> =>
    Effect.tryPromise({
      try: () =>
        parquetReadObjects({
          file,
          metadata,
          compressors,
          // The default takes every binary column for text and loses images.
          utf8: false,
          useOffsetIndex: true,
          rowStart: from,
          rowEnd: to,
        }),
      catch: (cause) => fault(path, `rows ${from + 1} to ${to} cannot be read (${(cause as Error).message})`),
    })
  const rows: Rows = {
    source: path,
    files: [path],
    format: "parquet",
    fingerprint: { rows: length, sha256: hash },
    length,
    read: (indices) =>
      Effect.gen(function* () {
        const out: Array<unknown> = Array.from({ length: indices.length })
        // A slice is decoded once for all of its rows that are asked for, and let go.
        for (const { from, to } of slices) {
          const places = [...indices.keys()].filter((i) => indices[i] >= from && indices[i] < to)
          if (places.length === 0) continue
          const wanted = places.map((i) => indices[i])
          const low = Math.min(...wanted)
          const values = yield* decode({ from: low, to: Math.max(...wanted) + 1 })
          for (const i of places) out[i] = values[indices[i] - low]
        }
        return out
      }),
    stream: Stream.paginate(0, (s: number) => {
      if (s >= slices.length) return Effect.succeed([[] as Array<Row>, Option.none<number>()] as const)
      return Effect.map(decode(slices[s]), (values) => {
        const out = values.map((value, i): Row => ({ index: slices[s].from + i, value: Result.succeed(value) }))
        return [out, Option.some(s + 1)] as const
      })
    }),
    error: (index, reason) =>
      Effect.succeed(new DatasetError({ source: path, row: index + 1, line: null, column: null, reason })),
  }
  return rows
})
