/** Reading rows of published data sets: columns by the names that they go by, and one line that says why a row makes no problem. */
import * as Problem from "@lpo/rollout/Problem"
import { Result } from "effect"
import * as RowJson from "../internal/rowJson.ts"
import { type FromRow, RowError } from "../Task.ts"

/** A row, its 64-bit integers as numbers. */
export type Columns = Readonly<Record<string, unknown>>

class Refusal extends Error {}

/** Ends the reading of a row: `reason` names the value, the rule and the fix. */
export const refuse = (reason: string): never => {
  throw new Refusal(reason)
}

export const isRecord = (value: unknown): value is Columns =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)

/** Parquet's int64 as a number, or as text where no number holds it: a `bigint` can be neither compared nor written as JSON. */
const plain = (value: unknown): unknown => {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) return Array.from(value, plain)
  if (value instanceof Int32Array || value instanceof Float64Array) return Array.from(value)
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)])) : value
}

/** A value as it stands in messages. */
export const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** The value of the first of these columns that is there and not null; undefined when none is. */
export const find = (row: Columns, names: ReadonlyArray<string>): unknown =>
  names.map((name) => row[name]).find((value) => value !== undefined && value !== null)

/** The text of the first of these columns that is there; a blank one is none. */
export const text = (row: Columns, ...names: ReadonlyArray<string>): string => {
  const value = find(row, names)
  const columns = names.map((name) => `"${name}"`).join(" or ")
  if (value === undefined) return refuse(`no column ${columns}; it has ${Object.keys(row).join(", ") || "none"}`)
  if (typeof value !== "string" || value.trim() === "") return refuse(`${columns} is ${show(value)}; it must be a text`)
  return value
}

/** An integer, given as a number or in digits. */
export const integer = (value: unknown, what: string): number => {
  const number = typeof value === "string" && /^\s*-?\d+\s*$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number)
    ? number
    : refuse(`${what} is ${show(value)}; it must be an integer`)
}

/** The value of a JSON text; what is not a text stays what it is. */
export const json = (value: unknown, what: string): unknown => {
  if (typeof value !== "string") return value
  try {
    return RowJson.parse(value)
  } catch {
    return refuse(`${what} is ${show(value)}, which is not JSON`)
  }
}

/** The columns of these names that are there, as a problem's `meta`. */
export const meta = (row: Columns, ...names: ReadonlyArray<string>): Columns =>
  Object.fromEntries(
    names.map((name) => [name, row[name]]).filter(([, value]) => value !== undefined && value !== null),
  )

/** The decoder of a format from a function that reads one row and refuses by `refuse`. */
export const decoder =
  (
    task: string,
    format: string,
    read: (row: Columns) => Pick<Problem.Problem, "prompt" | "answer" | "meta">,
  ): FromRow =>
  (row, id) => {
    try {
      const columns = plain(row)
      if (!isRecord(columns)) return refuse(`it is ${show(columns)}; give a record of columns`)
      const { meta, ...rest } = read(columns)
      return Result.succeed({ id, task, ...rest, ...(meta !== undefined && Object.keys(meta).length > 0 && { meta }) })
    } catch (cause) {
      if (cause instanceof Refusal) return Result.fail(new RowError({ task, format, id, reason: cause.message }))
      throw cause
    }
  }
