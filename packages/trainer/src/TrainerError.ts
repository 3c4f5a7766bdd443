/**
 * What can go wrong in a training run, by the part that failed.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { Schema } from "effect"

/** The run folder cannot be created, locked, read or written. @category errors */
export class RunError extends Schema.TaggedError<RunError>()("RunError", {
  folder: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `run ${this.folder}: ${this.reason}`
  }
}

/** A checkpoint is damaged or does not belong to this run. @category errors */
export class CheckpointError extends Schema.TaggedError<CheckpointError>()("CheckpointError", {
  path: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `checkpoint ${this.path}: ${this.reason}`
  }
}

/** A step cannot be taken: biased log-probs, a reward or a gradient that is not finite. @category errors */
export class TrainingError extends Schema.TaggedError<TrainingError>()("TrainingError", {
  step: Schema.Int,
  reason: Schema.String,
}) {
  override get message(): string {
    return `step ${this.step}: ${this.reason}`
  }
}
