/**
 * The second narrow waist: sequences and a weighing function into the engine. A learner owns the policy being optimised, computes
 * its log-probs, adds up gradients and takes optimiser steps; it never sees rewards or objectives.
 *
 * The embedded engine and the Tinker protocol both fit behind it: `weigh` is called inside `accumulate` with log-probs at the
 * current theta, from the pass that is differentiated or from a forward call before a weighted backward one.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import type { Sequence } from "@lpo/rollout"
import { Context, type Effect, Schema } from "effect"

/** A learner could not do its work; `reason` gives the value, the rule and the fix. @category errors */
export class LearnerError extends Schema.TaggedError<LearnerError>()("LearnerError", {
  operation: Schema.Literals(["logprobs", "accumulate", "step", "publish", "save", "restore"]),
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.operation}: ${this.reason}`
  }
}

/**
 * One weight per completion token of every sequence of a group, an array of [T] each, in the ascent direction, from their
 * log-probs at the current theta, nats. A group has one sequence per response, or for episodes one per part. May throw; the learner
 * then fails with the message.
 *
 * @category models
 */
export type Weigh = (group: number, logprobs: ReadonlyArray<Float32Array>) => ReadonlyArray<Float32Array>

/** @category models */
export interface AccumulateStats {
  /** Tokens processed by the model, including prompts. */
  readonly tokens: number
}

/** One AdamW step. @category models */
export interface StepOptions {
  readonly learningRate: number
  /** The gradient is scaled down to this global norm; Infinity does not scale. */
  readonly maxGradNorm: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Decoupled weight decay. */
  readonly weightDecay: number
}

/** @category models */
export interface StepStats {
  /** Global norm of the gradient before clipping; null if the engine does not tell. */
  readonly gradNorm: number | null
}

/** @category services */
export interface LearnerService {
  /**
   * Whether log-probs and gradients are of the distribution that a sequence was sampled from, logits divided by temperature. Absent
   * or false: they are of the policy itself, and a run with a temperature other than 1 is refused.
   */
  readonly tempers?: boolean
  /** Token log-probs of each completion under the current policy, nats, [T] each. */
  readonly logprobs: (
    sequences: ReadonlyArray<Sequence.Sequence>,
  ) => Effect.Effect<ReadonlyArray<Float32Array>, LearnerError>
  /**
   * Adds `sum weight * grad log pi` over all groups to the gradient. `weigh` is called once for each group, in any order; the
   * sequences of a group go through the model together.
   */
  readonly accumulate: (
    groups: ReadonlyArray<ReadonlyArray<Sequence.Sequence>>,
    weigh: Weigh,
  ) => Effect.Effect<AccumulateStats, LearnerError>
  /** One ascent step along the accumulated gradient, which is then cleared. */
  readonly step: (options: StepOptions) => Effect.Effect<StepStats, LearnerError>
  /** Makes the current weights the behaviour policy; returns its version. */
  readonly publish: Effect.Effect<number, LearnerError>
  /** Writes weights and optimiser state into an existing folder. */
  readonly save: (folder: string) => Effect.Effect<void, LearnerError>
  readonly restore: (folder: string) => Effect.Effect<void, LearnerError>
}

/** @category services */
export class Learner extends Context.Service<Learner, LearnerService>()("@lpo/trainer/Learner") {}
