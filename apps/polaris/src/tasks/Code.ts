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
  maxFactor: Schema.Int,
  variants: Schema.Int,
  /** Share of the functions that is held out. */
  heldOutShare: Schema.Finite,
})

/** Jobs that are remembered. */
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

const teacher = (space: Code.Exercises.Space): Teacher<Code.Exercises.Exercise> => {
  const all = Exercises.steps(space)
  return {
    exercises: Exercises.enumerate(space, "train"),
    ask: (exercise, stream) => Exercises.words(Exercises.examples(exercise, stream)),
    right: Exercises.source,
    /** Right in all but one: the part, what is done with each number, or which of them is returned. */
    other: (exercise, random: Seed.Random) => {
      const near: ReadonlyArray<() => Code.Exercises.Exercise> = [
        () => ({ ...exercise, part: pick(Exercises.parts, random) }),
        () => ({ ...exercise, each: pick(all, random) }),
        () => ({ ...exercise, fold: pick(Exercises.folds, random) }),
      ]
      return Exercises.source(pick(near, random)())
    },
  }
}

/** Every word of a prompt and of a demonstration; the largest number is the largest that a digit becomes. */
const vocabulary = ({ maxFactor, maxTerm }: Code.Exercises.Space): ReadonlyArray<string> => [
  ...Array.from({ length: Math.max(81, 9 * maxFactor, 9 + maxTerm) + 1 }, (_, n) => String(n)),
  ..."def f ( x ) : return max min sorted [::-1] [1:] [:-1] [::2] [ ] for n in + * - % // -> ;".split(" "),
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
    longest: (reads) => {
      const squares = { part: "x", each: { operator: "square" }, fold: "all" } as const
      return Code.askExamples(Exercises.examples(squares, "longest"), options(reads))
    },
    stopStrings: [],
    rows: (draw) => Code.functions(draw, from).map(Code.row),
    tiny: tiny(vocabulary(from), () => teacher(from)),
  }
})
