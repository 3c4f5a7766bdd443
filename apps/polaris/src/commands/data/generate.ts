/** `polaris data generate`: rows of a task that makes its own problems. */
import { Terminal } from "@lpo/rollout"
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Countdown } from "@lpo/verifiers"
import * as Preset from "../../Preset.ts"
import { open as openTask } from "../../tasks/index.ts"
import { UsageError, whole } from "../../Usage.ts"
import * as Shared from "./shared.ts"

/** Rows of a preset that makes its own problems. */
const ofPreset = Effect.fn("generate.ofPreset")(function* (name: string, images: boolean) {
  const { task } = yield* Preset.load(name)
  const { drawnRows, rows } = yield* openTask(task.name, task.parameters)
  if (rows === undefined)
    return yield* new UsageError({
      reason: `the preset ${name} does not generate problems; choose countdown-tiny, math-tiny, geometry-tiny or code-tiny`,
    })
  if (!images) return rows
  return (
    drawnRows ??
    (yield* new UsageError({ reason: `--images is given, but the preset ${name} has no images; choose geometry-tiny` }))
  )
})

export const command = Command.make(
  "generate",
  {
    preset: Argument.String("preset").pipe(
      Argument.withDescription("Problems of a tiny preset, such as geometry-tiny. Default: Countdown by --recipe"),
      Argument.optional,
      Argument.map(Option.getOrNull),
    ),
    recipe: Flag.Literals("recipe", Object.keys(Countdown.recipes) as Array<keyof typeof Countdown.recipes>).pipe(
      Flag.withDescription("Countdown recipe, without a preset. Default countdown-34"),
      Flag.optional,
      Flag.map(Option.getOrNull),
    ),
    images: Flag.Boolean("images").pipe(
      Flag.withDescription("Draw the figures of geometry-tiny as PNG, for vision models"),
      Flag.withDefault(false),
    ),
    count: Flag.Int("count").pipe(
      Flag.withDescription("Number of rows. Default: all of a preset"),
      Flag.optional,
      Flag.map(Option.getOrNull),
    ),
    seed: Flag.String("seed").pipe(
      Flag.withDescription("The same seed gives the same rows. Default 1"),
      Flag.withDefault("1"),
    ),
    side: Flag.Literals("side", ["train", "held-out"]).pipe(
      Flag.withDescription(
        "Rows to train on, or held-out rows; no problem is on both sides in any form. Default train",
      ),
      Flag.withDefault("train" as const),
    ),
    out: Shared.out,
  },
  Effect.fn(function* (flags) {
    const { images, preset, seed, side } = flags
    const count = flags.count === null ? null : yield* whole("count", flags.count, 1, 10_000_000)
    const recipe = flags.recipe ?? "countdown-34"
    if (preset === null && (images || count === null))
      return yield* new UsageError({
        reason: images
          ? "--images is given without a preset; give geometry-tiny"
          : "--count is missing: a recipe is endless; give the number of rows to draw",
      })
    if (preset !== null && flags.recipe !== null)
      return yield* new UsageError({ reason: `--recipe is given with the preset ${preset}; leave one of them out` })
    const draw = { seed, side, ...(count !== null && { count }) }
    const rows =
      preset === null
        ? Countdown.generate(draw, { from: recipe }).map(({ answer }) => answer)
        : (yield* ofPreset(preset, images))(draw)
    yield* Shared.writing(flags.out, (write) => Effect.forEach(rows, write, { discard: true }))
    yield* Shared.print(
      `${flags.out}: ${Terminal.counted(rows.length, "row")} (${preset ?? recipe}, ${side}, seed ${seed})`,
    )
  }),
).pipe(
  Command.withDescription("Generate rows that have solutions: Countdown by a recipe, or the problems of a tiny preset"),
  Command.withExamples([
    { command: "polaris data generate --count 10000 --out countdown.jsonl", description: "Numbers and targets" },
    {
      command: "polaris data generate geometry-tiny --images --out figures.jsonl",
      description: "Drawings for a vision model",
    },
  ]),
)
