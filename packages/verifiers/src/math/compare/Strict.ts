/**
 * Strict judgement of one answer against the accepted ones: equal or not, and where that could not be found out, why.
 *
 * The work is bounded by a number of steps, on any machine the same; where they run out the judgement is `exhausted`, and a
 * worker process with more of them and a deadline may try again.
 */
import { compare, type Options } from "./Compare.ts"
import * as Expression from "../read/Expression.ts"
import * as Key from "./Key.ts"
import { Undefined } from "../algebra/NormalForm.ts"
import * as Words from "../read/Words.ts"
import { within } from "../algebra/Work.ts"

/** @category models */
export interface Judgement {
  /**
   * `unreadable`: the answer is no mathematics, which is wrong too. `undecided`: the accepted answer is unreadable, or equality
   * could not be found out. `exhausted`: out of steps.
   */
  readonly outcome: "equal" | "different" | "unreadable" | "undecided" | "exhausted"
  readonly reason: string
  readonly key: string
}

/** Steps of a judgement in this process: at most some 30 milliseconds. @category limits */
export const steps = 100_000

/** How an answer is spelled, layout and harmless spaces apart. */
const spelling = (answer: string): string =>
  answer
    .replaceAll(/\\(?:left|right|displaystyle|,|;|!|:)|\\ |[$~]/g, " ")
    .replaceAll(/\\[dt]frac/g, "\\frac")
    .trim()
    .replaceAll(/(?<![0-9a-zA-Z])\s+|\s+(?![0-9a-zA-Z])/g, "")
    .replaceAll(/\s+/g, " ")

const clip = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}...` : text)

type Outcome = "equal" | "different" | "unknown" | "exhausted"

/** The outcome over all ways to read both: one match is enough. */
const read = (
  given: ReadonlyArray<Expression.Expression>,
  gold: ReadonlyArray<Expression.Expression>,
  options: Options,
  limit: number,
): Outcome => {
  let out: Outcome = "different"
  for (const x of given)
    for (const y of gold) {
      const outcome = within<Outcome, Outcome>(
        limit,
        () => {
          try {
            return compare(x, y, options)
          } catch (error) {
            if (error instanceof Undefined) return "different"
            throw error
          }
        },
        () => "exhausted",
      )
      if (outcome === "equal") return "equal"
      if (outcome === "exhausted") out = outcome
    }
  return out
}

const keyOf = (expression: Expression.Expression, fallback: string, options: Options, limit: number): string =>
  within(
    limit,
    () => {
      try {
        return Key.of(expression, options)
      } catch (error) {
        if (error instanceof Undefined) return fallback
        throw error
      }
    },
    () => fallback,
  )

/**
 * Judges an answer: equal when it equals one of the accepted ones.
 *
 * @category judgement
 */
export const judge = (
  accepted: ReadonlyArray<string>,
  answer: string,
  options: Options = {},
  limit: number = steps,
): Judgement => {
  const spelled = spelling(answer.length > Expression.maxLength ? answer.slice(0, Expression.maxLength) : answer)
  if (answer.trim() === "") return { outcome: "unreadable", reason: "the answer is empty", key: "" }
  const given = Expression.parseAll(answer)
  const words = Words.read(answer)
  const key =
    typeof given === "string"
      ? (words?.text.toLowerCase() ?? clip(spelled))
      : words !== null && (words.marked || words.text.length >= 4)
        ? words.text.toLowerCase()
        : keyOf(given[0], clip(spelled), options, limit)
  const is = (outcome: Judgement["outcome"], reason: string): Judgement => ({ outcome, reason, key })

  let open: Judgement | null = null
  for (const gold of accepted) {
    if (answer.length <= Expression.maxLength && spelled === spelling(gold)) return is("equal", `equals ${clip(gold)}`)
    const goldWords = Words.read(gold)
    if (words !== null && goldWords !== null && Words.equal(words, goldWords))
      return is("equal", `equals ${clip(gold)}`)
    const wanted = Expression.parseAll(gold)
    if (typeof wanted === "string") {
      // A sentence is compared as one, and that is done.
      if (goldWords === null) open ??= is("undecided", `the accepted answer ${clip(gold)} cannot be read: ${wanted}`)
      continue
    }
    if (typeof given === "string") continue
    switch (read(given, wanted, options, limit)) {
      case "equal":
        return is("equal", `equals ${clip(gold)}`)
      case "exhausted":
        open = is("exhausted", `out of steps on ${clip(answer)} against ${clip(gold)}`)
        break
      case "different":
      case "unknown":
        break
    }
  }
  if (open !== null) return open
  if (typeof given === "string" && words === null) return is("unreadable", `${clip(answer)} cannot be read: ${given}`)
  return is("different", `is not ${accepted.map(clip).join(" or ")}`)
}
