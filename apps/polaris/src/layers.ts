/** The layers of a run: what the engine provides, and the verifier of the task, or that of its episodes. */
import type { Sampler } from "@lpo/rollout"
import type { Learner } from "@lpo/trainer"
import { Task, Verifier } from "@lpo/verifiers"
import { Effect, Layer } from "effect"
import type { Opened } from "./engines/index.ts"
import type { Multiturn } from "./tasks/index.ts"

export const layers = (
  { layer }: Opened,
  task: Task.AnyTask,
  episodes?: Multiturn,
): Layer.Layer<Sampler.Sampler | Learner.Learner | Verifier.Verifier> =>
  Layer.merge(layer, episodes === undefined ? Task.layer(Effect.succeed(task)) : Verifier.ofEpisodes)
