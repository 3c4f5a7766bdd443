/**
 * `lpo-verifiers check`: grades a JSON-lines file. One verdict row per row of the file, in its order, appended as they are
 * reached; a run that was stopped goes on after the last whole verdict row.
 *
 * A line that is not a row gets a verdict row of status `error` that names the line, so the two files keep step.
 */
import { Readable } from "node:stream"
import { rename, rm, stat, truncate, writeFile } from "node:fs/promises"
import { createInterface } from "node:readline"
import { RegularFile, Verdict } from "@lpo/rollout"
import { type Duration, Effect, Result, Schema, Stream } from "effect"
import { inOrder } from "@lpo/rollout/Concurrent"
import * as RowJson from "../internal/rowJson.ts"
import * as Row from "../server/Row.ts"
import * as Tasks from "../Tasks.ts"
import type { Mode } from "@lpo/rollout/Verifier"

/** The check could not start, or a file could not be read or written. @category errors */
export class CheckError extends Schema.TaggedError<CheckError>()("CheckError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/** @category models */
export interface Options {
  readonly file: string
  readonly out: string
  readonly tasks: Tasks.Registry
  readonly mode: Mode
  /** Verifications running at once. Default 16. */
  readonly concurrency?: number
  readonly deadline?: Duration.Input
  /** Forget what `out` holds. */
  readonly restart?: boolean
  readonly onStart?: (state: { readonly done: number; readonly total: number }) => void
  readonly onVerdict?: (verdict: Row.VerdictRow) => void
  /** A line that is not a row; `line` counts from 1. */
  readonly onBadRow?: (line: number, reason: string) => void
}

/** @category models */
export interface Summary {
  /** Rows of the file, blank lines not counted. */
  readonly rows: number
  /** Verdicts that an earlier run had reached. */
  readonly resumed: number
  readonly ok: number
  readonly correct: number
  readonly errors: number
  readonly timeouts: number
  /** Lines that are not rows; they count among the errors too. */
  readonly bad: number
  /** Rows by task that were left, because their task has no such mode; their verdict rows say so, and they are not errors. */
  readonly left: ReadonlyMap<string, number>
  /** Mean score of the verdicts that are ok; NaN when there is none. */
  readonly meanScore: number
  /** Why the first row that could not be judged could not; empty when all could. */
  readonly refusal: string
  readonly seconds: number
}

const io = <A>(what: string, run: () => Promise<A>): Effect.Effect<A, CheckError> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => new CheckError({ reason: `${what}: ${(cause as Error).message}` }),
  })

interface Line {
  /** Counts from 1. */
  readonly line: number
  readonly text: string
}

const lines = async function* (file: string): AsyncGenerator<Line> {
  let line = 0
  for await (const text of createInterface({ input: Readable.from(RegularFile.pieces(file)), crlfDelay: Infinity })) {
    line++
    if (text.trim() !== "") yield { line, text: line === 1 && text.startsWith("\uFEFF") ? text.slice(1) : text }
  }
}

const parse = (text: string): Result.Result<unknown, string> => {
  try {
    return Result.succeed(RowJson.parse(text))
  } catch (cause) {
    return Result.fail(`is not JSON: ${(cause as Error).message}`)
  }
}

interface Judged {
  readonly verdict: Row.VerdictRow
  readonly left: string | null
}

interface Tally {
  ok: number
  correct: number
  errors: number
  timeouts: number
  bad: number
  score: number
  refusal: string
  readonly left: Map<string, number>
}

/** The task of a row that the mode does not fit; null for every other. */
const leftOf = (value: unknown, tasks: Tasks.Registry, mode: Mode): string | null => {
  const name = typeof value === "object" && value !== null && "task" in value ? value.task : null
  const task = typeof name === "string" ? tasks.get(name) : undefined
  return task !== undefined && !Object.hasOwn(task.graders, mode) ? task.name : null
}

const count = (tally: Tally, verdict: Row.VerdictRow, left: string | null): void => {
  if (left !== null) {
    tally.left.set(left, (tally.left.get(left) ?? 0) + 1)
    return
  }
  if (verdict.status !== "ok" && tally.refusal === "") tally.refusal = verdict.reason ?? verdict.status
  if (verdict.status === "ok") {
    tally.ok++
    tally.score += verdict.score
    if (verdict.correct) tally.correct++
  } else if (verdict.status === "timeout") tally.timeouts++
  else tally.errors++
}

/** The mode of the verdicts in `out`: beside it, because its rows are verdicts and nothing else. */
const noteOf = (out: string): string => `${out}.mode`

/** Cuts `out` after its last whole row, checks that its rows answer the first of `file`, and counts them. */
const resume = async ({ file, mode, out, tasks }: Options, tally: Tally): Promise<number> => {
  const size = await stat(out).then(
    (s) => s.size,
    () => 0,
  )
  if (size === 0) return 0
  const made = (await RegularFile.text(noteOf(out)).catch(() => mode)) ?? mode
  if (made.trim() !== mode)
    throw new Error(`it contains verdicts of mode "${made.trim()}", not "${mode}"; give another --out, or --restart`)
  let kept = 0
  let done = 0
  const rows = lines(file)
  let buffer = Buffer.alloc(0)
  const take = async (bytes: Buffer): Promise<void> => {
    const verdict = JSON.parse(bytes.toString("utf8")) as Row.VerdictRow
    const row = await rows.next()
    const value = row.done === true ? null : parse(row.value.text)
    const read = value !== null && Result.isSuccess(value) ? value.success : null
    const id = Row.idOf(read)
    if (row.done === true || id !== verdict.id)
      throw new Error(
        `its row ${done + 1} has id ${JSON.stringify(verdict.id)}, ${file} has ${JSON.stringify(id)} there; give another --out, or --restart`,
      )
    count(tally, verdict, leftOf(read, tasks, mode))
    done++
  }
  try {
    for await (const chunk of RegularFile.pieces(out)) {
      buffer = Buffer.concat([buffer, chunk])
      let from = 0
      for (let end = buffer.indexOf(10); end >= 0; end = buffer.indexOf(10, from)) {
        await take(buffer.subarray(from, end))
        kept += end + 1 - from
        from = end + 1
      }
      buffer = buffer.subarray(from)
    }
  } finally {
    await rows.return(undefined)
  }
  if (kept < size) await truncate(out, kept)
  return done
}

/** Grades a file. Writes only whole rows; what it wrote stands whatever ends it. @category running */
export const run = (options: Options): Effect.Effect<Summary, CheckError> =>
  Effect.gen(function* () {
    const { concurrency = 16, file, mode, out, tasks } = options
    const started = performance.now()
    const tally: Tally = { ok: 0, correct: 0, errors: 0, timeouts: 0, bad: 0, score: 0, refusal: "", left: new Map() }
    const total = yield* Effect.tryPromise({
      try: async () => {
        let n = 0
        for await (const _ of lines(file)) n++
        return n
      },
      catch: (cause) => new CheckError({ reason: `${file}: ${RegularFile.unread(cause)}` }),
    })
    if (options.restart === true)
      yield* io(`${out} cannot be removed`, () =>
        Promise.all([rm(out, { force: true }), rm(noteOf(out), { force: true })]),
      )
    const resumed = yield* io(`${out} cannot be resumed`, () => resume(options, tally))
    yield* io(`${noteOf(out)} cannot be written`, async () => {
      await writeFile(`${noteOf(out)}.tmp`, `${mode}\n`)
      await rename(`${noteOf(out)}.tmp`, noteOf(out))
    })
    options.onStart?.({ done: resumed, total })
    const verifier = Tasks.verifier(tasks, mode, options.deadline === undefined ? {} : { deadline: options.deadline })

    const judge = ({ line, text }: Line): Effect.Effect<Judged> => {
      const value = parse(text)
      const row = Result.isSuccess(value) ? Row.decode(value.success) : value
      if (Result.isSuccess(row)) {
        const { completion, problem } = Row.item(row.success)
        return Effect.map(verifier.verify(problem, completion), (verdict) => ({
          verdict: { id: row.success.id, ...verdict },
          left: leftOf(row.success, tasks, mode),
        }))
      }
      return Effect.sync(() => {
        tally.bad++
        options.onBadRow?.(line, row.failure)
        const id = Result.isSuccess(value) ? Row.idOf(value.success) : null
        return { verdict: { id, ...Verdict.unreached("error", `line ${line}: ${row.failure}`) }, left: null }
      })
    }
    const write = (handle: Awaited<ReturnType<typeof RegularFile.open>>) =>
      Stream.fromAsyncIterable(
        lines(file),
        (cause) => new CheckError({ reason: `${file}: ${(cause as Error).message}` }),
      ).pipe(
        Stream.drop(resumed),
        (rows) => inOrder(rows, judge, concurrency),
        Stream.runForEachArray((judged) =>
          Effect.suspend(() => {
            for (const { left, verdict } of judged) {
              count(tally, verdict, left)
              options.onVerdict?.(verdict)
            }
            const text = judged.map(({ verdict }) => `${JSON.stringify(verdict)}\n`).join("")
            return Effect.uninterruptible(io(`${out} cannot be written`, () => handle.appendFile(text)))
          }),
        ),
      )
    yield* Effect.acquireUseRelease(
      io(`${out} cannot be written`, () => RegularFile.open(out, "a")),
      write,
      (handle) => Effect.promise(() => handle.close()),
    )
    const { bad, correct, errors, left, ok, refusal, score, timeouts } = tally
    const seconds = (performance.now() - started) / 1000
    return { rows: total, resumed, ok, correct, errors, timeouts, bad, left, meanScore: score / ok, refusal, seconds }
  })
