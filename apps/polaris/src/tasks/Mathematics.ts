/** Mathematics as this program trains it: problems of a dataset, or exercises of a tiny preset with their methods and mistakes. */
import type { Seed } from "@lpo/rollout"
import { Mathematics } from "@lpo/verifiers"
import { Schema } from "effect"
import { pick, type Teacher, tiny } from "./Demonstrations.ts"
import type { Reads } from "./Domain.ts"
import * as Rows from "./Rows.ts"

const { Exercises } = Mathematics

/** Exercises up to a size, as `Exercises.Space` describes. */
const Parameters = Schema.Struct({
  maxDenominator: Schema.Int,
  maxFactor: Schema.Int,
  maxTerm: Schema.Int,
  maxTotal: Schema.Int,
  percents: Schema.Array(Schema.Int),
  maxBase: Schema.Int,
  /** Share of the exercises that is held out. */
  heldOutShare: Schema.Finite,
})

const box = (text: string): string => `\\boxed{ ${text} }`
const fraction = ({ den, num }: Mathematics.Exercises.Fraction): string => `\\frac{ ${num} }{ ${den} }`

/** Decimals that are words. */
const decimals = new Set(["0.1", "0.2", "0.25", "0.3", "0.4", "0.5", "0.6", "0.7", "0.75", "0.8", "0.9", "1.5"])

/** An answer in one of the forms that are equal: as the method gives it (half of the time), in lowest terms, as a decimal or in percent. */
const inSomeForm = (value: Mathematics.Exercises.Fraction, random: Seed.Random): string => {
  if (random.uniform() < 0.5) return fraction(value)
  const { den, num } = Exercises.reduce(value)
  const forms = [den === 1 ? String(num) : fraction({ num, den })]
  const decimal = String(num / den)
  if (decimals.has(decimal)) forms.push(decimal, `${Math.round((100 * num) / den)} \\%`)
  return pick(forms, random)
}

/** The right method: its steps, then the answer in some form. */
const right = (exercise: Mathematics.Exercises.Exercise, random: Seed.Random): string => {
  const answer = box(inSomeForm(Exercises.value(exercise), random))
  switch (exercise.kind) {
    case "fractions": {
      const { left, operator, right: other } = exercise
      if (operator === "*" || left.den === other.den) return answer
      const { den, nums } = Exercises.expand(left, other)
      return `${nums[0]} / ${den} ${operator} ${nums[1]} / ${den} , ${answer}`
    }
    case "equations":
      return `${exercise.factor} x = ${exercise.total - exercise.term} , ${answer}`
    case "percentages": {
      const { den, num } = Exercises.multiplier(exercise.change, exercise.percent)
      return `${num} / ${den} , ${answer}`
    }
  }
}

/** A usual mistake. */
const mistake = (exercise: Mathematics.Exercises.Exercise, random: Seed.Random): string => {
  switch (exercise.kind) {
    case "fractions": {
      const { left, operator, right: other } = exercise
      const across = { num: left.num + other.num, den: left.den + other.den }
      const crosswise = { num: left.num * other.den, den: left.den * other.num }
      if (operator === "*") return box(fraction(pick([across, crosswise], random)))
      // The denominators are multiplied and the numerators left as they are.
      const den = left.den * other.den
      const num = operator === "+" ? left.num + other.num : Math.abs(left.num - other.num)
      return pick(
        [
          box(fraction(across)),
          `${left.num} / ${den} ${operator} ${other.num} / ${den} , ${box(fraction({ num, den }))}`,
        ],
        random,
      )
    }
    case "equations": {
      const { factor, term, total } = exercise
      // The term changes sides and keeps its sign; nothing is divided; or the wrong way round.
      const kept = Math.abs(total + term)
      return pick(
        [
          `${factor} x = ${kept} , ${box(fraction({ num: kept, den: factor }))}`,
          `${factor} x = ${total - term} , ${box(String(total - term))}`,
          `${factor} x = ${total - term} , ${box(fraction({ num: factor, den: total - term }))}`,
        ],
        random,
      )
    }
    case "percentages": {
      const { base, change, percent } = exercise
      const { den, num } = Exercises.multiplier(change, percent)
      const part = Exercises.multiplier("of", percent)
      // Divided by the percentage; the percentage taken for an amount, or the part for the whole.
      return pick(
        change === "of"
          ? [box(fraction({ num: base, den: percent })), `${num} / ${den} , ${box(fraction({ num: base, den }))}`]
          : [
              box(String(change === "up" ? base + percent : Math.abs(base - percent))),
              `${part.num} / ${part.den} , ${box(fraction({ num: part.num * base, den: part.den }))}`,
            ],
        random,
      )
    }
  }
}

const teacher = (space: Mathematics.Exercises.Space): Teacher<Mathematics.Exercises.Exercise> => ({
  exercises: Exercises.enumerate(space, "train"),
  ask: Exercises.words,
  right,
  other: mistake,
})

/** Every word of a prompt and of a demonstration. */
const vocabulary = (space: Mathematics.Exercises.Space): ReadonlyArray<string> => {
  const all = [...Exercises.enumerate(space, "train"), ...Exercises.enumerate(space, "held-out")]
  const largest = Math.max(
    ...all.map((exercise) => Exercises.value(exercise)).flatMap(({ den, num }) => [den, num]),
    space.maxTotal + space.maxTerm,
    space.maxBase + Math.max(0, ...space.percents),
  )
  return [
    ...Array.from({ length: largest + 1 }, (_, n) => String(n)),
    ...decimals,
    ..."\\frac{ }{ } \\boxed{ + - \\cdot / = x , : \\% of up down".split(" "),
  ]
}

/** Without parameters: problems of a dataset. */
const ofRows = Rows.make(Mathematics.name, (reads) => Mathematics.task({ style: Rows.styleOf(reads) }))

export const make = Rows.orGenerated(Mathematics.name, ofRows, Parameters, (from) => {
  const options = (reads: Reads): Mathematics.Options => ({ from, style: reads })
  return {
    name: Mathematics.name,
    task: (reads) => Mathematics.task(options(reads)),
    longest: (reads) => {
      const longest = {
        kind: "percentages",
        change: "down",
        percent: Math.max(...from.percents),
        base: from.maxBase,
      } as const
      return reads === "words" ? Exercises.words(longest) : Mathematics.ask(Exercises.text(longest), options(reads))
    },
    stopStrings: [],
    rows: (draw) => Mathematics.exercises(draw, from).map(Mathematics.row),
    tiny: tiny(vocabulary(from), () => teacher(from)),
  }
})
