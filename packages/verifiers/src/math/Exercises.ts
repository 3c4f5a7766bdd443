/**
 * Exercises of school mathematics, few enough to list: sums of fractions, linear equations, percentages. Their answers are fractions,
 * so that there are several right ways to write one.
 *
 * @module
 */
import * as Seed from "@lpo/rollout/Seed"

/** A fraction of whole numbers, reduced or not. @category models */
export interface Fraction {
  readonly num: number
  readonly den: number
}

/** @category models */
export type Exercise =
  | {
      readonly kind: "fractions"
      readonly operator: "+" | "-" | "*"
      readonly left: Fraction
      readonly right: Fraction
    }
  /** `factor x + term = total`; `term` may be below 0. */
  | { readonly kind: "equations"; readonly factor: number; readonly term: number; readonly total: number }
  /** So much of `base`, or `base` with so much more or less. */
  | {
      readonly kind: "percentages"
      readonly change: "of" | "up" | "down"
      readonly percent: number
      readonly base: number
    }

/** All exercises up to a size; every answer is above 0. @category models */
export interface Space {
  /** Fractions between 0 and 1 with denominators from 2 to this. */
  readonly maxDenominator: number
  /** Equations: factors from 2, terms from 1 with either sign, totals from 1, to these. */
  readonly maxFactor: number
  readonly maxTerm: number
  readonly maxTotal: number
  /** Percentages of whole numbers from 2 to `maxBase`. */
  readonly percents: ReadonlyArray<number>
  readonly maxBase: number
  /** Share of the exercises that is held out, in [0, 1]. */
  readonly heldOutShare: number
}

const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b))

/** The same fraction in lowest terms. @category fractions */
export const reduce = ({ den, num }: Fraction): Fraction => {
  const common = gcd(num, den)
  return { num: num / common, den: den / common }
}

/** The fraction in LaTeX as it stands; a denominator of 1 is left out. @category fractions */
export const latex = ({ den, num }: Fraction): string => (den === 1 ? String(num) : `\\frac{${num}}{${den}}`)

/** Numerators over the common denominator that one writes without a search: the product, or the one that both have. */
export const expand = (
  left: Fraction,
  right: Fraction,
): { readonly nums: readonly [number, number]; readonly den: number } =>
  left.den === right.den
    ? { nums: [left.num, right.num], den: left.den }
    : { nums: [left.num * right.den, right.num * left.den], den: left.den * right.den }

/** What a base is multiplied by, in lowest terms. @category fractions */
export const multiplier = (change: "of" | "up" | "down", percent: number): Fraction => {
  const { den, num } = reduce({ num: percent, den: 100 })
  return { num: change === "of" ? num : change === "up" ? den + num : den - num, den }
}

/** The answer as its method gives it, not reduced. @category fractions */
export const value = (exercise: Exercise): Fraction => {
  switch (exercise.kind) {
    case "fractions": {
      const { left, operator, right } = exercise
      if (operator === "*") return { num: left.num * right.num, den: left.den * right.den }
      const { den, nums } = expand(left, right)
      return { num: operator === "+" ? nums[0] + nums[1] : nums[0] - nums[1], den }
    }
    case "equations":
      return { num: exercise.total - exercise.term, den: exercise.factor }
    case "percentages": {
      const { den, num } = multiplier(exercise.change, exercise.percent)
      return { num: num * exercise.base, den }
    }
  }
}

/**
 * The same for exercises that are one: operands in the other order, an equation with all of it multiplied, p % of n and n % of p.
 *
 * @category splitting
 */
export const key = (exercise: Exercise): string => {
  switch (exercise.kind) {
    case "fractions": {
      const { operator } = exercise
      const sides = [exercise.left, exercise.right].map((side) => latex(reduce(side)))
      return (operator === "-" ? sides : sides.sort()).join(operator)
    }
    case "equations": {
      const { factor, term, total } = exercise
      const common = gcd(gcd(factor, term), total)
      return `${factor / common}x+${term / common}=${total / common}`
    }
    case "percentages": {
      const { base, change, percent } = exercise
      return change === "of"
        ? `${Math.min(base, percent)}% of ${Math.max(base, percent)}`
        : `${base} ${change} ${percent}%`
    }
  }
}

/** Which side of the split an exercise is on: a function of its key alone. @category splitting */
export const split = (exercise: Exercise, heldOutShare: number): "train" | "held-out" =>
  Seed.stream(`math/split/${key(exercise)}`).uniform() < heldOutShare ? "held-out" : "train"

function* all(space: Space): Generator<Exercise> {
  const fractions: Array<Fraction> = []
  for (let den = 2; den <= space.maxDenominator; den++)
    for (let num = 1; num < den; num++) if (gcd(num, den) === 1) fractions.push({ num, den })
  for (const operator of ["+", "-", "*"] as const)
    for (const left of fractions) for (const right of fractions) yield { kind: "fractions", operator, left, right }
  for (let factor = 2; factor <= space.maxFactor; factor++)
    for (let term = -space.maxTerm; term <= space.maxTerm; term++)
      for (let total = 1; total <= space.maxTotal; total++)
        if (term !== 0) yield { kind: "equations", factor, term, total }
  for (const change of ["of", "up", "down"] as const)
    for (const percent of space.percents)
      for (let base = 2; base <= space.maxBase; base++) yield { kind: "percentages", change, percent, base }
}

/** Every exercise of one side with an answer above 0, one of each key, in a fixed order. @category generation */
export const enumerate = (space: Space, side: "train" | "held-out"): Array<Exercise> => {
  const found = new Map<string, Exercise>()
  for (const exercise of all(space))
    if (value(exercise).num > 0 && !found.has(key(exercise))) found.set(key(exercise), exercise)
  return [...found.values()].filter((exercise) => split(exercise, space.heldOutShare) === side)
}

const signed = (term: number): string => (term < 0 ? `- ${-term}` : `+ ${term}`)

/** The exercise in words of a small vocabulary, each between spaces. @category prompts */
export const words = (exercise: Exercise): string => {
  const fraction = ({ den, num }: Fraction): string => `\\frac{ ${num} }{ ${den} }`
  switch (exercise.kind) {
    case "fractions":
      return `${fraction(exercise.left)} ${exercise.operator === "*" ? "\\cdot" : exercise.operator} ${fraction(exercise.right)} :`
    case "equations":
      return `${exercise.factor} x ${signed(exercise.term)} = ${exercise.total} :`
    case "percentages": {
      const { base, change, percent } = exercise
      return change === "of" ? `${percent} \\% of ${base} :` : `${base} ${change} ${percent} \\% :`
    }
  }
}

/** The exercise as a person would ask it. @category prompts */
export const text = (exercise: Exercise): string => {
  switch (exercise.kind) {
    case "fractions": {
      const operator = exercise.operator === "*" ? "\\cdot" : exercise.operator
      return `Compute $${latex(exercise.left)} ${operator} ${latex(exercise.right)}$.`
    }
    case "equations":
      return `Solve $${exercise.factor}x ${signed(exercise.term)} = ${exercise.total}$ for $x$.`
    case "percentages": {
      const { base, change, percent } = exercise
      return change === "of"
        ? `What is $${percent}\\%$ of $${base}$?`
        : `What is $${base}$ after ${change === "up" ? "an increase" : "a decrease"} of $${percent}\\%$?`
    }
  }
}
