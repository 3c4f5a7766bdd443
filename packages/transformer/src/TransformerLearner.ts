/**
 * The embedded engine as a `Learner` that saves itself in folders.
 *
 * @module
 */
import type { Learner } from "@lpo/trainer"
import type { Layer } from "effect"
import * as ModelFiles from "./ModelFiles.ts"
import type { Policy } from "./policy/Service.ts"
import * as Learn from "./policy/Learn.ts"
import type { Limits } from "./train/MicroBatch.ts"

/** A whole group always goes together. @category models */
export type Options = Limits

const folders: Learn.Keeper = {
  save: (policy, folder) => ModelFiles.save(policy, folder, { optimizer: true }),
  restore: (policy, folder) => ModelFiles.restore(policy, folder, { optimizer: true }),
}

/** @category layers */
export const layer = (limits: Options = {}): Layer.Layer<Learner.Learner, never, Policy> => Learn.layer(limits, folders)
