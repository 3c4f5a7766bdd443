/** `polaris data generate`: rows of a task that makes its own problems. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { Countdown } from "@lpo/verifiers"
import { whole } from "../../Usage.ts"
import * as Shared from "./shared.ts"

export const command = Command.make(
  "generate",
  {
    recipe: Flag.Literals("recipe", Object.keys(Countdown.recipes) as Array<keyof typeof Countdown.recipes>).pipe(
      Flag.withDescription("Which Countdown problems. Default countdown-34"),
      Flag.withDefault("countdown-34"),
    ),
    count: Flag.Int("count").pipe(Flag.withDescription("How many")),
    seed: Flag.String("seed").pipe(
      Flag.withDescription("The same seed gives the same rows. Default 1"),
      Flag.withDefault("1"),
    ),
    side: Flag.Literals("side", ["train", "held-out"]).pipe(
      Flag.withDescription("No multiset of numbers is on both sides. Default train"),
      Flag.withDefault("train" as const),
    ),
    out: Shared.out,
  },
  Effect.fn(function* (flags) {
    const count = yield* whole("count", flags.count, 1, 10_000_000)
    const { recipe, seed, side } = flags
    const problems = Countdown.generate({ count, seed, side }, { from: recipe })
    const write = yield* Shared.writer(flags.out)
    for (const { answer } of problems) yield* write(answer)
    yield* Shared.print(`${flags.out}: ${problems.length} rows (${recipe}, ${side}, seed ${seed})`)
  }, Effect.scoped),
).pipe(Command.withDescription("Generate Countdown rows with solutions: numbers and a target"))
