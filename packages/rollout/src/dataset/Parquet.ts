/**
 * Parquet: rows by ranges of row groups. Binary columns stay bytes, 64-bit integers arrive as `bigint`. The metadata that programs
 * leave in a file is not looked at: the schema of the file itself says what is in it. Decoding runs in a process that can be stopped:
 * a small file can ask for any amount of work and memory, and a damaged one ends its decoder at any place.
 */
import { Effect, Option, Result, Stream } from "effect"
import * as GuardedProcess from "../GuardedProcess.ts"
import { DatasetError } from "../RolloutError.ts"
import type { Done, Job, Slice } from "./parquetWorker.ts"
import { fault, type Row, type Rows, sha256 } from "./Rows.ts"

const run = GuardedProcess.make<Done>(new URL("./parquetWorker", import.meta.url), { seconds: 120, megabytes: 1024 })
const ask = (job: Job) => run(job)

/** The rows of a Parquet file, whichever codec it is packed with. */
export const make = Effect.fn("Parquet.make")(function* (path: string) {
  const hash = yield* sha256(path)
  const damaged = ({ message }: Error) => fault(path, `is not a readable Parquet file (${message}); get it again`)
  const slices = (yield* Effect.mapError(ask({ path, rows: null }), damaged)) as ReadonlyArray<Slice>
  const length = slices.at(-1)?.to ?? 0
  const decode = (rows: Slice): Effect.Effect<ReadonlyArray<unknown>, DatasetError> =>
    Effect.mapError(ask({ path, rows }), ({ message }) =>
      fault(path, `rows ${rows.from + 1} to ${rows.to} cannot be read (${message})`),
    )
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
