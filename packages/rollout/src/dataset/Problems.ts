/**
 * Problems that are held or made of rows, and the order in which training walks through them. Rows are looked at once, and each
 * problem is made again when it is drawn.
 *
 * The order is a function of the seed and the place alone: epoch e is the problems shuffled by stream `<seed>/shuffle/<e>`, so a
 * resumed run needs no more than how many problems were drawn. Nothing here touches a file, so it runs in a browser too.
 *
 * @module
 */
import { Effect, Result, Stream } from "effect"
import type { Problem } from "../Problem.ts"
import { DatasetError } from "../RolloutError.ts"
import * as Seed from "../Seed.ts"
import type { Fingerprint, Rows } from "./Rows.ts"

/** Makes a problem of a row, or says why it makes none; a task's readers are such functions. @category models */
export type Read = (row: unknown, id: string) => Result.Result<Problem, { readonly reason: string }>

/** Problems that are read when they are drawn. @category models */
export interface Problems {
  readonly length: number
  /** The problems at these places (from 0), in the order asked for. */
  readonly at: (places: ReadonlyArray<number>) => Effect.Effect<Array<Problem>, DatasetError>
  /** The problem of that id; null where there is none. */
  readonly find: (id: string) => Effect.Effect<Problem | null, DatasetError>
}

/** Problems of a dataset, and what of it made none. @category models */
export interface FromRows extends Problems {
  readonly fingerprint: Fingerprint
  /** Rows that made no problem, in order; empty unless they were to be left out. */
  readonly leftOut: ReadonlyArray<DatasetError>
}

/** @category models */
export interface Options {
  /** Which rows count; others are passed over, and are not bad rows. `row` is undefined where it cannot be read, `index` counts from 0. Default: all. */
  readonly wanted?: (row: unknown, index: number) => boolean
  /** Which problems count. Default: all. */
  readonly only?: (problem: Problem) => boolean
  /** What happens to a row that makes no problem: the reading fails with it, or goes on without it. Default `fail`. */
  readonly badRows?: "fail" | "leave-out"
}

/** The id of a row: its number, from 1. It does not change when the file is moved or other rows are left out. */
const idOf = (index: number): string => String(index + 1)

/**
 * The problems of a dataset's rows. All rows are read once, which finds those that make no problem; nothing of them is held.
 *
 * @category constructors
 */
export const fromRows = Effect.fn("Dataset.fromRows")(function* (rows: Rows, read: Read, options: Options = {}) {
  const { badRows = "fail", only = () => true, wanted = () => true } = options
  const good: Array<number> = []
  const leftOut: Array<DatasetError> = []
  yield* Stream.runForEach(rows.stream, ({ index, value }) =>
    Effect.gen(function* () {
      if (!wanted(Result.getOrUndefined(value), index)) return
      const problem = Result.flatMap(value, (row) => read(row, idOf(index)))
      if (Result.isSuccess(problem)) {
        if (only(problem.success)) good.push(index)
        return
      }
      const why = problem.failure
      const error = why instanceof DatasetError ? why : yield* rows.error(index, why.reason)
      if (badRows === "fail") return yield* error
      leftOut.push(error)
    }),
  )
  if (good.length === 0)
    return yield* new DatasetError({
      source: rows.source,
      row: null,
      line: null,
      column: null,
      reason: `none of its ${rows.length} rows makes a problem that is wanted${leftOut.length > 0 ? `; the first: ${leftOut[0].message}` : ""}`,
    })
  const make = (index: number, row: unknown): Effect.Effect<Problem, DatasetError> =>
    Result.match(read(row, idOf(index)), {
      onSuccess: Effect.succeed,
      onFailure: ({ reason }) => Effect.flatMap(rows.error(index, reason), Effect.fail),
    })
  const at = Effect.fn("Dataset.at")(function* (places: ReadonlyArray<number>) {
    const indices = places.map((place) => good[place])
    const values = yield* rows.read(indices)
    return yield* Effect.forEach(values, (row, i) => make(indices[i], row))
  })
  const problems: FromRows = {
    length: good.length,
    fingerprint: rows.fingerprint,
    leftOut,
    at,
    find: (id) => {
      const index = /^[1-9]\d*$/.test(id) ? Number(id) - 1 : -1
      return good.includes(index)
        ? Effect.flatMap(rows.read([index]), ([row]) => make(index, row))
        : Effect.succeed(null)
    },
  }
  return problems
})

const isHeld = (problems: ReadonlyArray<Problem> | Problems): problems is ReadonlyArray<Problem> =>
  Array.isArray(problems)

/** Problems that are held, as those that are read when they are drawn; what is such already stays it. @category constructors */
export const from = (problems: ReadonlyArray<Problem> | Problems): Problems => {
  if (!isHeld(problems)) return problems
  let byId: Map<string, Problem> | null = null
  return {
    length: problems.length,
    at: (places) => Effect.succeed(places.map((place) => problems[place])),
    find: (id) =>
      Effect.sync(() => {
        byId ??= new Map(problems.map((problem) => [problem.id, problem]))
        return byId.get(id) ?? null
      }),
  }
}

/** The places of problems, of `length`, that training takes from place `from` (counted over all epochs). */
const places = (length: number, { from, seed, size }: Draw): Array<number> => {
  const out: Array<number> = []
  let epoch = -1
  let order: Array<number> = []
  for (let i = from; i < from + size; i++) {
    const e = Math.floor(i / length)
    if (e !== epoch) {
      epoch = e
      order = Seed.shuffle(
        Array.from({ length }, (_, place) => place),
        `${seed}/shuffle/${e}`,
      )
    }
    out.push(order[i % length])
  }
  return out
}

/** Which problems to take. @category models */
export interface Draw {
  /** Place of the first, counted over all epochs, from 0. */
  readonly from: number
  readonly size: number
  readonly seed: string
}

/**
 * `size` problems, walking through epoch after epoch, from place `from` (counted over all epochs, from 0).
 *
 * @category combinators
 */
export const take = (problems: ReadonlyArray<Problem>, draw: Draw): Array<Problem> =>
  places(problems.length, draw).map((place) => problems[place])

/**
 * The same of problems that are read when they are drawn: `draw` of `from(problems)` is `take` of `problems`.
 *
 * @category combinators
 */
export const draw = (problems: Problems, which: Draw): Effect.Effect<Array<Problem>, DatasetError> =>
  problems.at(places(problems.length, which))
