/**
 * A group as `completions.jsonl` keeps it: why this reward, why this gradient. Groups that taught nothing are logged too;
 * their responses have no weight, and for a group that was not trained on no target either.
 *
 * @module
 */
import { Schema, Struct } from "effect"
import { Prompt } from "./Problem.ts"
import { Trajectory } from "./Trajectory.ts"
import { Verdict } from "./Verdict.ts"

/** One response of a logged group. @category models */
export const LoggedCompletion = Schema.Struct({
  text: Schema.String,
  /** Tokens. */
  length: Schema.Int,
  finish: Schema.Literals(["stop", "length"]),
  verdict: Verdict,
  /** Of an episode, whose text has the observations too. */
  episode: Schema.optionalKey(Trajectory.mapFields(Struct.pick(["turns", "stop", "forked"]))),
  /** w*_k, P_k and c_k at the last update on this group; absent where the response was not trained on. */
  target: Schema.optionalKey(Schema.Finite),
  policy: Schema.optionalKey(Schema.Finite),
  coefficient: Schema.optionalKey(Schema.Finite),
})
/** @category models */
export interface LoggedCompletion extends Schema.Schema.Type<typeof LoggedCompletion> {}

/** @category models */
export const LoggedGroup = Schema.Struct({
  /** Steps taken, from 1. */
  step: Schema.Int,
  problem: Schema.String,
  prompt: Prompt,
  /** `offline`: somebody else sampled it. Absent: it was sampled in this run. */
  source: Schema.optionalKey(Schema.Literal("offline")),
  /** `trained`, or why it was not: all rewards equal, fewer than two responses with a verdict, or a policy that has moved too far. */
  outcome: Schema.Literals(["trained", "no-signal", "too-small", "stale"]),
  /** [K], in the order they were sampled. */
  completions: Schema.Array(LoggedCompletion),
})
/** @category models */
export interface LoggedGroup extends Schema.Schema.Type<typeof LoggedGroup> {}
