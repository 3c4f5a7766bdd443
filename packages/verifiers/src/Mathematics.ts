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
import { type Duration, Effect, Schema, type Scope } from "effect"
import * as ProcessPool from "./internal/ProcessPool.ts"
import type * as Compare from "./math/Compare.ts"
import * as Extract from "./math/Extract.ts"
import * as Reference from "./math/reference/index.ts"
import { judge, type Judgement } from "./math/Strict.ts"
import type { Request } from "./math/worker.ts"
import type { Task } from "./Tasks.ts"
import type { Graded, Grader, Mode } from "./Verifier.ts"

/** The accepted answer, or several of which any will do. @category models */
export const Answer = Schema.Union([Schema.String, Schema.Array(Schema.String).check(Schema.isMinLength(1))])
/** @category models */
export type Answer = typeof Answer.Type

/** How strict mode compares. @category models */
export type Options = Compare.Options

/** @category models */
export interface TaskOptions extends Options {
  /** Longest time of one comparison in a process of the pool; then the verdict is a `timeout`. Default 2 seconds. */
  readonly deadline?: Duration.Input
  /** Processes for comparisons that take long, started when first needed. Default half of the cores, at least 1. */
  readonly processes?: number
}

const between = /^[\s$,;.]*(?:(?:\\text\s*\{\s*)?(?:and|or)\b(?:\s*\})?)?[\s$,;.]*$/

/**
 * Where strict mode takes the answer from: the last `\boxed{}` or `\fbox{}` after the thinking. Boxes with nothing but
 * a comma, "and" or "or" between them are one list. A reason, when there is none.
 *
 * @category extraction
 */
export const extract = (response: string): { readonly answer: string } | { readonly missing: string } => {
  const text = Extract.afterThinking(response)
  if (text === null) return { missing: "the thinking never ends: no answer outside of it" }
  const boxes: Array<{ readonly from: number; readonly content: string; readonly to: number }> = []
  for (const open of text.matchAll(/\\f?box(?:ed)?\s*\{/g)) {
    // A box in a box.
    if (boxes.length > 0 && open.index < (boxes.at(-1)?.to ?? 0)) continue
    let depth = 1
    let at = open.index + open[0].length
    for (; at < text.length && depth > 0; at++) {
      if (text[at] === "\\") at++
      else if (text[at] === "{") depth++
      else if (text[at] === "}") depth--
    }
    if (depth > 0) break
    boxes.push({ from: open.index, content: text.slice(open.index + open[0].length, at - 1).trim(), to: at })
  }
  const last = boxes.pop()
  if (last === undefined) return { missing: "no \\boxed{...} after the thinking" }
  let answer = last.content
  const seen = new Set([answer])
  let { from } = last
  for (let box = boxes.pop(); box !== undefined; box = boxes.pop()) {
    const gap = text.slice(box.to, from)
    if (gap.length > 40 || !between.test(gap) || !/[,;$a-z]/.test(gap)) break
    if (!seen.has(box.content)) answer = `${box.content}${/\bor\b/.test(gap) ? "\\text{ or }" : ", "}${answer}`
    seen.add(box.content)
    ;({ from } = box)
  }
  return { answer }
}

const verdict = (extracted: string, { key, outcome, reason }: Judgement): Verdict.Verdict => {
  switch (outcome) {
    case "equal":
    case "different":
      return Verdict.judged({ correct: outcome === "equal", format: true, extracted, reason, key })
    case "unreadable":
      return Verdict.judged({ correct: false, format: true, extracted, reason: `unreadable: ${reason}`, key })
    case "undecided":
      return { ...Verdict.unreached("error", `math: ${reason}`), format: true, extracted, key }
    case "exhausted":
      return { ...Verdict.unreached("timeout", `math: ${reason}`), format: true, extracted, key }
  }
}

const list = (answer: Answer): ReadonlyArray<string> => (typeof answer === "string" ? [answer] : answer)

/**
 * Strict judgement of a response, here and now: bounded in steps, some 30 milliseconds at most. What needs more is a verdict of
 * status `timeout`.
 *
 * @category grading
 */
export const grade = (answer: Answer, response: string, options: Options = {}): Verdict.Verdict => {
  const found = extract(response)
  if ("missing" in found) return Verdict.judged({ correct: false, format: false, reason: found.missing })
  return verdict(found.answer, judge(list(answer), found.answer, options))
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
