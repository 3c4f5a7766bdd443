/**
 * Countdown: reach the target with each given number used exactly once, by + - * / and parentheses.
 *
 * Strict by default: an own parser, exact rationals, no `**` or `//`. Reward 1 when right, `formatScore` when the
 * expression is well formed and uses exactly the given numbers, 0 otherwise. Three reference modes score as the graders of
 * the field do. A solver and a generator of solvable problems make the data.
 *
 * @module
 */
import * as Problem from "@lpo/rollout/Problem"
import * as Seed from "@lpo/rollout/Seed"
import * as Verdict from "@lpo/rollout/Verdict"
import { Effect, Result, Schema } from "effect"
import { exact } from "../countdown/Amount.ts"
import * as Expression from "../countdown/Expression.ts"
import * as Expressions from "../countdown/Expressions.ts"
import { type Generated, problems, type Recipe, recipes, split } from "../countdown/Generator.ts"
import * as Reference from "../countdown/Reference.ts"
import * as Strict from "../countdown/Strict.ts"
import { solutions } from "../countdown/Solver.ts"
import { type Columns, decoder, find, isRecord, json, refuse, show } from "../rows/Columns.ts"
import * as Verl from "../rows/Verl.ts"
import * as Task from "../Task.ts"
import * as Thinking from "../Thinking.ts"

export { type Generated, problems, type Recipe, recipes, split } from "../countdown/Generator.ts"
export type { Operator } from "../countdown/Expressions.ts"
export { solutions, solvable } from "../countdown/Solver.ts"
export { Expression, Expressions, Reference }

/** @category models */
export const name = "countdown"

/**
 * The ground truth of a Countdown problem: whole numbers, and a target that need not be whole. One above 2^53 is given as text,
 * because a JSON number may have lost its last digits.
 *
 * @category models
 */
export const Answer = Schema.Struct({
  nums: Schema.Array(Schema.Union([Schema.Int, Schema.String])).check(Schema.isMinLength(1)),
  target: Schema.Union([Schema.Finite, Schema.String]),
})
/** @category models */
export type Answer = typeof Answer.Type

/** @category models */
export interface Options {
  /** Where the expression stands: in the last `<answer>` tag, or the whole text; never in the thinking. Default `answer-tag`. */
  readonly extract?: "answer-tag" | "whole"
  /** Reward of a well-formed but wrong expression over the right numbers, in [0, 1). Default 0.1. */
  readonly formatScore?: number
  /** `words`: `3 4 5 -> 23 :`, for a model that knows nothing else. Default `chat`. */
  readonly style?: Task.Style | "words"
  /** The operators that a question names. Default + - * /. */
  readonly operators?: ReadonlyArray<string>
  /** Where generated problems come from. Default the recipe `countdown-34`. */
  readonly from?: Space | Recipe | keyof typeof recipes
}

/** All problems of one size: multisets of `size` numbers in [1, max], targets in [minTarget, maxTarget]. @category generation */
export interface Space {
  readonly size: number
  readonly max: number
  readonly minTarget: number
  readonly maxTarget: number
  readonly operators: ReadonlyArray<Expressions.Operator>
  /** Share of the multisets that is held out, in [0, 1]. */
  readonly heldOutShare: number
}

/** What ends a response that has an answer. @category prompts */
export const answerEnd = "</answer>"

/** Every word of a prompt in `words` and of an expression over a space. @category prompts */
export const words = ({ max, maxTarget }: Pick<Space, "max" | "maxTarget">): ReadonlyArray<string> => [
  ...Array.from({ length: Math.max(max, maxTarget) + 1 }, (_, n) => String(n)),
  ..."+ - * / ( ) -> :".split(" "),
]

/** The prompt of a problem; the numbers in the order given. @category prompts */
export const ask = ({ nums, target }: Answer, options: Options = {}): Problem.Problem["prompt"] => {
  const { operators = ["+", "-", "*", "/"], style } = options
  if (style === "words") return `${nums.join(" ")} -> ${target} :`
  return Task.prompt(
    `Make ${target} from the numbers ${nums.join(", ")}, each used exactly once, with ${operators.join(" ")} and parentheses. ` +
      `Think first, then give the expression as <answer>expression${answerEnd}.`,
    style,
  )
}

/** A number that is exact: one above 2^53 comes as text and stays it, and a target need not be whole. */
const amount = (value: unknown, what: string, whole: boolean): number | string => {
  const found = typeof value === "number" || typeof value === "string" ? exact(value) : null
  if (found === null || (whole && found.den !== 1n))
    return refuse(
      `${what} is ${show(value)}; it must be ${whole ? "an integer" : "a number"}, as text if it is above 2^53`,
    )
  const number = Number(value)
  return found.den === 1n && Number.isSafeInteger(number) ? number : (value as number | string)
}

/** The numbers and the target of a struct; mirrors of the data sets call the numbers `nums` or `numbers`. */
const answerOf = (row: Columns): Answer => {
  const nums = find(row, ["nums", "numbers"])
  if (!Array.isArray(nums) || nums.length === 0)
    return refuse(`"nums" or "numbers" is ${show(nums)}; it must be a list of integers`)
  return { nums: nums.map((n, i) => amount(n, `number ${i}`, true)), target: amount(row["target"], "target", false) }
}

/**
 * Readers of rows: `countdown-tasks` has `nums` (or `numbers`) and `target`; `verl` has them in its ground truth, as a struct
 * or as JSON text, and its own prompt.
 *
 * @category rows
 */
export const fromRow = (options: Options = {}) => ({
  "countdown-tasks": decoder(name, "countdown-tasks", (row) => {
    const answer = answerOf(row)
    return { prompt: ask(answer, options), answer }
  }),
  verl: decoder(name, "verl", (row) => {
    const { messages, meta, truth } = Verl.read(row, ["math", "countdown"])
    const struct = json(truth, "ground_truth")
    if (!isRecord(struct)) return refuse(`ground_truth is ${show(struct)}; it must be { target, numbers }`)
    return { prompt: messages, answer: answerOf(struct), meta }
  }),
})

/** Judges a response text. Pure, and linear in the length of the text. @category grading */
export const grade = (answer: Answer, response: string, options: Options = {}): Verdict.Verdict => {
  const { extract = "answer-tag", formatScore = 0.1 } = options
  const unfit = Strict.refusal(answer)
  if (unfit !== null) return Verdict.unreached("error", unfit)
  const wrong = (reason: string, extra: Partial<Verdict.Verdict> = {}): Verdict.Verdict =>
    Verdict.judged({ correct: false, format: false, reason, key: null, ...extra })
  const text = Thinking.after(response)
  if (text === null) return wrong(Thinking.refusal)
  let extracted = text.trim()
  if (extract === "answer-tag") {
    const last = text.lastIndexOf(answerEnd)
    const open = last < 0 ? -1 : text.lastIndexOf("<answer>", last)
    if (open < 0) return wrong("no <answer>...</answer> in the response")
    extracted = text.slice(open + "<answer>".length, text.indexOf(answerEnd, open)).trim()
  }
  const { correct, key, reason, wellFormed } = Strict.judge(answer, extracted)
  const score = correct ? 1 : wellFormed ? formatScore : 0
  return Verdict.judged({ correct, score, format: wellFormed, extracted, reason, key })
}

/**
 * The graders by mode.
 *
 * TinyZero scores prompt and response together. Its grader here puts `problem.prompt` before the response when that is a
 * text with an assistant marker; any other response is taken to follow one.
 *
 * @category grading
 */
export const graders = (options: Options = {}) =>
  Task.graders(name, Answer, {
    strict: (answer: Answer, response: string) => grade(answer, response, options),
    "reference:tinyzero": (answer: Answer, response: string, problem?: Pick<Problem.Problem, "prompt">) => {
      const prompt = typeof problem?.prompt === "string" && /Assistant:|<\|im_start\|>assistant/.test(problem.prompt)
      return Reference.tinyzero(answer, prompt ? `${problem.prompt}${response}` : `Assistant:${response}`)
    },
    "reference:lab": Reference.lab,
    "reference:reasoning-gym": Reference.reasoningGym,
  })

/** Most numbers for which a solution is looked for: the search grows faster than exponentially. */
const maxNumbers = 6

const respond = ({ nums, target }: Answer): Result.Result<string, string> => {
  if (nums.length > maxNumbers)
    return Result.fail(`it has ${nums.length} numbers; solutions are searched up to ${maxNumbers}`)
  const whole = [...nums, target].every(Number.isSafeInteger)
  if (!whole) return Result.fail("solutions are searched among whole numbers up to 2^53")
  const [solution] = solutions(nums.map(Number), Number(target), 1)
  return solution === undefined
    ? Result.fail(`no solution makes ${target} of ${nums.join(", ")}`)
    : Result.succeed(`<answer>${solution}${answerEnd}`)
}

/** Why no solution can be found or none is accepted, or null. @category grading */
export const validate = Task.validator(graders().strict, respond, "<answer>?</answer>")

const ascending = (a: number, b: number): number => a - b

/**
 * Every ground truth of one side of a space that its operators reach, in a fixed order.
 *
 * @category generation
 */
export const enumerate = (space: Space & Pick<Task.Draw, "side">): Array<Generated> => {
  const { heldOutShare, max, maxTarget, minTarget, operators, side, size } = space
  const out: Array<Generated> = []
  const visit = (nums: ReadonlyArray<number>): void => {
    if (nums.length < size) {
      for (let n = nums.at(-1) ?? 1; n <= max; n++) visit([...nums, n])
      return
    }
    if (split(nums, heldOutShare) !== side) return
    const targets = [...Expressions.byValue(nums, operators).keys()].filter((v) => v >= minTarget && v <= maxTarget)
    for (const target of targets.sort(ascending)) out.push({ nums: [...nums], target })
  }
  visit([])
  return out
}

/** A problem whose prompt gives the numbers in an order of its own. */
const problemOf = ({ nums, target }: Generated, options: Options): Problem.Problem => {
  const sorted = [...nums].sort(ascending)
  const id = `countdown-${sorted.join("-")}-to-${target}`
  const asked = { nums: Seed.shuffle(sorted, `order/${id}`), target }
  return { id, task: name, prompt: ask(asked, options), answer: { nums: sorted, target } }
}

/**
 * Solvable problems of one side, shuffled: no multiset of numbers is on both sides. Throws a `RangeError` for a recipe without
 * `count`, or one that holds too few problems.
 *
 * @category generation
 */
export const generate = (draw: Task.Draw, options: Options = {}): Array<Problem.Problem> => {
  const { count, seed, side } = draw
  const { from = "countdown-34" } = options
  if (typeof from === "object" && "size" in from) {
    const all = enumerate({ ...from, side }).map((answer) =>
      problemOf(answer, { operators: from.operators, ...options }),
    )
    return Seed.shuffle(all, `${seed}/problems/${side}`).slice(0, count)
  }
  if (count === undefined) throw new RangeError("count is missing: a recipe has no end, give how many problems to draw")
  return problems({ recipe: from, count, side, seed: `${seed}/problems/${side}` }).map((answer) =>
    problemOf(answer, options),
  )
}

/** @category constructors */
export const task = (options: Options = {}): Effect.Effect<Task.Task<Answer, Answer>> =>
  Effect.succeed({
    name,
    Answer,
    ask: (question) => ask(question, options),
    fromRow: fromRow(options),
    generate: (draw) => generate(draw, options),
    graders: graders(options),
    validate,
  })

/** The strict Countdown verifier; an undecodable ground truth is a verdict of status `error`. @category layers */
export const layer = (options: Options = {}) => Task.layer(task(options))
