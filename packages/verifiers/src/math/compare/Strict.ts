/**
 * Strict judgement of one answer against the accepted ones: equal or not, and where that could not be found out, why.
 *
 * The work is bounded by a number of steps, on any machine the same; where they run out the judgement is `exhausted`, and a
 * worker process with more of them and a deadline may try again.
 */
import * as Choice from "../read/Choice.ts"
import { clean } from "../read/Clean.ts"
import { compare, type Options } from "./Compare.ts"
import * as Expression from "../read/Expression.ts"
import * as Key from "./Key.ts"
import { Undefined } from "../algebra/NormalForm.ts"
import * as Syntax from "../read/Syntax.ts"
import * as Words from "../read/Words.ts"
import { within } from "../algebra/Work.ts"

/** @category models */
export interface Judgement {
  /**
   * `unreadable`: the answer is not mathematics, which is wrong too. `undecided`: the accepted answer is unreadable, or equality
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
const outcomeOf = (
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

const asText = ({ marked, text }: Words.Words): Expression.Expression => ({ tag: "text", text, letters: !marked })

/** Words in place of what cannot be read, or only as a product of letters with a unit, as "no solution". */
const orWords = (
  read: ReadonlyArray<Expression.Expression> | string,
  words: Words.Words | null,
): ReadonlyArray<Expression.Expression> | string =>
  words !== null && (typeof read === "string" || Words.meaning(words.text) !== null) ? [asText(words)] : read

/** An engineer's j for i, where the accepted answer has an i in it; a lone j is a letter. */
const engineers = (
  given: ReadonlyArray<Expression.Expression>,
  gold: ReadonlyArray<Expression.Expression>,
): ReadonlyArray<Expression.Expression> => {
  const imaginary: Expression.Expression = { tag: "constant", name: "i" }
  const has = (e: Expression.Expression, name: string): boolean =>
    Syntax.some(e, (part) => (part.tag === "constant" || part.tag === "symbol") && part.name === name)
  return gold.some((e) => has(e, "i") && !has(e, "j"))
    ? given.map((e) => (e.tag === "symbol" || has(e, "i") ? e : Syntax.replace(e, Syntax.symbol("j"), imaginary)))
    : given
}

/** Words and numbers that no grammar reads, as "between 1 and 2". */
const isProse = (gold: string): boolean => {
  const words = gold
    .replaceAll(/\\(?:text|textbf|textit|textrm|mathrm|mbox|emph)\s*\{/g, " ")
    .replaceAll(/\\[a-zA-Z]+/g, " ")
  return (
    (words.match(/(?<![a-zA-Z])[a-zA-Z]{3,}(?![a-zA-Z])/g)?.length ?? 0) > 0 &&
    !/\\(?:frac|sqrt|sum|int|begin)/.test(gold)
  )
}

/** What is decided by the letter of a choice; null when it is not. */
const choose = (
  gold: string,
  answer: string,
  chosen: Choice.Choice | null,
  options: Options,
  limit: number,
): "equal" | "different" | null => {
  const read = Choice.read(gold)
  // A letter after a letter is not a text of a choice: it would be looked into again and again.
  const isText = read?.rest === undefined || read.rest === null || Choice.read(read.rest) === null
  const wanted = read === null || isText ? read : { ...read, rest: null }
  const equal = (a: string, b: string): "equal" | "different" =>
    judge([a], b, options, limit).outcome === "equal" ? "equal" : "different"
  if (wanted === null || !/[A-J]/.test(wanted.letter)) {
    // (C) 12 says 12.
    return chosen?.rest === undefined || chosen.rest === null || !/^\W*[A-J]/.test(answer.replaceAll(/\\[a-z]+/g, ""))
      ? null
      : equal(gold, chosen.rest) === "equal"
        ? "equal"
        : null
  }
  if (chosen !== null) {
    const same = chosen.letter.toUpperCase() === wanted.letter
    if (!same) return "different"
    return wanted.rest === null || chosen.rest === null ? "equal" : equal(wanted.rest, chosen.rest)
  }
  return wanted.rest === null ? null : equal(wanted.rest, answer)
}

/** Whether an accepted answer is understood, as mathematics or as words, rather than compared as text. @category judgement */
export const understood = (gold: string): boolean =>
  gold.trim() !== "" &&
  (typeof Expression.parseAll(gold) !== "string" || Words.read(clean(gold)) !== null || Choice.read(gold) !== null)

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
  if (answer.trim() === "") return { outcome: "unreadable", reason: "the answer is empty", key: "" }
  if (answer.length > Expression.maxLength) {
    const key = clip(spelling(answer.slice(0, Expression.maxLength)))
    return { outcome: "unreadable", reason: `longer than ${Expression.maxLength} characters`, key }
  }
  const spelled = spelling(answer)
  const words = Words.read(clean(answer))
  const parsed = Expression.parseAll(answer)
  const given = orWords(parsed, words)
  const key =
    typeof given === "string"
      ? (words?.text.toLowerCase() ?? clip(spelled))
      : words !== null && (words.marked || words.text.length >= 4)
        ? words.text.toLowerCase()
        : keyOf(given[0], clip(spelled), options, limit)
  const is = (outcome: Judgement["outcome"], reason: string): Judgement => ({ outcome, reason, key })

  const chosen = Choice.readOne(answer)
  let open: Judgement | null = null
  for (const gold of accepted) {
    if (spelled === spelling(gold)) return is("equal", `equals ${clip(gold)}`)
    const choice = choose(gold, answer, chosen, options, limit)
    if (choice === "equal") return is("equal", `equals ${clip(gold)}`)
    if (choice === "different") continue
    const goldWords = Words.read(clean(gold))
    if (words !== null && goldWords !== null && Words.equal(words, goldWords))
      return is("equal", `equals ${clip(gold)}`)
    const read = Expression.parseAll(gold)
    const wanted = orWords(read, goldWords)
    if (typeof wanted === "string") {
      // A sentence is compared as one, a choice by its letter, and that is done.
      if (!isProse(gold) && Choice.read(gold) === null)
        open ??= is("undecided", `the accepted answer ${clip(gold)} cannot be read: ${wanted}`)
      continue
    }
    if (typeof given === "string") continue
    switch (outcomeOf(engineers(given, wanted), wanted, options, limit)) {
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
