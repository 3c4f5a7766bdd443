/**
 * What can go wrong inside the embedded engine.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { Schema } from "effect"

/** The model, its configuration or a file of it is not usable; `reason` names the value, the rule and the fix. @category errors */
export class ModelError extends Schema.TaggedError<ModelError>()("ModelError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/** A TensorFlow.js backend cannot be used. @category errors */
export class BackendError extends Schema.TaggedError<BackendError>()("BackendError", {
  backend: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `backend ${this.backend}: ${this.reason}`
  }
}

/** The engine could not do a piece of work: out of memory, a dead worker thread. @category errors */
export class EngineError extends Schema.TaggedError<EngineError>()("EngineError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}
