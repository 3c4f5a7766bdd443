/**
 * Programming as this program trains it: programs run in the embedded sandbox. Problems come from a dataset, or are the small functions
 * of a tiny preset.
 */
import type { Seed } from "@lpo/rollout"
import { Code, EmbeddedSandbox, Sandbox } from "@lpo/verifiers"
import { Cache, Effect, Schema } from "effect"
import { pick, type Teacher, tiny } from "./Demonstrations.ts"
import type { Reads } from "./Domain.ts"
import * as Rows from "./Rows.ts"

const { Exercises } = Code

/** Functions up to a size, as `Exercises.Space` describes. */
const Parameters = Schema.Struct({
  maxTerm: Schema.Int,
  variants: Schema.Int,
  /** Share of the functions that is held out. */
  heldOutShare: Schema.Finite,
})

/** How many jobs are remembered. */
const capacity = 100_000

/**
 * Runs a program on the same tests once: a small policy writes the same few programs again and again, and in its words none of them can
 * depend on chance or time.
 */
const remembering = (sandbox: Sandbox.SandboxService) =>
  Effect.gen(function* () {
    const cache = yield* Cache.make({
      capacity,
      lookup: (job: string) => sandbox.run(JSON.parse(job) as Sandbox.Job),
    })
    const remembered: Sandbox.SandboxService = {
      ...sandbox,
      run: (job, each = Sandbox.keep) =>
        Effect.map(Cache.get(cache, JSON.stringify(job)), (outcomes) => outcomes.map((o, i) => each(o, i))),
    }
    return remembered
  })

/** A usual mistake: the wrong operation or part, the constant wrong, on the wrong side or left out. */
const mistake = (exercise: Code.Exercises.Exercise, random: Seed.Random): string => {
  const [first] = Exercises.expressions(exercise)
  if (exercise.kind === "number") {
    const { constant } = exercise
    return pick(
      [
        () => pick(Exercises.expressions({ ...exercise, shape: pick(Object.keys(Exercises.shapes), random) }), random),
        () => Exercises.expressions({ ...exercise, constant: constant + pick([-1, 1], random) })[0],
        () =>
          first
            .replace(/^(\d+) - x$/, "x - $1")
            .replace(" + ", " - ")
            .replace(" * ", " + "),
      ],
      random,
    )()
  }
  const { kind, part, side } = exercise
  return pick(
    [
      () =>
        Exercises.expressions({
          ...exercise,
          part: pick(Object.keys(kind === "string" ? Exercises.strings : Exercises.lists), random),
        })[0],
      () => Exercises.expressions({ ...exercise, constant: pick(Exercises.constants[kind], random) })[0],
      () => Exercises.expressions({ ...exercise, side: side === "before" ? "after" : "before" })[0],
      () => part,
    ],
    random,
  )()
}

const teacher = (space: Code.Exercises.Space): Teacher<Code.Exercises.Exercise> => ({
  exercises: Exercises.enumerate(space, "train"),
  ask: (exercise, stream) => Exercises.words(Exercises.examples(exercise, stream)),
  right: (exercise, random) => Exercises.source(exercise.kind, pick(Exercises.expressions(exercise), random)),
  other: (exercise, random) => Exercises.source(exercise.kind, mistake(exercise, random)),
})

/** Every word of a prompt and of a demonstration; numbers to the largest that a digit becomes. */
const vocabulary = ({ maxTerm }: Code.Exercises.Space): ReadonlyArray<string> => [
  ...Array.from({ length: 9 + 81 + maxTerm + 1 }, (_, i) => String(i - 9)),
  ...[..."abcdefghij"].flatMap((letter) => [letter, letter.toUpperCase(), `"${letter}"`]),
  ..."s x xs max min sorted def f(xs): return for in ( , ) [ ] + - * -> ; :".split(" "),
  ..."[::-1] [1:] [:-1] [0] [-1] [::2] [:1] [-1:] .upper()".split(" "),
]

/** Without parameters: problems of a dataset. */
const ofRows = Rows.make(Code.name, (reads) =>
  Code.task({ style: Rows.styleOf(reads) }).pipe(Effect.provideServiceEffect(Sandbox.Sandbox, EmbeddedSandbox.make())),
)

export const make = Rows.orGenerated(Code.name, ofRows, Parameters, (from) => {
  const options = (reads: Reads): Code.Options => ({ from, style: reads })
  return {
    name: Code.name,
    task: (reads) =>
      Code.task(options(reads)).pipe(
        Effect.provideServiceEffect(
          Sandbox.Sandbox,
          reads === "words" ? Effect.flatMap(EmbeddedSandbox.make(), remembering) : EmbeddedSandbox.make(),
        ),
      ),
    longest: (reads) =>
      Code.askExamples(
        Exercises.examples({ kind: "list", part: "x", constant: 0, side: "after" }, "longest"),
        options(reads),
      ),
    stopStrings: [],
    rows: (draw) => Code.functions(draw, from).map(Code.row),
    tiny: tiny(vocabulary(from), () => teacher(from)),
  }
})
