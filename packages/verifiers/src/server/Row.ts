/**
 * A row to verify, as it stands in a JSON-lines file and in a request: `{ "id", "task", "answer", "response", "problem"? }`,
 * and the verdict row that answers it.
 *
 * @module
 */
import { Problem, type Verdict } from "@lpo/rollout"
import { Result, Schema } from "effect"
import type { Item } from "@lpo/rollout/Verifier"

/** @category models */
export const Row = Schema.Struct({
  /** Comes back with the verdict. */
  id: Schema.Union([Schema.String, Schema.Finite]),
  /** Names the verifier. */
  task: Schema.NonEmptyString,
  /** The ground truth, in the form that the task's verifier decodes. */
  answer: Schema.Unknown,
  /** What the policy wrote, special tokens removed. */
  response: Schema.String,
  /** The prompt; only graders that score prompt and response together look at it. */
  problem: Schema.optionalKey(Problem.Problem.fields.prompt),
  /** Whether the response ended by itself. Default `stop`. */
  finish: Schema.optionalKey(Schema.Literals(["stop", "length"])),
})
/** @category models */
export type Row = typeof Row.Type

/** A verdict with the id of its row. @category models */
export interface VerdictRow extends Verdict.Verdict {
  /** Null when the row had none that could be read. */
  readonly id: string | number | null
}

// The first thing wrong is enough: of a long list every item could be.
const decodeRow = Schema.decodeUnknownResult(Row)

/** The row, or in one line why it is none. @category decoding */
export const decode = (value: unknown): Result.Result<Row, string> => {
  const row = decodeRow(value)
  return Result.isSuccess(row)
    ? Result.succeed(row.success)
    : Result.fail(row.failure.message.replaceAll(/\s*\n\s*/g, " "))
}

/** The id of something that may not be a row. @category decoding */
export const idOf = (value: unknown): string | number | null => {
  const id = typeof value === "object" && value !== null && "id" in value ? value.id : null
  return typeof id === "string" || typeof id === "number" ? id : null
}

/** The row as what a verifier takes. @category conversion */
export const item = ({ answer, finish = "stop", id, problem = "", response, task }: Row): Item => ({
  problem: { id: String(id) === "" ? "(empty id)" : String(id), task, prompt: problem, answer },
  completion: { text: response, finish },
})
