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
 */
import { availableParallelism } from "node:os"
import { Verdict } from "@lpo/rollout"
import { type Duration, Effect, type Scope } from "effect"
import * as ProcessPool from "./internal/ProcessPool.ts"
import * as Reference from "./math/reference/index.ts"
import type { Judgement } from "./math/compare/Strict.ts"
import { Answer, grade, list, type Options, verdict } from "./math/Grade.ts"
import type { Request } from "./math/worker.ts"
import type { Task } from "./Tasks.ts"
import type { Graded, Grader, Mode } from "./Verifier.ts"

export { Answer, grade, type Options } from "./math/Grade.ts"
export { extract } from "./math/read/Boxes.ts"

/** @category models */
export interface TaskOptions extends Options {
  /** Longest time of one comparison in a process of the pool; then the verdict is a `timeout`. Default 2 seconds. */
  readonly deadline?: Duration.Input
  /** Processes for comparisons that take long, started when first needed. Default half of the cores, at least 1. */
  readonly processes?: number
}

interface Found {
  readonly correct: boolean
  readonly extracted: string | null
}

/** What each reference grader makes of a response and one accepted answer. */
const graders = {
  math_reward: (response, gold) => {
    const extracted = Reference.Hendrycks.extract(response)
    return { extracted, correct: extracted !== null && Reference.Hendrycks.equal(extracted, gold) }
  },
  math_dapo: Reference.Dapo.grade,
  prime_math: Reference.Prime.grade,
  prm800k: (response, gold) => {
    const extracted = Reference.Prm800k.extract(response)
    return { extracted, correct: extracted !== null && Reference.Prm800k.equal(extracted, gold) }
  },
  polaris: (response, gold) => Reference.Polaris.grade(response, gold),
  "polaris-evaluation": (response, gold) => Reference.Polaris.grade(response, gold, false),
  "math-verify": Reference.MathVerify.grade,
} satisfies Readonly<Record<string, (response: string, gold: string) => Found>>

/** The modes there are, without "reference:". @category grading */
export const references = Object.keys(graders) as ReadonlyArray<keyof typeof graders>

/** The verdict of a reference grader: right when any accepted answer is. `math_dapo` scores 1 or -1, the others 1 or 0. */
const reference = (name: keyof typeof graders, accepted: ReadonlyArray<string>, response: string): Verdict.Verdict => {
  const all = accepted.map((gold) => graders[name](response, gold))
  const { correct, extracted } = all.find((found) => found.correct) ?? all[0]
  const reason = `${correct ? "equals" : "is not"} ${accepted.join(" or ")}`
  const score = correct ? 1 : name === "math_dapo" ? -1 : 0
  const found = extracted === null ? { reason: "no answer found" } : { extracted, reason }
  return Verdict.judged({ correct, score, format: extracted !== null, ...found })
}

type Pool = ProcessPool.Pool<Request, Judgement>

const strict =
  (options: Options, pool: Pool | null) =>
  (answer: Answer, response: string): Graded => {
    const first = grade(answer, response, options)
    if (pool === null || first.status !== "timeout" || first.extracted === undefined) return first
    const { extracted } = first
    return Effect.map(pool.run({ accepted: list(answer), answer: extracted, options }), (judgement) =>
      verdict(extracted, judgement),
    )
  }

/**
 * The grader of a mode. Throws a `RangeError` for a reference that there is not. Without the processes of `make`, a strict
 * comparison that takes long is a `timeout`.
 *
 * @category grading
 */
export const grader = (mode: Mode = "strict", options: Options = {}, pool: Pool | null = null): Grader<Answer> => {
  if (mode === "strict") return { name: "math", answer: Answer, grade: strict(options, pool) }
  const name = references.find((known) => mode === `reference:${known}`)
  if (name !== undefined)
    return {
      name: `math, ${mode}`,
      answer: Answer,
      grade: (answer, response) => reference(name, list(answer), response),
    }
  throw new RangeError(`mode is "${mode}"; math has strict and reference: ${references.join(", ")}`)
}

/** Rows and problems whose task is "math", with processes that live as long as the scope. @category grading */
export const make = (options: TaskOptions = {}): Effect.Effect<Task, never, Scope.Scope> =>
  Effect.gen(function* () {
    const {
      deadline = "2 seconds",
      processes = Math.max(1, Math.floor(availableParallelism() / 2)),
      ...compare
    } = options
    const pool = yield* ProcessPool.make<Request, Judgement>({
      name: "math",
      entry: new URL("./math/worker", import.meta.url),
      size: processes,
      deadline,
    })
    return { name: "math", references, grader: (mode: Mode) => grader(mode, compare, pool) }
  })
