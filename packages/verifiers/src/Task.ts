/**
 * A task owns its domain: what is asked, how rows of published data sets are read, how an answer is judged.
 *
 * Every file of `tasks/` exports the same names:
 *
 * | name | what it is |
 * | --- | --- |
 * | `name` | what rows and problems call the task |
 * | `Answer` | the schema of its ground truth |
 * | `Options` | how to ask and how to judge |
 * | `ask(question, options)` | the prompt |
 * | `fromRow(options)` | readers of published rows, by the name of their format |
 * | `generate(draw, options)` | seeded problems, where there are any |
 * | `graders(options)` | `strict`, and `reference:NAME` for each grader of the field |
 * | `validate(problem)` | why the problem is unfit, or null |
 * | `task(options)` | all of that, with the processes or the sandbox that it needs |
 * | `layer(options)` | its strict verifier |
 *
 * @module
 */
import * as Problem from "@lpo/rollout/Problem"
import { Effect, Layer, Result, Schema } from "effect"
import { type AnyGrader, define, type Graded, type Grader, type Mode, Verifier } from "@lpo/rollout/Verifier"
import { VerifierError } from "@lpo/rollout/VerifierError"

/** A row of a data set that makes no problem. @category errors */
export class RowError extends Schema.TaggedError<RowError>()("RowError", {
  task: Schema.String,
  /** The format that it was read as. */
  format: Schema.String,
  /** The id that the problem would have had. */
  id: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    const read = this.format === this.task ? this.task : `${this.task}, ${this.format}`
    return `${read}, row ${this.id}: ${this.reason}`
  }
}

/**
 * Makes a problem of a row as JSON or Parquet readers give it: a plain record, with 64-bit integers as `bigint` or `number`. `id` must
 * be unique within the data set.
 *
 * @category models
 */
export type FromRow = (row: unknown, id: string) => Result.Result<Problem.Problem, RowError>

/** Which problems to generate. @category models */
export interface Draw {
  readonly side: "train" | "held-out"
  /** The same seed gives the same problems. */
  readonly seed: string
  /** How many; without it all, where the task has a finite number of them. */
  readonly count?: number
}

/** The graders of a task by mode. @category models */
export type Graders<A> = { readonly strict: Grader<A> } & { readonly [mode: `reference:${string}`]: Grader<A> }

/** A task whose ground truth is an `A`, and which asks a `Q`. @category models */
export interface Task<A, Q> {
  readonly name: string
  readonly Answer: Schema.Decoder<A>
  readonly ask: (question: Q) => Problem.Problem["prompt"]
  readonly fromRow: Readonly<Record<string, FromRow>>
  readonly generate?: (draw: Draw) => ReadonlyArray<Problem.Problem>
  readonly graders: Graders<A>
  /** Why the problem is unfit to train or test on, in one line: strict mode refuses its own ground truth. Null when it is fit. */
  readonly validate: (problem: Problem.Problem) => Effect.Effect<string | null>
}

/** A task of some domain that only its own schema knows. @category models */
// oxlint-disable-next-line typescript/no-explicit-any -- ground truth and question are existential.
export type AnyTask = Task<any, any>

/** What it takes to judge: all that a registry needs of a task. @category models */
export type Judge = Pick<AnyTask, "name" | "graders">

/** How a question is put to a language model: as a chat, or as a text to continue where it knows no chats. @category prompts */
export type Style = "chat" | "text"

/** The question as a prompt. Default style `chat`. @category prompts */
export const prompt = (question: string, style: Style = "chat"): Problem.Problem["prompt"] =>
  style === "chat" ? [{ role: "user", content: question }] : `Question: ${question}\nAnswer:`

type Grades<A> = { readonly strict: Grader<A>["grade"] } & Readonly<Record<string, Grader<A>["grade"]>>

/**
 * The graders of a task from what they do: named after the task and the mode.
 *
 * @category graders
 */
export const graders = <A, G extends Grades<A>>(name: string, answer: Schema.Decoder<A>, grades: G) =>
  Object.fromEntries(
    Object.entries(grades).map(([mode, grade]) => [
      mode,
      { name: mode === "strict" ? name : `${name}, ${mode}`, answer, grade },
    ]),
  ) as { readonly [M in keyof G]: Grader<A, ReturnType<G[M]> & Graded> }

/** The modes of graders, `strict` first. @category graders */
export const modes = <G extends object>(graders: G): ReadonlyArray<keyof G & Mode> =>
  Object.keys(graders) as Array<keyof G & Mode>

/** The names of a task's reference graders, without "reference:". @category graders */
export const references = ({ graders }: Judge): ReadonlyArray<string> =>
  modes(graders).flatMap((mode) => (mode === "strict" ? [] : [mode.slice("reference:".length)]))

/** The grader of a mode, or why there is none. @category graders */
export const grader = (task: Judge, mode: Mode): AnyGrader | VerifierError => {
  if (Object.hasOwn(task.graders, mode)) return task.graders[mode as "strict"]
  const all = references(task).join(", ") || "none"
  const reason = `no reference grader "${mode.slice("reference:".length)}"; there are ${all}`
  return new VerifierError({ verifier: task.name, reason })
}

/**
 * The `validate` of a task: `respond` writes a response that gives the ground truth, or says why it cannot, and `grader` must find
 * it correct. To `wrong`, a response that is right nowhere, it must give a verdict: a ground truth that nothing but its own text can
 * be compared with would mask the wrong answers and keep the right ones.
 *
 * @category validation
 */
export const validator = <A>(
  grader: Grader<A>,
  respond: (answer: A) => Result.Result<string, string>,
  wrong: string,
): AnyTask["validate"] => {
  const decode = Schema.decodeUnknownResult(grader.answer)
  const verifier = define(grader)
  return (problem) =>
    Effect.gen(function* () {
      const answer = decode(problem.answer)
      if (Result.isFailure(answer)) return `ground truth does not decode: ${answer.failure.message}`
      const response = respond(answer.success)
      if (Result.isFailure(response)) return response.failure
      const verify = (text: string) => verifier.verify(problem, { text, finish: "stop" })
      const right = yield* verify(response.success)
      if (right.status !== "ok" || !right.correct) return `its own ground truth is refused: ${right.reason}`
      const other = yield* verify(wrong)
      if (other.status !== "ok") return `a wrong answer cannot be judged: ${other.reason}`
      return other.correct ? `a wrong answer is accepted: ${other.reason}` : null
    })
}

/** The strict verifier of a task. @category layers */
export const layer = <E, R>(task: Effect.Effect<Judge, E, R>) =>
  Layer.effect(
    Verifier,
    Effect.map(task, ({ graders }) => define(graders.strict)),
  )
