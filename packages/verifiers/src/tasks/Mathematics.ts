/**
 * Mathematics: an answer in `\boxed{}` against one accepted answer, or several of which any will do.
 *
 * Strict by default: the last box after the thinking, judged by what it means (`Compare`), 1 or 0. Cheap comparisons run where
 * they are asked for, bounded in steps; what needs more goes to a process that is killed at its deadline. An answer that cannot
 * be read is wrong and says so; an accepted answer that cannot be read is an `error`.
 *
 * | mode | |
 * | --- | --- |
 * | `strict` | equality as mathematics |
 * | `reference:NAME` | the verdict of a grader of the field |
 *
 * @module
 */
import { availableParallelism } from "node:os"
import { Problem, Seed, Verdict } from "@lpo/rollout"
import { type Duration, Effect, Result, type Scope } from "effect"
import * as ProcessPool from "../internal/ProcessPool.ts"
import * as Exercises from "../math/Exercises.ts"
import * as Equality from "../math/compare/Equality.ts"
import type { Judgement } from "../math/compare/Strict.ts"
import { Answer, grade, list, type Options as Comparison, verdict } from "../math/Grade.ts"
import * as Expression from "../math/read/Expression.ts"
import * as Extract from "../math/read/Extract.ts"
import * as Reference from "../math/reference/index.ts"
import type { Request } from "../math/worker.ts"
import { type Columns, decoder, find, meta, refuse, show, text } from "../rows/Columns.ts"
import * as Verl from "../rows/Verl.ts"
import * as Task from "../Task.ts"
import type { Graded } from "@lpo/rollout/Verifier"

export { Answer, grade, understood } from "../math/Grade.ts"
export { rewritings } from "../math/Rewritings.ts"
export { extract } from "../math/read/Boxes.ts"
export { Equality, Exercises, Expression, Extract, Reference }

/** @category models */
export const name = "math"

/** @category models */
export interface Options extends Comparison {
  /** How a problem is put. `words`: an exercise of `from` in the words of a small vocabulary. Default `chat`. */
  readonly style?: Task.Style | "words"
  /** Where generated problems come from; without it the task generates none. */
  readonly from?: Exercises.Space
  /** Longest time of one comparison in a process of the pool; then the verdict is a `timeout`. Default 20 seconds. */
  readonly deadline?: Duration.Input
  /** Processes for comparisons that take long, started when first needed. Default half of the cores, at least 1. */
  readonly processes?: number
}

/** What is asked of the policy after the problem. @category prompts */
export const instruction = "Reason step by step, then give the final answer in \\boxed{}."

/** The problem, then the instruction. @category prompts */
export const ask = (problem: string, { style }: Options = {}): Problem.Problem["prompt"] =>
  Task.prompt(`${problem.trim()}\n\n${instruction}`, style === "words" ? "text" : style)

/** The names that data sets give to the text of the problem. */
const problemColumns = ["problem", "question", "Problem", "Question"]
/** Columns worth keeping: what names a row elsewhere, and what one groups results by. */
const kept = "id ID unique_id idx url data_source difficulty level type subject subfield answer_type unit error".split(
  " ",
)

/** A gold as one reads it: no white space around it, and integers without the noise of their column's type. */
const gold = (value: unknown): string => {
  // A float column writes 142 as 142.0, an AIME file 25 as 025.
  if (typeof value === "number" && Number.isFinite(value)) return String(value)
  if (value === undefined || value === null) return refuse("there is no answer: its column is missing or null")
  if (typeof value !== "string" || value.trim() === "")
    return refuse(`the answer is ${show(value)}; it must be a text or a number`)
  const bare = value.trim()
  return /^0+\d+$/.test(bare) ? bare.replace(/^0+(?=\d)/, "") : bare
}

/** One gold, or several of which any will do, each once. */
const golds = (value: unknown): Answer => {
  if (!Array.isArray(value)) return gold(value)
  const all = [...new Set(value.map(gold))]
  return all.length === 0
    ? refuse("the answer is an empty list; give one answer at least")
    : all.length === 1
      ? all[0]
      : all
}

/** The content of the last box of a published solution: `\boxed{7}`, `\fbox{7}` or, up to the dollar, `\boxed 7$`. */
const boxed = (solution: string): string => {
  const start = Math.max(solution.lastIndexOf("\\boxed"), solution.lastIndexOf("\\fbox"))
  if (start < 0) return refuse("the solution has no \\boxed{...}; rows with a column of answers are read as `answer`")
  const rest = solution.slice(start).replace(/^\\(?:boxed|fbox)/, "")
  if (!/^\s*\{/.test(rest)) return gold(rest.split("$", 1)[0].trim())
  const content = Extract.lastBox(`\\boxed${rest.trimStart()}`)
  return content === null ? refuse("the last \\boxed{ of the solution is never closed") : gold(content)
}

const metaOf = (row: Columns): Columns => meta(row, ...kept)

/** A question of OlympiadBench; a unit of percent may be written or not. */
const olympiad = (row: Columns): { readonly question: string; readonly answer: Answer } => {
  const context = find(row, ["context"])
  const question = text(row, "question")
  const answer = golds(find(row, ["final_answer"]))
  const { unit } = row
  const all = list(answer)
  const percent = typeof unit === "string" && /^\s*\\?%\s*$/.test(unit)
  return {
    question: typeof context === "string" && context.trim() !== "" ? `${context.trim()}\n\n${question}` : question,
    answer: percent ? [...all, ...all.map((one) => `${one}\\%`)] : answer,
  }
}

/**
 * Readers of rows:
 *
 * | format | the problem | the gold |
 * | --- | --- | --- |
 * | `answer` | `problem`, `question`, or capitalised | `answer` or `Answer`: a text, a number, or a list of which any will do |
 * | `solution` | the same | the last box of `solution` (MATH, MATH-lighteval, AIME 2024, Minerva) |
 * | `polaris` | `problem` | `answer`; `difficulty` is kept |
 * | `olympiadbench` | `context` and `question` | `final_answer` |
 * | `verl` | its own prompt | the ground truth as it stands: `"7"` is a text, not JSON |
 *
 * @category rows
 */
export const fromRow = (options: Options = {}) => {
  const asking = (format: string, read: (row: Columns) => { readonly question: string; readonly answer: Answer }) =>
    decoder(name, format, (row) => {
      const { answer, question } = read(row)
      if (/<image>/.test(question)) return refuse("the problem has images; task geometry3k reads those")
      return { prompt: ask(question, options), answer, meta: metaOf(row) }
    })
  return {
    answer: asking("answer", (row) => ({
      question: text(row, ...problemColumns),
      answer: golds(find(row, ["answer", "Answer"])),
    })),
    solution: asking("solution", (row) => ({
      question: text(row, ...problemColumns),
      answer: boxed(text(row, "solution", "Solution")),
    })),
    polaris: asking("polaris", (row) => ({ question: text(row, "problem"), answer: golds(row["answer"]) })),
    olympiadbench: asking("olympiadbench", olympiad),
    verl: decoder(name, "verl", (row) => {
      const { images, messages, meta, truth } = Verl.read(row, ["math"])
      if (images !== null) return refuse("the row has images; task geometry3k reads those")
      return { prompt: messages, answer: golds(truth), meta }
    }),
  }
}

interface Found {
  readonly correct: boolean
  readonly extracted: string | null
}

/** The verdict of a reference grader: right when any accepted answer is; scores 1, or `otherwise`. */
const reference =
  (judge: (response: string, gold: string) => Found, otherwise = 0) =>
  (answer: Answer, response: string): Verdict.Verdict => {
    const accepted = list(answer)
    const all = accepted.map((gold) => judge(response, gold))
    const { correct, extracted } = all.find((found) => found.correct) ?? all[0]
    const reason = `${correct ? "equals" : "is not"} ${accepted.join(" or ")}`
    const found = extracted === null ? { reason: "no answer found" } : { extracted, reason }
    return Verdict.judged({ correct, score: correct ? 1 : otherwise, format: extracted !== null, ...found })
  }

/** A grader that finds an answer and compares it. */
const compared =
  (extract: Extract.Extractor, equal: (given: string, gold: string) => boolean) =>
  (response: string, gold: string): Found => {
    const extracted = extract(response)
    return { extracted, correct: extracted !== null && equal(extracted, gold) }
  }

/**
 * The graders by mode. A strict comparison that takes long is a `timeout` here; the processes of `task` finish it.
 *
 * @category grading
 */
export const graders = (options: Options = {}) =>
  Task.graders(name, Answer, {
    strict: (answer: Answer, response: string) => grade(answer, response, options),
    "reference:math_reward": reference(compared(Reference.Hendrycks.extract, Reference.Hendrycks.equal)),
    "reference:math_dapo": reference(Reference.Dapo.grade, -1),
    "reference:prime_math": reference((response, gold) => Reference.Prime.grade(response, gold)),
    "reference:prime_math-0.3": reference((response, gold) => Reference.Prime.grade(response, gold, true)),
    "reference:prm800k": reference(compared(Reference.Prm800k.extract, Reference.Prm800k.equal)),
    "reference:polaris": reference((response, gold) => Reference.Polaris.grade(response, gold)),
    "reference:polaris-evaluation": reference((response, gold) => Reference.Polaris.grade(response, gold, false)),
    "reference:math-verify": reference(Reference.MathVerify.grade),
  })

/**
 * The strict grade with processes for comparisons that take long; they live as long as the scope.
 *
 * @category grading
 */
export const pooled = (
  options: Options = {},
): Effect.Effect<(answer: Answer, response: string) => Graded, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { deadline = "20 seconds", processes = Math.max(1, Math.floor(availableParallelism() / 2)) } = options
    const { decimals, percent } = options
    const comparison: Comparison = {
      ...(decimals !== undefined && { decimals }),
      ...(percent !== undefined && { percent }),
    }
    const entry = new URL("../math/worker", import.meta.url)
    const pool = yield* ProcessPool.make<Request, Judgement>({ name, entry, size: processes, deadline })
    return (answer, response) => {
      const first = grade(answer, response, options)
      const { extracted } = first
      if (first.status !== "timeout" || extracted === undefined) return first
      const request = { accepted: list(answer), answer: extracted, options: comparison }
      return Effect.map(pool.run(request), (judgement) => verdict(extracted, judgement, true))
    }
  })

/** Exercises of one side of a space, shuffled: none, in whatever form, is on both sides. @category generation */
export const exercises = ({ count, seed, side }: Task.Draw, from: Exercises.Space): Array<Exercises.Exercise> =>
  Seed.shuffle(Exercises.enumerate(from, side), `${seed}/problems/${side}`).slice(0, count)

/** An exercise as a row in the format `answer`. @category generation */
export const row = (exercise: Exercises.Exercise) => ({
  problem: Exercises.text(exercise),
  answer: Exercises.latex(Exercises.reduce(Exercises.value(exercise))),
})

/** The problems of `exercises`. @category generation */
export const generate = (draw: Task.Draw, from: Exercises.Space, options: Options = {}): Array<Problem.Problem> =>
  exercises(draw, from).map((exercise) => {
    const { answer, problem } = row(exercise)
    const prompt = options.style === "words" ? Exercises.words(exercise) : ask(problem, options)
    return { id: `math-${Exercises.key(exercise)}`, task: name, prompt, answer }
  })

/** A response that gives the first accepted answer, which strict mode must accept. */
const respond = (answer: Answer) => Result.succeed(`\\boxed{${list(answer)[0]}}`)
/** The answer to nothing. */
const wrong = "\\boxed{-9753.124680}"

/** Why strict mode refuses the gold, or null. @category grading */
export const validate = Task.validator(graders().strict, respond, wrong)

/** @category constructors */
export const task = (options: Options = {}): Effect.Effect<Task.Task<Answer, string>, never, Scope.Scope> =>
  Effect.map(pooled(options), (strict) => {
    const all = { ...graders(options), ...Task.graders(name, Answer, { strict }) }
    const { from } = options
    return {
      name,
      Answer,
      ask: (problem) => ask(problem, options),
      fromRow: fromRow(options),
      ...(from !== undefined && { generate: (draw: Task.Draw) => generate(draw, from, options) }),
      graders: all,
      validate: Task.validator(all.strict, respond, wrong),
    }
  })

/** The strict verifier of mathematics, with its processes. @category layers */
export const layer = (options: Options = {}) => Task.layer(task(options))
