/**
 * Programming problems: a program against tests, in a sandbox.
 *
 * | mode | program | score |
 * | --- | --- | --- |
 * | `strict` | the last block in the language, outside of the thinking | share of tests that pass |
 * | `reference:prime_code` | after the last `\`\`\`python`, else the whole response | 1, or the share of the first ten |
 *
 * The expected outputs never enter the sandbox. A test that runs into a limit has failed; a sandbox that could not run makes a
 * verdict of status `error`.
 *
 * @module
 */
import { type Problem, Seed } from "@lpo/rollout"
import { Effect, Result, Schema } from "effect"
import * as Asserts from "../code/Asserts.ts"
import * as Exercises from "../code/Exercises.ts"
import * as GroundTruth from "../code/GroundTruth.ts"
import * as Judge from "../code/Judge.ts"
import * as Output from "../code/Output.ts"
import * as PrimeCode from "../code/PrimeCode.ts"
import * as Program from "../code/Extract.ts"
import * as Value from "../code/Value.ts"
import { type Columns, decoder, find, json, meta, refuse, text } from "../rows/Columns.ts"
import * as Verl from "../rows/Verl.ts"
import { limitsOf, Sandbox, type SandboxService } from "../sandbox/Sandbox.ts"
import * as Task from "../Task.ts"

export { Asserts, Exercises, GroundTruth, Judge, Output, PrimeCode, Program, Value }

/** @category models */
export const name = "code"

/** The ground truth is a JSON text or an object as `GroundTruth` describes; each mode decodes it in its own way. @category models */
export const Answer = Schema.Unknown
/** @category models */
export type Answer = typeof Answer.Type

/** @category models */
export interface Options extends Judge.Options {
  /** Limits of the reference mode. */
  readonly prime?: Partial<PrimeCode.Limits>
  /** How a problem is put. `words`: the examples of `from` in the words of a small vocabulary. Default `chat`. */
  readonly style?: Task.Style | "words"
  /** Where generated problems come from; without it the task generates none. */
  readonly from?: Exercises.Space
}

/** What to program, and how it will be called. @category prompts */
export interface Question {
  readonly problem: string
  /** The function to write; without one the program reads standard input. */
  readonly function?: string | null
  /** Default `python`. */
  readonly language?: GroundTruth.GroundTruth["language"]
}

/** @category prompts */
export const ask = (question: Question, { style }: Options = {}): Problem.Problem["prompt"] => {
  const { function: called, language = "python", problem } = question
  const how =
    typeof called === "string"
      ? `Write the function ${called}.`
      : "The program reads from standard input and writes to standard output."
  return Task.prompt(`${problem.trim()}\n\n${how} ${inOneBlock(language)}`, styleOf(style))
}

/** Words are the style of generated examples alone. */
const styleOf = (style: Options["style"]): Task.Style | undefined => (style === "words" ? "text" : style)

const inOneBlock = (language: string): string => `Give the program in one \`\`\`${language} block.`

/** A ground truth that decodes; the text or object as it stands. */
const truthOf = (value: unknown): GroundTruth.GroundTruth => {
  const truth = GroundTruth.decode(value)
  return Result.isSuccess(truth) ? truth.success : refuse(truth.failure)
}

/** The columns of asserts that decode. */
const assertsOf = (columns: Columns): Columns => {
  const asserts = Asserts.decode(columns)
  if (Result.isFailure(asserts)) return refuse(asserts.failure)
  return asserts.success === null ? refuse('it has neither "test" and "entry_point" nor "test_list"') : columns
}

/**
 * Readers of rows: `verl` (Eurus, whose ground truth is a JSON text; its rows of mathematics are refused) with its own prompt,
 * `apps` (APPS, TACO) with `question` and `input_output`, `humaneval` with `prompt`, `test` and `entry_point`, `mbpp` with `text` or
 * `prompt`, `test_list` and what it needs.
 *
 * @category rows
 */
export const fromRow = (options: Options = {}) => ({
  verl: decoder(name, "verl", (row) => {
    const { messages, meta, truth } = Verl.read(row, ["code"])
    truthOf(truth)
    return { prompt: messages, answer: truth, meta }
  }),
  apps: decoder(name, "apps", (row) => {
    const problem = text(row, "question", "problem")
    const answer = json(find(row, ["input_output"]), "input_output")
    const truth = truthOf(answer)
    const prompt = ask(
      { problem, function: truth.fn_name ?? null, ...(truth.language && { language: truth.language }) },
      options,
    )
    return { prompt, answer, meta: meta(row, "problem_id", "difficulty", "url") }
  }),
  humaneval: decoder(name, "humaneval", (row) => {
    const prompt = text(row, "prompt")
    const answer = assertsOf({ prompt, ...meta(row, "test", "entry_point") })
    return {
      prompt: ask({ problem: prompt, function: String(row["entry_point"]) }, options),
      answer,
      meta: meta(row, "task_id"),
    }
  }),
  mbpp: decoder(name, "mbpp", (row) => {
    const answer = assertsOf(meta(row, "test_list", "test_setup_code", "test_imports"))
    const shown = (answer["test_list"] as ReadonlyArray<string>).join("\n")
    const problem = `${text(row, "text", "prompt")}\n\nThe program must pass these tests:\n\n${shown}`
    return {
      prompt: Task.prompt(`${problem}\n\n${inOneBlock("python")}`, styleOf(options.style)),
      answer,
      meta: meta(row, "task_id"),
    }
  }),
})

/** The ground truth of a generated function: one call, on all elements. @category generation */
export const truth = (exercise: Exercises.Exercise) => {
  const elements = Exercises.tests[exercise.kind]
  return {
    fn_name: "f",
    inputs: [JSON.stringify(elements)],
    outputs: [JSON.stringify(elements.map((element) => Exercises.run(exercise, element)))],
  }
}

/** The prompt of examples. @category prompts */
export const askExamples = (given: ReadonlyArray<Exercises.Example>, options: Options = {}) =>
  options.style === "words" ? Exercises.words(given) : ask({ problem: Exercises.text(given), function: "f" }, options)

/** A function and the examples that it is to be found from. @category models */
export interface Found {
  readonly id: string
  readonly exercise: Exercises.Exercise
  readonly given: ReadonlyArray<Exercises.Example>
}

/** Functions of one side of a space, shuffled: none, however it is written, is on both sides. @category generation */
export const functions = ({ count, seed, side }: Task.Draw, from: Exercises.Space): Array<Found> => {
  const all = Exercises.enumerate(from, side).flatMap((exercise) => {
    const [expression] = Exercises.expressions(exercise)
    return Array.from({ length: from.variants }, (_, variant) => ({
      exercise,
      id: `code-${exercise.kind}-${expression.replaceAll(" ", "")}-${variant + 1}`,
    }))
  })
  return Seed.shuffle(all, `${seed}/problems/${side}`)
    .slice(0, count)
    .map(({ exercise, id }) => ({ id, exercise, given: Exercises.examples(exercise, `${seed}/examples/${id}`) }))
}

/** A function as a row in the format `apps`. @category generation */
export const row = ({ exercise, given, id }: Found) => ({
  problem_id: id,
  question: Exercises.text(given),
  input_output: truth(exercise),
})

/** The problems of `functions`. @category generation */
export const generate = (draw: Task.Draw, from: Exercises.Space, options: Options = {}): Array<Problem.Problem> =>
  functions(draw, from).map(({ exercise, given, id }) => ({
    id,
    task: name,
    prompt: askExamples(given, options),
    answer: truth(exercise),
  }))

/** The graders by mode; they run programs in `sandbox`. @category grading */
export const graders = (sandbox: SandboxService, options: Options = {}): Task.Graders<Answer> =>
  Task.graders(name, Answer, {
    strict: (answer: Answer, response: string) =>
      Effect.map(Judge.judge(sandbox, answer, response, options), ({ verdict }) => verdict),
    "reference:prime_code": (answer: Answer, response: string) =>
      PrimeCode.judge(sandbox, answer, response, options.prime),
  })

/**
 * Why the tests can decide nothing, or null. Data sets come without a program that passes, so none is run; asserts are, up to their
 * first calls, where there is a sandbox.
 *
 * @category grading
 */
export const validate = (problem: Problem.Problem, sandbox?: SandboxService): Effect.Effect<string | null> => {
  const asserts = Result.flatMap(GroundTruth.parse(problem.answer), Asserts.decode)
  if (Result.isFailure(asserts)) return Effect.succeed(asserts.failure)
  if (asserts.success === null)
    return Effect.succeed(
      Result.match(GroundTruth.decode(problem.answer), { onFailure: (why) => why, onSuccess: () => null }),
    )
  return sandbox === undefined
    ? Effect.succeed(null)
    : Asserts.first(sandbox, asserts.success, limitsOf()).pipe(
        Effect.map(Result.match({ onFailure: (why) => why, onSuccess: () => null })),
        Effect.catchTag("SandboxError", ({ message }) => Effect.succeed(message)),
      )
}

/** @category constructors */
export const task = (options: Options = {}): Effect.Effect<Task.Task<Answer, Question>, never, Sandbox> =>
  Effect.map(Sandbox, (sandbox) => ({
    name,
    Answer,
    ask: (question) => ask(question, options),
    fromRow: fromRow(options),
    ...(options.from !== undefined && {
      generate: (
        (from) => (draw: Task.Draw) =>
          generate(draw, from, options)
      )(options.from),
    }),
    graders: graders(sandbox, options),
    validate: (problem) => validate(problem, sandbox),
  }))

/** The strict verifier of programs, in whichever sandbox there is. @category layers */
export const layer = (options: Options = {}) => Task.layer(task(options))
