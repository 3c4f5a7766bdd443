/** The named benchmarks of a run: evaluated before and after training, response by response, into the run's folder. */
import { createHash } from "node:crypto"
import { join } from "node:path"
import { RegularFile, Sampler } from "@lpo/rollout"
import { TrainerError } from "@lpo/trainer"
import { Effect, Layer } from "effect"
import type { Settings } from "../Settings.ts"
import type { Reads } from "../tasks/index.ts"
import type { View } from "../View.ts"
import * as Measure from "./Measure.ts"
import * as Sets from "./Sets.ts"

/** Opens the benchmarks of the settings; their rows close with the scope. */
export const open = (settings: Settings, reads: Reads, view: View) =>
  Effect.forEach(settings.evaluation.benchmarks, ({ name, samples, temperature }) =>
    Effect.map(Sets.benchmark(name, null, reads, view), (set): Sets.Set => {
      const { maxTokens, stopStrings } = settings.train.sampling
      return { ...set, samples, temperature, maxTokens, stopStrings }
    }),
  )

/** Evaluates the policy of the run as it is after `step` steps; what is already in the folder is not sampled again. */
export const evaluate = Effect.fn("Suites.evaluate")(function* (
  sets: ReadonlyArray<Sets.Set>,
  options: {
    readonly folder: string
    readonly step: number
    readonly seed: string
    readonly title: string
    readonly view: View
  },
) {
  const { seed, step, title, view } = options
  const layer = Layer.succeed(Sampler.Sampler, yield* Sampler.Sampler)
  return yield* Effect.forEach(sets, (set) =>
    Effect.gen(function* () {
      const { from, maxTokens, name, samples, stopStrings, temperature } = set
      // Samples made with other settings are not part of this evaluation.
      const asked = createHash("sha256")
        .update(JSON.stringify([seed, from, name, samples, temperature, maxTokens, stopStrings]))
        .digest("hex")
      const folder = join(options.folder, "benchmarks", `step-${String(step).padStart(6, "0")}-${asked.slice(0, 8)}`)
      yield* Effect.tryPromise({
        try: () => RegularFile.makeFolder(folder),
        catch: (cause) =>
          new TrainerError.RunError({ folder, reason: `cannot be created (${(cause as Error).message})` }),
      })
      return yield* Measure.evaluate(set, { layer }, { folder, seed, completions: null, title, view })
    }),
  )
})
