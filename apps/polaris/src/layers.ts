/** The layers of a run: what the engine provides, and the verifier of the task. */
import type { Sampler } from "@lpo/rollout"
import type { Learner } from "@lpo/trainer"
import { Task, type Verifier } from "@lpo/verifiers"
import { Effect, Layer } from "effect"
import type { Opened } from "./engines/index.ts"

export const layers = (
  { layer }: Opened,
  task: Task.AnyTask,
): Layer.Layer<Sampler.Sampler | Learner.Learner | Verifier.Verifier> =>
  Layer.merge(layer, Task.layer(Effect.succeed(task)))
