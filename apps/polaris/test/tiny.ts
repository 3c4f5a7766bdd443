/** The preset countdown-tiny: its task, its problems and the warm start that it ships. */
import type { Problem } from "@lpo/rollout"
import { Effect } from "effect"
import * as Model from "../src/Model.ts"
import * as Preset from "../src/Preset.ts"
import { type Reads, tasks } from "../src/tasks/index.ts"

export const preset = await Effect.runPromise(Preset.load("countdown-tiny"))
export const { parameters } = preset.task
export const make = tasks[preset.task.name]

export const open = async () => {
  if (preset.model?.kind !== "warm-start") throw new Error("the preset has a model of its own")
  const model: Model.WarmStart = preset.model
  return { preset, model, domain: await Effect.runPromise(make(parameters)) }
}

export const problems = async (side: "train" | "held-out", reads: Reads): Promise<ReadonlyArray<Problem.Problem>> => {
  const { domain } = await open()
  const task = await Effect.runPromise(Effect.scoped(domain.task(reads)))
  return task.generate?.({ side, seed: preset.name }) ?? []
}
