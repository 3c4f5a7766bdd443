/** Countdown as this program trains it: the parameters of its presets, and the vocabulary and demonstrations of a tiny one. */
import { Seed } from "@lpo/rollout"
import { Countdown } from "@lpo/verifiers"
import { Schema } from "effect"
import { pick, type Teacher, tiny } from "./Demonstrations.ts"
import type { Domain, Reads } from "./Domain.ts"
import * as Rows from "./Rows.ts"

/** All problems of one size: multisets of `size` numbers from 1 to `max`, with every target in reach. */
export const Parameters = Schema.Struct({
  size: Schema.Int,
  max: Schema.Int,
  minTarget: Schema.Int,
  maxTarget: Schema.Int,
  operators: Schema.Array(Schema.Literals(["+", "-", "*"])),
  /** Share of the number multisets that is held out. */
  heldOutShare: Schema.Finite,
})

/** Endless problems, in the manner of the published sets. */
const Recipe = Schema.Struct({ recipe: Schema.Literals(["countdown-34", "countdown-4", "countdown-6"]) })

/** Right: any solution, all alike; otherwise any well-formed expression of the right numbers. */
const teacher = (space: Countdown.Space): Teacher<Countdown.Generated> => {
  const { operators } = space
  const exercises = Countdown.enumerate({ ...space, side: "train" })
  const known = new Map<
    string,
    { readonly solutions: Map<number, ReadonlyArray<string>>; readonly all: ReadonlyArray<string> }
  >()
  const of = ({ nums }: Countdown.Generated) => {
    const key = nums.join(",")
    const old = known.get(key)
    if (old !== undefined) return old
    const solutions = Countdown.Expressions.byValue(nums, operators)
    const made = { solutions, all: [...solutions.values()].flat() }
    known.set(key, made)
    return made
  }
  return {
    exercises,
    ask: ({ nums, target }, stream) => {
      const asked = Countdown.ask({ nums: Seed.shuffle(nums, stream), target }, { style: "words" })
      return typeof asked === "string" ? asked : ""
    },
    right: (exercise, random) => pick(of(exercise).solutions.get(exercise.target) ?? [], random),
    other: (exercise, random) => pick(of(exercise).all, random),
  }
}

/** Without parameters: problems of a dataset. */
const ofRows = Rows.make(Countdown.name, (reads) => Countdown.task({ style: Rows.styleOf(reads) }), [
  Countdown.answerEnd,
])

const ofRecipe = (from: (typeof Recipe.Type)["recipe"]): Domain => ({
  name: Countdown.name,
  task: (reads) => Countdown.task({ from, style: Rows.styleOf(reads) }),
  longest: null,
  stopStrings: [Countdown.answerEnd],
  tiny: null,
})

export const make = Rows.orGenerated(Countdown.name, ofRows, Schema.Union([Parameters, Recipe]), (space) => {
  if ("recipe" in space) return ofRecipe(space.recipe)
  const { max, maxTarget, operators, size } = space
  const options = (reads: Reads): Countdown.Options => ({
    from: space,
    operators,
    style: reads,
    extract: reads === "words" ? "whole" : "answer-tag",
  })
  return {
    name: Countdown.name,
    task: (reads) => Countdown.task(options(reads)),
    longest: (reads) => Countdown.ask({ nums: Array<number>(size).fill(max), target: maxTarget }, options(reads)),
    stopStrings: [Countdown.answerEnd],
    rows: (draw) => Countdown.generate(draw, { from: space }).map(({ answer }) => answer),
    tiny: tiny(Countdown.words(space), () => teacher(space)),
  }
})
