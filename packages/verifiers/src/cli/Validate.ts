/**
 * `lpo-verifiers validate`: are these ground truths fit to judge by? Each must decode, accept itself and refuse a wrong answer, and one
 * of mathematics must accept itself in ten other spellings; those that are only compared as text are listed.
 *
 * The rows are JSON lines or one JSON array: rows to verify (`task` and `answer`), or those of a published data set, which the readers
 * of a task understand.
 */
import { createReadStream } from "node:fs"
import { readFile } from "node:fs/promises"
import { createInterface } from "node:readline"
import { type Problem, RegularFile } from "@lpo/rollout"
import { Effect, Result, Schema, Stream } from "effect"
import { inOrder } from "@lpo/rollout/Concurrent"
import * as RowJson from "../internal/rowJson.ts"
import { Answer, list, understood } from "../math/Grade.ts"
import { rewritings } from "../math/Rewritings.ts"
import * as Task from "../Task.ts"
import type * as Tasks from "../Tasks.ts"
import { define } from "@lpo/rollout/Verifier"
import { CheckError } from "./Check.ts"

/** @category models */
export interface Options {
  readonly file: string
  readonly tasks: Tasks.Registry<Task.AnyTask>
  /** The task whose readers are asked about rows that name none. */
  readonly task: string
  /** The reader; without one, the first that reads the row. */
  readonly format?: string
  /** Rows under way at once. Default 16. */
  readonly concurrency?: number
}

/** What is the matter with a row. @category models */
export interface Finding {
  /** Counts from 1. */
  readonly row: number
  readonly id: string
  readonly kind: "unreadable" | "refused" | "text"
  readonly reason: string
}

/** @category models */
export interface Summary {
  readonly rows: number
  /** Ground truths that are understood and accept themselves, in every spelling. */
  readonly fit: number
  /** Ground truths of mathematics that accept themselves and are only compared as text. */
  readonly text: number
  readonly seconds: number
}

interface Entry {
  readonly row: number
  readonly value: unknown
}

const parse = (text: string): unknown => {
  try {
    return RowJson.parse(text)
  } catch (cause) {
    return new CheckError({ reason: `is not JSON: ${(cause as Error).message}` })
  }
}

const entries = async function* (file: string): AsyncGenerator<Entry> {
  let row = 0
  if (/\.json$/i.test(file)) {
    const all: unknown = RowJson.parse((await readFile(file, "utf8")).replace(/^\uFEFF/, ""))
    for (const value of Array.isArray(all) ? (all as ReadonlyArray<unknown>) : [all]) yield { row: ++row, value }
    return
  }
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity }))
    if (text.trim() !== "") yield { row: ++row, value: parse(text.replace(/^\uFEFF/, "")) }
}

/** The problem of a row: our own, which names its task, or a published one. */
const problemOf = ({ format, task, tasks }: Options, { row, value }: Entry): Result.Result<Problem.Problem, string> => {
  if (value instanceof CheckError) return Result.fail(value.reason)
  if (typeof value === "object" && value !== null && "task" in value && "answer" in value) {
    const { answer, task: named } = value
    const id = "id" in value ? String(value.id) : String(row)
    if (typeof named === "string" && tasks.has(named))
      return Result.succeed({ id: id === "" ? String(row) : id, task: named, prompt: "", answer })
    if (format === undefined)
      return Result.fail(`no task ${JSON.stringify(named)}; there are ${[...tasks.keys()].join(", ")}`)
  }
  const readers = Object.entries(tasks.get(task)?.fromRow ?? {})
  const chosen = format === undefined ? readers : readers.filter(([name]) => name === format)
  let why = `task ${task} reads no rows`
  for (const [i, [, read]] of chosen.entries()) {
    const problem = read(value, String(row))
    if (Result.isSuccess(problem)) return Result.succeed(problem.success)
    // Of several readers the first says most.
    if (i === 0) why = problem.failure.message
  }
  return Result.fail(why)
}

/** Tasks whose ground truths are mathematics. */
const mathematical: ReadonlySet<string> = new Set(["math", "geometry3k"])

const decode = Schema.decodeUnknownResult(Answer)

type Fault = Pick<Finding, "kind" | "reason">

/** What is the matter with a problem of mathematics: its gold must accept itself, and where it is understood, in every spelling. */
const faultOfMathematics = (task: Task.AnyTask, problem: Problem.Problem): Effect.Effect<Fault | null> =>
  Effect.gen(function* () {
    const verifier = define(task.graders.strict)
    const golds = list(problem.answer as Answer)
    const refuses = (text: string) =>
      Effect.map(verifier.verify(problem, { text, finish: "stop" }), ({ correct, reason, status }) =>
        status === "ok" && correct ? null : `it refuses ${text}: ${reason}`,
      )
    for (const gold of golds) {
      const itself = yield* refuses(`\\boxed{${gold}}`)
      if (itself !== null) return { kind: "refused", reason: itself }
    }
    if (!understood(problem.answer as Answer)) return { kind: "text", reason: golds.join(" or ") }
    const why = yield* task.validate(problem)
    if (why !== null) return { kind: "refused", reason: why }
    for (const gold of golds)
      for (const [name, rewrite] of Object.entries(rewritings)) {
        const rewritten = yield* refuses(`\\boxed{${rewrite(gold)}}`)
        if (rewritten !== null) return { kind: "refused", reason: `${name}, ${rewritten}` }
      }
    return null
  })

const faultOf = (task: Task.AnyTask, problem: Problem.Problem): Effect.Effect<Fault | null> =>
  Effect.gen(function* () {
    if (mathematical.has(task.name) && Result.isSuccess(decode(problem.answer)))
      return yield* faultOfMathematics(task, problem)
    const reason = yield* task.validate(problem)
    return reason === null ? null : { kind: "refused", reason }
  })

/** Validates a file; `onFinding` hears of every row that something is the matter with, in order. @category running */
export const run = (
  options: Options,
  onFinding: (finding: Finding) => Effect.Effect<void>,
): Effect.Effect<Summary, CheckError> =>
  Effect.gen(function* () {
    const { concurrency = 16, file, format, task, tasks } = options
    const known = tasks.get(task)
    if (known === undefined)
      return yield* new CheckError({ reason: `no task "${task}"; there are ${[...tasks.keys()].join(", ")}` })
    if (format !== undefined && !Object.hasOwn(known.fromRow, format)) {
      const formats = Object.keys(known.fromRow).join(", ")
      return yield* new CheckError({ reason: `${task} has no format "${format}"; it reads ${formats}` })
    }
    const started = performance.now()
    let [rows, fit, text] = [0, 0, 0]
    const examine = (entry: Entry): Effect.Effect<Finding | null> => {
      const problem = problemOf(options, entry)
      if (Result.isFailure(problem))
        return Effect.succeed({ row: entry.row, id: String(entry.row), kind: "unreadable", reason: problem.failure })
      const { id, task: name } = problem.success
      return Effect.map(faultOf(tasks.get(name) ?? known, problem.success), (fault) =>
        fault === null ? null : { row: entry.row, id, ...fault },
      )
    }
    yield* Stream.fromAsyncIterable(
      entries(file),
      (cause) => new CheckError({ reason: `${file}: ${RegularFile.unread(cause)}` }),
    ).pipe(
      (all) => inOrder(all, examine, concurrency),
      Stream.runForEach((found) =>
        Effect.suspend(() => {
          rows++
          if (found === null) fit++
          else if (found.kind === "text") text++
          return found === null ? Effect.void : onFinding(found)
        }),
      ),
    )
    return { rows, fit, text, seconds: (performance.now() - started) / 1000 }
  })
