/**
 * `polaris data validate`: rows that cannot be turned into problems, answers that their own verifier refuses, duplicates, prompts
 * that are too long.
 */
import { createHash } from "node:crypto"
import { Terminal } from "@lpo/rollout"
import { Effect, Option, Result, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import * as Question from "../../data/Question.ts"
import * as Tokens from "../../data/Tokens.ts"
import { UsageError } from "../../Usage.ts"
import * as Shared from "./shared.ts"

/** How many rows of a kind are listed. */
const shown = 5

export const command = Command.make(
  "validate",
  {
    data: Shared.data,
    task: Shared.task,
    format: Shared.format,
    model: Shared.model,
    longest: Flag.Int("longest").pipe(
      Flag.withDescription("Longest prompt: tokens with --model, else characters. Default 4096"),
      Flag.withDefault(4096),
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("Check only the first N rows. Default: all"),
      Flag.optional,
      Flag.map(Option.getOrNull),
    ),
  },
  Effect.fn(function* (flags) {
    const { format, read, rows, task } = yield* Shared.open(flags)
    const tokenizer = flags.model === null ? null : yield* Tokens.load(flags.model)
    const faults = new Map<string, { count: number; readonly lines: Array<string> }>()
    const note = (kind: string, line: string): void => {
      const found = faults.get(kind) ?? { count: 0, lines: [] }
      found.count++
      if (found.lines.length < shown) found.lines.push(line)
      faults.set(kind, found)
    }
    /** Row and answer by the question's hash. */
    const seen = new Map<string, { readonly row: number; readonly answer: string }>()
    let problems = 0
    const stream = flags.limit === null ? rows.stream : Stream.take(rows.stream, flags.limit)
    yield* Stream.runForEach(stream, ({ index, value }) =>
      Effect.gen(function* () {
        const row = index + 1
        if (Result.isFailure(value)) return note("broken rows", value.failure.message)
        const made = read(value.success, String(row))
        if (Result.isFailure(made)) {
          const { reason } = made.failure
          const kind = /no answer|answer is (?:""|null|\[\])|must be a text or a number/.test(reason)
            ? "rows without an answer"
            : "rows that cannot be turned into problems"
          return note(kind, (yield* rows.error(index, reason)).message)
        }
        problems++
        const problem = made.success
        const refusal = yield* task.validate(problem)
        if (refusal !== null) note("answers that their own verifier refuses", `row ${row}: ${refusal}`)
        const key = createHash("sha256").update(Question.normal(problem.prompt, Question.spaceless)).digest("base64")
        const answer = Shared.json(problem.answer)
        const before = seen.get(key)
        if (before === undefined) seen.set(key, { row, answer })
        else if (before.answer === answer) note("duplicates", `row ${row} asks the same as row ${before.row}`)
        else
          note("duplicates with another answer", `row ${row} says ${answer}, row ${before.row} says ${before.answer}`)
        const length =
          tokenizer === null
            ? Question.characters(problem.prompt)
            : (yield* Tokens.encode(tokenizer, problem.prompt)).length
        if (length > flags.longest)
          note("prompts that are too long", `row ${row}: ${length} ${tokenizer === null ? "characters" : "tokens"}`)
      }),
    )
    yield* Shared.print(
      `${rows.source}: ${Terminal.counted(rows.length, "row")} (${rows.format}), read as ${format} of the task ${task.name}: ${Terminal.counted(problems, "problem")}`,
    )
    yield* Shared.print(`sha256 ${rows.fingerprint.sha256}`)
    for (const [kind, { count, lines }] of faults) {
      yield* Shared.print(`${kind}: ${count}`)
      for (const line of lines) yield* Shared.print(`  ${line}`)
      if (count > lines.length) yield* Shared.print(`  and ${count - lines.length} more`)
    }
    const total = [...faults.values()].reduce((sum, { count }) => sum + count, 0)
    if (total > 0)
      return yield* new UsageError({
        reason: `${rows.source}: ${total} findings; train --bad-rows leave-out skips rows that cannot be turned into problems`,
      })
    yield* Shared.print("nothing to report")
  }, Effect.scoped),
).pipe(Command.withDescription("Find rows that cannot be trained on: broken, without an answer, repeated, too long"))
