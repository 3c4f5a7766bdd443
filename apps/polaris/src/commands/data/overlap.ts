/** `polaris data overlap`: questions of one dataset that are also in others. */
import { Effect, Result, Stream } from "effect"
import { Argument, Command } from "effect/cli"
import * as Question from "../../data/Question.ts"
import * as Shared from "./shared.ts"

const shown = 10

/** Rows by their question. */
const questions = (source: string) =>
  Effect.gen(function* () {
    const rows = yield* Shared.rowsOf(source)
    const found = new Map<string, Array<number>>()
    yield* Stream.runForEach(rows.stream, ({ index, value }) =>
      Effect.sync(() => {
        const text = Result.isSuccess(value) ? Question.ofRow(value.success) : null
        if (text !== null) found.set(text, [...(found.get(text) ?? []), index + 1])
      }),
    )
    return { rows: rows.length, source: rows.source, found }
  }).pipe(Effect.scoped)

export const command = Command.make(
  "overlap",
  {
    data: Shared.data,
    others: Argument.String("others").pipe(
      Argument.withDescription("Datasets to compare with, such as benchmarks"),
      Argument.variadic({ min: 1 }),
    ),
  },
  Effect.fn(function* ({ data, others }) {
    const mine = yield* questions(data)
    for (const other of others) {
      const theirs = yield* questions(other)
      const shared = [...theirs.found].flatMap(([text, rows]) => {
        const same = mine.found.get(text)
        return same === undefined ? [] : [{ rows, same }]
      })
      const count = shared.reduce((sum, { rows }) => sum + rows.length, 0)
      yield* Shared.print(`${theirs.source}: ${count} of ${theirs.rows} questions are in ${mine.source} (${mine.rows})`)
      for (const { rows, same } of shared.slice(0, shown))
        yield* Shared.print(`  row ${rows.join(", ")} is row ${same.join(", ")}`)
      if (shared.length > shown) yield* Shared.print(`  and ${shared.length - shown} more`)
    }
  }),
).pipe(
  Command.withDescription(
    "Find questions of benchmarks in training data; white space, punctuation and case are ignored",
  ),
)
