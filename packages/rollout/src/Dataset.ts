/**
 * Datasets: where problems come from, and the order in which training walks through them.
 *
 * Rows of a file or of the hub are read when they are needed (`open`), and a task's reader makes problems of them (`fromRows`); a file
 * of JSON lines may also hold problems as they are (`fromJsonLines`).
 *
 * @module
 */
import { Effect, Result, Schema } from "effect"
import { open } from "./dataset/Open.ts"
import * as Problems from "./dataset/Problems.ts"
import { Problem } from "./Problem.ts"

export { isFile, open } from "./dataset/Open.ts"
export type { Options as HubOptions, Progress } from "./dataset/Hub.ts"
export {
  type Draw,
  draw,
  from,
  type FromRows,
  fromRows,
  type Options,
  type Problems,
  type Read,
  take,
} from "./dataset/Problems.ts"
export { Fingerprint, type Row, type Rows } from "./dataset/Rows.ts"

const isRecord = (row: unknown): row is Readonly<Record<string, unknown>> =>
  typeof row === "object" && row !== null && !Array.isArray(row)

/** A row as a problem is written: a whole number as its id, and columns that a problem has not got in its `meta`. */
const tidied = (row: unknown): unknown => {
  if (!isRecord(row)) return row
  const { id, meta, ...rest } = row
  const known: Record<string, unknown> = {}
  const more: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(rest)) (key in Problem.fields ? known : more)[key] = value
  const name = typeof id === "bigint" || (typeof id === "number" && Number.isSafeInteger(id)) ? String(id) : id
  return {
    ...known,
    ...(id === undefined ? {} : { id: name }),
    ...(meta === undefined && Object.keys(more).length === 0
      ? {}
      : { meta: meta === undefined || isRecord(meta) ? { ...more, ...meta } : meta }),
  }
}

const decodeProblem = Schema.decodeUnknownResult(Problem, { errors: "all", onExcessProperty: "error" })

/**
 * Reads problems from a file whose rows are problems, and holds them. An id may be a whole number, and columns that a problem has not got
 * are kept in its `meta`. Fails with a `DatasetError` that names the row (from 1) and what
 * is wrong with it; ids must be unique.
 *
 * @category constructors
 */
export const fromJsonLines = Effect.fn("Dataset.fromJsonLines")(function* (path: string) {
  const seen = new Set<string>()
  const read: Problems.Read = (row) =>
    Result.mapError(decodeProblem(tidied(row)), (error) => ({ reason: error.message })).pipe(
      Result.flatMap((problem) => {
        if (seen.has(problem.id)) return Result.fail({ reason: `id "${problem.id}" occurs twice; ids must be unique` })
        seen.add(problem.id)
        return Result.succeed(problem)
      }),
    )
  const rows = yield* open(path)
  const { length, at } = yield* Problems.fromRows(rows, read)
  seen.clear()
  return yield* at(Array.from({ length }, (_, place) => place))
}, Effect.scoped)
