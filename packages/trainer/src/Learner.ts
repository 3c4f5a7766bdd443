/**
 * The learner: holds the policy being optimised, gives its log-probs, adds up gradients and takes optimiser steps.
 *
 * The embedded engine and the Tinker protocol both fit behind it: weights are evaluated at the current theta inside
 * `accumulate`, either from the same forward pass or by a forward call followed by a weighted cross-entropy backward.
 */
import type { Group } from "@lpo/rollout"
import { Context, type Effect, Schema } from "effect"
import type { Objective, ObjectiveResult } from "./Objective.ts"

/** A learner could not do its work; `reason` names the value, the rule and the fix. @category errors */
export class LearnerError extends Schema.TaggedError<LearnerError>()("LearnerError", {
  operation: Schema.Literals(["logprobs", "accumulate", "step", "publish", "save", "restore"]),
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.operation}: ${this.reason}`
  }
}

/** A prompt and one response to it, as tokens. @category models */
export interface Sequence {
  /** [P], P >= 1 */
  readonly prompt: Int32Array
  /** [T], T >= 1 */
  readonly completion: Int32Array
}

/** A scored group as the learner needs it. @category models */
export interface TrainGroup {
  readonly group: Group.ScoredGroup
  /** Token log-probs under the anchor pi_t, K arrays of [T_k], nats. */
  readonly anchor: ReadonlyArray<Float32Array>
}

/** @category models */
export interface AccumulateStats {
  /** One result per group, in order: weights, coefficients, w* and P at the current theta. */
  readonly results: ReadonlyArray<ObjectiveResult>
  /** Tokens that went through the model, prompts included. */
  readonly tokens: number
}

/** One AdamW step. @category models */
export interface StepOptions {
  readonly learningRate: number
  /** The gradient is scaled down to this global norm; Infinity leaves it alone. */
  readonly maxGradNorm: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Decoupled. */
  readonly weightDecay: number
}

/** @category models */
export interface StepStats {
  /** Global norm of the gradient before clipping; null where the engine does not tell. */
  readonly gradNorm: number | null
}

/** @category services */
export interface LearnerService {
  /** Token log-probs of each completion under the current policy, nats, [T] each. */
  readonly logprobs: (sequences: ReadonlyArray<Sequence>) => Effect.Effect<ReadonlyArray<Float32Array>, LearnerError>
  /** Adds `scale * sum weight * grad log pi` of all groups to the gradient. */
  readonly accumulate: (
    groups: ReadonlyArray<TrainGroup>,
    objective: Objective,
    scale: number,
  ) => Effect.Effect<AccumulateStats, LearnerError>
  /** One ascent step along the accumulated gradient, which is then cleared. */
  readonly step: (options: StepOptions) => Effect.Effect<StepStats, LearnerError>
  /** Makes the current weights the behaviour policy; gives its version. */
  readonly publish: Effect.Effect<number, LearnerError>
  /** Writes weights and optimiser state into an existing folder. */
  readonly save: (folder: string) => Effect.Effect<void, LearnerError>
  readonly restore: (folder: string) => Effect.Effect<void, LearnerError>
}

/** @category services */
export class Learner extends Context.Service<Learner, LearnerService>()("@lpo/trainer/Learner") {}
