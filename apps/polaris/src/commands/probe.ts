/** `polaris probe`: does the sampler follow the learner? It takes the options of `train` and keeps nothing. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { Command } from "effect/cli"
import * as Config from "../Config.ts"
import * as Following from "../Following.ts"
import { layers } from "../layers.ts"
import * as Opening from "../Opening.ts"
import * as Options from "../Options.ts"
import * as Overrides from "../Overrides.ts"
import * as Preset from "../Preset.ts"
import * as Problems from "../Problems.ts"
import * as Resolve from "../Resolve.ts"
import * as Settings from "../Settings.ts"
import { open as openTask } from "../tasks/index.ts"
import { UsageError } from "../Usage.ts"
import * as View from "../View.ts"
import type { Entry } from "./Entry.ts"

export const command: Entry = Command.make(
  "probe",
  { ...Options.given, config: Options.file.config, set: Options.file.set },
  Effect.fn(function* ({ config, set, template, ...asked }) {
    const { given, pairs } = yield* Config.over(asked, config, set, template)
    const resolved = yield* Overrides.set(yield* Resolve.settings(given, null), pairs)
    yield* Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.tryPromise({
          try: () => mkdtemp(join(tmpdir(), "polaris-probe-")),
          catch: (cause) =>
            new UsageError({
              reason: `there is no room in ${tmpdir()} (${(cause as Error).message}); free space, or set TMPDIR`,
            }),
        }),
        (path) => Effect.promise(() => rm(path, { recursive: true, force: true }).catch(() => undefined)),
      )
      const preset = yield* Preset.load(resolved.preset)
      const domain = yield* openTask(resolved.task.name, resolved.task.parameters)
      const settings = Settings.withStops(resolved, domain.stopStrings)
      const view = View.make()
      yield* Effect.addFinalizer(() => Effect.sync(view.done))
      const files =
        settings.data === null ? null : yield* Problems.open(settings.data, yield* domain.task("text"), view)
      const opened = yield* Opening.engine(settings, { domain, folder, given, preset, view })
      const task = yield* domain.task(opened.reads)
      const { heldOut } = yield* settings.data === null || files === null
        ? Problems.generated(task, settings)
        : Problems.read(settings.data, task, files, settings.evaluation.problems, false)
      for (const line of opened.about) view.print(line)
      yield* Following.prove(settings, heldOut, view).pipe(Effect.provide(layers(opened, task, domain.episodes)))
    }).pipe(Effect.scoped)
  }),
).pipe(
  Command.withDescription(
    "Check that the sampler follows the learner, with three steps on response length that are undone afterwards",
  ),
  Command.withExamples([
    {
      command: "polaris probe --engine tinker --server http://gpu:8000 --model Qwen/Qwen3-0.6B",
      description: "Check a server before a long run on it",
    },
  ]),
)
