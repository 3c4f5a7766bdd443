/** Your own problems, with your own verifier: a prompt, and whatever answer the verifier reads. */
import { Problem, Verdict } from "@lpo/rollout"
import { Task } from "@lpo/verifiers"
import { Effect, Result, Schema } from "effect"
import * as Rows from "./Rows.ts"

export const name = "own"

const isRecord = (row: unknown): row is Readonly<Record<string, unknown>> =>
  typeof row === "object" && row !== null && !Array.isArray(row)

const messages = Schema.decodeUnknownResult(Schema.NonEmptyArray(Problem.Message))

/** `prompt` (a text, or messages) or `question` or `problem` (a text), and `answer`, which may be anything; other columns go to `meta`. */
const fromRow =
  (style: Task.Style): Task.FromRow =>
  (row, id) => {
    const refuse = (reason: string) => Result.fail(new Task.RowError({ task: name, format: "own", id, reason }))
    if (!isRecord(row)) return refuse("it is not a record of columns")
    const asked = row["prompt"] ?? row["question"] ?? row["problem"]
    const answer = row["answer"] ?? null
    const { answer: _, problem: __, prompt: ___, question: ____, ...meta } = row
    const more = Object.keys(meta).length === 0 ? {} : { meta }
    if (typeof asked === "string" && asked.trim() !== "") {
      const prompt = style === "chat" ? [{ role: "user" as const, content: asked }] : asked
      return Result.succeed({ id, task: name, prompt, answer, ...more })
    }
    const chat = messages(asked)
    return Result.isSuccess(chat)
      ? Result.succeed({ id, task: name, prompt: chat.success, answer, ...more })
      : refuse(
          `no prompt: give a column "prompt" with a text or a list of { role, content }; the row has ${Object.keys(row).join(", ") || "no columns"}`,
        )
  }

const unjudged = {
  name,
  answer: Schema.Unknown,
  grade: () => Verdict.unreached("error", "the task own does not have a verifier; give --verifier"),
}

export const make = Rows.make(name, (reads) => {
  const task: Task.Task<unknown, string> = {
    name,
    Answer: Schema.Unknown,
    ask: (question) => Task.prompt(question, Rows.styleOf(reads)),
    fromRow: { own: fromRow(Rows.styleOf(reads)) },
    graders: { strict: unjudged },
    validate: () => Effect.succeed(null),
  }
  return Effect.succeed(task)
})
