/** `polaris data filter`: rows by difficulty, and without those in benchmarks. */
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Readable } from "node:stream"
import { type Dataset, LoggedGroup, RegularFile } from "@lpo/rollout"
import { Effect, Option, Result, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import * as Question from "../../data/Question.ts"
import * as Settings from "../../Settings.ts"
import { UsageError } from "../../Usage.ts"
import * as Shared from "./shared.ts"

const decode = Schema.decodeUnknownSync(LoggedGroup.LoggedGroup)

/** Refuses a run on other rows: its groups know rows by their numbers only. */
const sameRows = Effect.fn("filter.sameRows")(function* (run: string, rows: Dataset.Rows) {
  const refused = (reason: string) => new UsageError({ reason: `--run ${run}: ${reason}` })
  const { data } = yield* Settings.ofRun(run)
  if (data === null) return yield* refused("it made its own problems, so it has no pass rates of rows")
  const sha256 = data.train.fingerprint?.sha256
  if (sha256 !== rows.fingerprint.sha256)
    return yield* refused(
      `it was trained on other rows, ${data.train.source} with sha256 ${sha256 ?? "unknown"}; give those rows (these have ${rows.fingerprint.sha256})`,
    )
})

/** Pass rates of a run's problems by row: its groups refer to a problem by its row number. */
const passRates = (run: string) =>
  Effect.tryPromise({
    try: async () => {
      const counts = new Map<number, { right: number; all: number }>()
      const input = Readable.from(RegularFile.pieces(join(run, "completions.jsonl")))
      for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        const { completions, problem } = decode(JSON.parse(line))
        const count = counts.get(Number(problem)) ?? { right: 0, all: 0 }
        for (const { verdict } of completions)
          if (verdict.status === "ok") {
            count.all++
            if (verdict.correct) count.right++
          }
        counts.set(Number(problem), count)
      }
      return new Map([...counts].map(([row, { all, right }]) => [row, right / all]))
    },
    catch: (cause) =>
      new UsageError({ reason: `--run ${run}: completions.jsonl cannot be read (${(cause as Error).message})` }),
  })

/** The pass rate in a row's `difficulty`: "3/8", or a share. Null if there is none. */
const rateOf = (row: unknown): number | null => {
  const value = typeof row === "object" && row !== null && "difficulty" in row ? row.difficulty : null
  if (typeof value === "number") return value >= 0 && value <= 1 ? value : null
  const parts = typeof value === "string" ? /^\s*(\d+)\s*\/\s*(\d+)\s*$/.exec(value) : null
  return parts === null || Number(parts[2]) === 0 ? null : Number(parts[1]) / Number(parts[2])
}

const share = (name: string, what: string, value: number) =>
  Flag.Finite(name).pipe(Flag.withDescription(`${what} Default ${value}`), Flag.withDefault(value))

export const command = Command.make(
  "filter",
  {
    data: Shared.data,
    out: Shared.out,
    min: share("min-pass", "Lowest pass rate, from 0.", 0),
    max: share("max-pass", "Highest pass rate, up to 1.", 1),
    run: Flag.Directory("run").pipe(
      Flag.withDescription(
        "Take pass rates from this run on the same data. Default: the column difficulty (such as 3/8)",
      ),
      Flag.optional,
      Flag.map(Option.getOrNull),
    ),
    without: Flag.String("without").pipe(
      Flag.withDescription("Drop questions that are in these datasets, comma-separated"),
      Flag.optional,
      Flag.map(Option.getOrNull),
    ),
  },
  Effect.fn(function* ({ data, max, min, out, run, without }) {
    if (!(min >= 0 && min <= max && max <= 1))
      return yield* new UsageError({
        reason: `--min-pass is ${min} and --max-pass ${max}; give shares from 0 to 1, in this order`,
      })
    const banned = new Set<string>()
    for (const source of without?.split(",") ?? [])
      yield* Stream.runForEach((yield* Shared.rowsOf(source)).stream, ({ value }) =>
        Effect.sync(() => {
          const text = Result.isSuccess(value) ? Question.ofRow(value.success) : null
          if (text !== null) banned.add(text)
        }),
      )
    const rows = yield* Shared.rowsOf(data)
    if (run !== null) yield* sameRows(run, rows)
    const rates = run === null ? null : yield* passRates(run)
    const isFiltered = min > 0 || max < 1 || rates !== null
    const left = { kept: 0, hard: 0, easy: 0, unknown: 0, shared: 0 }
    const sift = (write: (row: unknown) => Effect.Effect<void, UsageError>) =>
      Stream.runForEach(rows.stream, ({ index, value }) =>
        Effect.gen(function* () {
          const row = yield* Effect.fromResult(value)
          if (banned.has(Question.ofRow(row) ?? "")) return void left.shared++
          const rate = rates === null ? rateOf(row) : (rates.get(index + 1) ?? null)
          // An untried row is kept with a run's rates and dropped with a column's: there it is missing.
          if (isFiltered && rate === null) {
            left.unknown++
            if (rates === null) return
          }
          if (rate !== null && rate < min) return void left.hard++
          if (rate !== null && rate > max) return void left.easy++
          left.kept++
          yield* write(row)
        }),
      )
    yield* Shared.writing(out, sift)
    yield* Shared.print(
      `${out}: ${left.kept} of ${rows.length} rows; ${left.hard} too hard, ${left.easy} too easy, ${left.shared} in ${without ?? "no benchmark"}, ` +
        `${left.unknown} without a pass rate (${rates === null ? "left out" : "kept"})`,
    )
  }, Effect.scoped),
).pipe(Command.withDescription("Keep rows by their pass rate, and drop questions of benchmarks"))
