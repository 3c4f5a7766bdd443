/** Whether a text reaches the target with each given number used exactly once. */
import { equal, exact, type Rational, show } from "./Amount.ts"
import * as Expression from "./Expression.ts"

/** @category models */
export interface Given {
  readonly nums: ReadonlyArray<number | string>
  readonly target: number | string
}

/** @category models */
export interface Judgement {
  readonly correct: boolean
  /** Whether it is an expression over exactly the given numbers. */
  readonly wellFormed: boolean
  readonly reason: string
  /** The value, `65` or `3/2`; null when there is none. */
  readonly key: string | null
}

const list = (numbers: ReadonlyArray<bigint>): string =>
  numbers.length < 2 ? numbers.join(" ") : [...numbers].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).join(" ")

/** Whether two lists hold the same numbers, each as often. */
const same = (some: ReadonlyArray<bigint>, others: ReadonlyArray<bigint>): boolean => {
  if (some.length !== others.length) return false
  const left = [...others]
  for (const n of some) {
    const at = left.indexOf(n)
    if (at < 0) return false
    left.splice(at, 1)
  }
  return true
}

/**
 * Why the problem cannot be judged: a number that is not whole, or that nobody can know exactly; null when it can.
 *
 * @category validation
 */
export const refusal = ({ nums, target }: Given): string | null => {
  const inexact = (name: string, value: number | string): string =>
    `the ${name} ${value} is not exact: a number above 2^53, or one that is not a decimal, must be given as text`
  for (const value of nums) {
    if (Number.isSafeInteger(value)) continue
    const amount = exact(value)
    if (amount === null) return inexact("number", value)
    if (amount.den !== 1n) return `the number ${value} is not whole`
  }
  return exact(target) === null ? inexact("target", target) : null
}

/** Judges the text of an expression; the problem has no `refusal`. Exact, and linear in the length of the text. @category grading */
export const judge = (given: Given, text: string): Judgement => {
  const wrong = (reason: string): Judgement => ({ correct: false, wellFormed: false, reason, key: null })
  const found = Expression.readings(text)
  if (typeof found === "string") return wrong(found)
  const target = exact(given.target) as Rational
  const wanted = given.nums.map((n) => (exact(n) as Rational).num)
  const parsed = found.find(({ numbers }) => same(numbers, wanted))
  if (parsed === undefined) return wrong(`uses the numbers ${list(found[0].numbers)}, not ${list(wanted)}`)
  const key = show(parsed.value)
  const correct = equal(parsed.value, target)
  return { correct, wellFormed: true, key, reason: correct ? `equals ${key}` : `equals ${key}, not ${show(target)}` }
}
