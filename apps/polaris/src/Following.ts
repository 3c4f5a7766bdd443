/** The proof that the sampler follows the learner, on a few problems, with the run's own sampling. */
import type { Problem } from "@lpo/rollout"
import { Probe } from "@lpo/trainer"
import { Effect } from "effect"
import * as Settings from "./Settings.ts"
import type { View } from "./View.ts"

/** How many problems are sampled. */
const few = 4

export const prove = Effect.fn("Following.prove")(function* (
  settings: Settings.Settings,
  problems: ReadonlyArray<Problem.Problem>,
  view: View,
) {
  const { after, before, direction, learningRate, z } = yield* Probe.run({
    config: Settings.trainConfig(settings),
    problems: problems.slice(0, few),
  })
  view.print(
    `the sampler follows the learner: three steps on the reward "${direction}" moved the mean length from ${before.toFixed(2)} to ${after.toFixed(2)} tokens, ` +
      `${z.toFixed(1)} standard errors, at learning rate ${learningRate}; the learner is back where it was`,
  )
})
