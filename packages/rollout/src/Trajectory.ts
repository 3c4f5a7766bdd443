/**
 * What an episode leaves on its completion: where the sampled tokens stand among those that they were not sampled, why it ended, and
 * what it earned.
 *
 * A completion's own `tokens` and `logprobs` are the sampled ones alone, over all turns, in order; so a weight per token is a weight
 * per sampled token, and observations never have one. A part is what an engine computes at one go. There is more than one part
 * where a chat template did not let the next prompt begin with what was there: the policy then read another prompt, and it is
 * trained on that one.
 *
 * @module
 */
import { Schema } from "effect"
import { Int32 } from "./internal/TypedArray.ts"
import { judged, unreached, type Verdict } from "./Verdict.ts"

/**
 * Why an episode ended. `terminated` and `truncated`: the environment said so. `turn-limit`, `context-full`, `wall-clock`: a limit of
 * the rollout. `length`: the environment ended it at a turn that was cut. `parse-error`: at an action that it could not read. `failed`:
 * the environment did, and the member is masked.
 *
 * @category models
 */
export const StopReason = Schema.Literals([
  "terminated",
  "truncated",
  "turn-limit",
  "length",
  "context-full",
  "wall-clock",
  "parse-error",
  "failed",
])
/** @category models */
export type StopReason = typeof StopReason.Type

/** A sequence of an episode: a prompt, and the tokens after it up to the last sampled one. @category models */
export const Part = Schema.Struct({
  /** [P], P >= 1. */
  prompt: Int32,
  /** [T], T >= 1: sampled tokens and observations. */
  completion: Int32,
  /** Places of the sampled tokens in `completion`, rising, [S], S >= 1. */
  sampled: Int32,
})
/** @category models */
export interface Part extends Schema.Schema.Type<typeof Part> {}

/** @category models */
export const Trajectory = Schema.Struct({
  /** In order; their sampled tokens together are the completion's. None where it failed before the policy said anything. */
  parts: Schema.Array(Part),
  /** Actions taken. */
  turns: Schema.Int,
  /** Parts beyond the first. */
  forked: Schema.Int,
  stop: StopReason,
  /** The sum of the rewards; for a continuation of one state, the mean over its rollouts to the end. */
  reward: Schema.Finite,
  correct: Schema.Boolean,
  /** Why the environment failed; null where it did not. */
  failure: Schema.NullOr(Schema.String),
  /** What the environment measured, summed over the turns. */
  metrics: Schema.Record(Schema.String, Schema.Finite),
})
/** @category models */
export interface Trajectory extends Schema.Schema.Type<typeof Trajectory> {}

/** The episode's own verdict: its return, or `error` where the environment failed. @category combinators */
export const verdict = ({ correct, failure, metrics, reward, stop, turns }: Trajectory): Verdict =>
  failure !== null
    ? unreached("error", failure)
    : judged({
        correct,
        score: reward,
        reason: `${stop} after ${turns} ${turns === 1 ? "turn" : "turns"}`,
        ...(Object.keys(metrics).length === 0 ? {} : { components: metrics }),
      })
