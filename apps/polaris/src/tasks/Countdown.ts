/** Countdown as this program trains it: the parameters of its presets, and the vocabulary and demonstrations of a tiny one. */
import { Seed, type Sequence } from "@lpo/rollout"
import { Tokenizer } from "@lpo/transformer"
import { Countdown } from "@lpo/verifiers"
import { Effect, Schema } from "effect"
import { UsageError } from "../Usage.ts"
import type { Domain, Make, Reads } from "./Domain.ts"
import * as Rows from "./Rows.ts"

/** All problems of one size: multisets of `size` numbers from 1 to `max`, with every target in reach. */
const Parameters = Schema.Struct({
  size: Schema.Int,
  max: Schema.Int,
  minTarget: Schema.Int,
  maxTarget: Schema.Int,
  operators: Schema.Array(Schema.Literals(["+", "-", "*"])),
  /** Share of the number multisets that is held out. */
  heldOutShare: Schema.Finite,
})

/** Problems without end, in the manner of the published sets. */
const Recipe = Schema.Struct({ recipe: Schema.Literals(["countdown-34", "countdown-4", "countdown-6"]) })

const decode = Schema.decodeUnknownEffect(Schema.Union([Parameters, Recipe]), {
  errors: "all",
  onExcessProperty: "error",
})

/**
 * Demonstrations of training problems, drawn from the stream of that name: with probability `correctShare` a solution, any
 * of them alike, otherwise any well-formed expression of the right numbers.
 */
const makeDemonstrations = (space: Countdown.Space, tokenizer: Tokenizer.TokenizerService) => {
  const { maxTarget, minTarget, operators } = space
  const answers = Countdown.enumerate({ ...space, side: "train" })
  const known = new Map<
    string,
    { readonly solutions: Map<number, ReadonlyArray<string>>; readonly all: ReadonlyArray<string> }
  >()
  for (const { nums } of answers) {
    const key = nums.join(",")
    if (known.has(key)) continue
    const solutions = Countdown.Expressions.byValue(nums, operators)
    known.set(key, { solutions, all: [...solutions.values()].flat() })
  }
  const encode = (text: string): Int32Array => Effect.runSync(tokenizer.encode(text))
  const pick = <A>(items: ReadonlyArray<A>, random: Seed.Random): A => items[random.int(0, items.length - 1)]
  return (size: number, correctShare: number, stream: string): Array<Sequence.Sequence> => {
    const random = Seed.stream(stream)
    return Array.from({ length: size }, (_, i) => {
      const { nums, target } = pick(answers, random)
      const { all, solutions } = known.get(nums.join(",")) ?? {
        all: [],
        solutions: new Map<number, ReadonlyArray<string>>(),
      }
      if (target < minTarget || target > maxTarget) throw new RangeError(`target ${target} is outside the task`)
      const text = pick(random.uniform() < correctShare ? (solutions.get(target) ?? []) : all, random)
      const asked = Countdown.ask({ nums: Seed.shuffle(nums, `${stream}/${i}`), target }, { style: "words" })
      const prompt = encode(typeof asked === "string" ? asked : "")
      return { prompt, completion: Int32Array.of(...encode(text), tokenizer.stops[0]) }
    })
  }
}

/** Without parameters: problems of a dataset. */
const ofRows = Rows.make(Countdown.name, (reads) => Countdown.task({ style: Rows.styleOf(reads) }), [
  Countdown.answerEnd,
])

const isEmpty = (given: unknown): boolean =>
  typeof given === "object" && given !== null && Object.keys(given).length === 0

export const make: Make = Effect.fn("Countdown.make")(function* (given) {
  if (isEmpty(given)) return yield* ofRows(given)
  const space = yield* decode(given).pipe(
    Effect.mapError(({ message }) => new UsageError({ reason: `the parameters of the task countdown: ${message}` })),
  )
  if ("recipe" in space) {
    const { recipe: from } = space
    const domain = yield* Rows.make(Countdown.name, (reads) => Countdown.task({ from, style: Rows.styleOf(reads) }), [
      Countdown.answerEnd,
    ])({})
    return domain
  }
  const tokenizer = Tokenizer.words(Countdown.words(space))
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
    tiny: { tokenizer, demonstrations: () => makeDemonstrations(space, tokenizer) },
  } satisfies Domain
})
