/** `polaris warm-start`: makes a preset's warm start again from its seed, and compares it with the shipped one. */
import { Backend } from "@lpo/transformer"
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Preset from "../Preset.ts"
import { open as openTask } from "../tasks/index.ts"
import { UsageError } from "../Usage.ts"
import * as View from "../View.ts"
import * as WarmStart from "../WarmStart.ts"
import type { Entry } from "./Entry.ts"

export const command: Entry = Command.make(
  "warm-start",
  {
    preset: Argument.String("preset").pipe(
      Argument.withDescription(
        `The preset: ${Preset.names.filter((name) => name.endsWith("-tiny")).join(", ")}. Default countdown-tiny`,
      ),
      Argument.optional,
      Argument.map(Option.getOrNull),
    ),
    out: Flag.File("out").pipe(
      Flag.withDescription("Where to write the weights. Default warm-start.safetensors"),
      Flag.withDefault("warm-start.safetensors"),
    ),
  },
  Effect.fn(function* (flags) {
    const { model, name, task } = yield* Preset.load(flags.preset ?? "countdown-tiny")
    if (model?.kind !== "warm-start")
      return yield* new UsageError({
        reason: `the preset ${name} starts from ${model === null ? "the model you give" : `the checkpoint ${model.source}`}; it has no warm start`,
      })
    const { tiny } = yield* openTask(task.name, task.parameters)
    if (tiny === null)
      return yield* new UsageError({ reason: `the task ${task.name} has no small model; choose another preset` })
    yield* Backend.start("wasm")
    const view = View.make()
    const policy = yield* WarmStart.make(model, tiny, ({ loss, stage, step, steps }) =>
      Effect.sync(() =>
        view.progress({
          title: `Warm start, stage ${stage + 1} of ${model.demonstrations.stages.length}`,
          done: step,
          total: steps,
          detail: [`loss ${loss.toFixed(4)} nats per token`],
        }),
      ),
    )
    view.done()
    yield* WarmStart.write(policy, flags.out)
    const [made, shipped] = yield* Effect.all([WarmStart.read(flags.out), WarmStart.read(WarmStart.shipped(name))])
    const same = made !== null && shipped !== null && Buffer.compare(made, shipped) === 0
    view.print(`${flags.out}: ${same ? "the same bytes as" : "differs from"} the shipped warm start`)
  }, Effect.scoped),
).pipe(Command.withDescription("Reproduce a preset's warm start: supervised training on imperfect demonstrations"))
