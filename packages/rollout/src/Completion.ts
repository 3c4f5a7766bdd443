/**
 * A completion: one response sampled from the behaviour policy, with the log-prob of every token as it was sampled.
 *
 * `tokens` includes the stop token that ended it; `text` does not. Where a stop string ended it, `text` ends with that string, and
 * `tokens` with the token that completed it. `logprobs` has one entry per token.
 *
 * @module
 */
import { Schema } from "effect"
import { Float32, Int32 } from "./internal/TypedArray.ts"
import { SamplingParams } from "./SamplingParams.ts"
import { Trajectory } from "./Trajectory.ts"

/** A sampled response of T tokens. @category models */
export const Completion = Schema.Struct({
  /** Token ids, [T], T >= 1. */
  tokens: Int32,
  /** The response as text, without the stop token. */
  text: Schema.String,
  /** Log-probs of `tokens` under the behaviour policy, in nats, [T], each <= 0. */
  logprobs: Float32,
  /** What `logprobs` are of. `raw`: the policy. `processed`: the law sampled from, after temperature, top-k, top-p and min-p. */
  logprobsOf: Schema.Literals(["raw", "processed"]),
  /** `stop`: the policy ended it. `length`: it was cut at `maxTokens`. */
  finish: Schema.Literals(["stop", "length"]),
  /** Which published policy sampled it. */
  policyVersion: Schema.Int,
  sampling: SamplingParams,
  /** Of an episode: `tokens` are those sampled over all its turns, and this is where they stand. Absent: they follow the prompt. */
  trajectory: Schema.optionalKey(Trajectory),
})
/** @category models */
export interface Completion extends Schema.Schema.Type<typeof Completion> {}
