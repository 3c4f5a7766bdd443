/**
 * The report of a step: a line of events.jsonl.
 *
 * @module
 */
import { Schema } from "effect"
import { Counts } from "./Filter.ts"
import { Alarm } from "./Health.ts"
import * as Noise from "./Noise.ts"

const Count = Schema.Int
const Number = Schema.Finite
/** Null if there was nothing to measure. */
const Maybe = Schema.NullOr(Schema.Finite)

/** @category models */
export const StepReport = Schema.Struct({
  /** Steps taken, from 1. */
  step: Count,
  /** Mean reward of the step's verified responses. */
  reward: Number,
  /** Share of verified responses that are correct, and of prompts with at least one correct response. */
  passRate: Number,
  solvedRate: Number,
  formatRate: Number,
  /** Nats per token: the mean surprise of the sampled tokens, an unbiased estimate. */
  entropy: Number,
  /** Mean length of a response, tokens. */
  responseLength: Number,
  /** Share of responses cut at the token limit. */
  truncated: Number,
  /** Sampled tokens of the step. */
  responseTokens: Count,
  /** Mean global gradient norm of the step's optimiser steps, before clipping; null if the engine does not tell. */
  gradNorm: Maybe,
  learningRate: Number,
  /** KL(w* || P_theta) in nats, mean over the groups, at each group's last update; null when nothing was trained on. */
  targetKl: Maybe,
  /**
   * Theorem 2 at each group's last update, in units of reward: what P_theta had gained over P_t, and the least it must gain at its
   * distance from the target, as means over the groups; and the smallest difference between the two, which is never negative. Null
   * if no group has a Gibbs target.
   */
  gain: Maybe,
  gainBound: Maybe,
  gainSlack: Maybe,
  /** Effective sample size of P_theta as a share of K, mean over groups, at the last update; null when nothing was trained on. */
  ess: Maybe,
  /** Responses without a verdict; groups with fewer than two; groups whose rewards are all equal. */
  masked: Count,
  tooSmall: Count,
  zeroVariance: Count,
  /** Prompts that were skipped because the sampler refused them. */
  leftOut: Count,
  /** Groups of other prompts that replaced silent ones. */
  resampled: Count,
  /** Earlier groups that were trained on again, and those that had moved too far for it. */
  replayed: Count,
  stale: Count,
  /** Groups from a file of offline data that were trained on. */
  offline: Count,
  /** Groups of this step from which the policy had moved too far since they were sampled. */
  filtered: Count,
  /** Groups that were excluded, by the limit that they broke; `age` also counts those that became too old for replay. */
  staleBy: Counts,
  /** For a run with label noise: its measured effect. */
  noise: Schema.optionalKey(Noise.Measured),
  /** Of episodes, means over the verified ones: `turns`, `forked` (parts beyond the first), and the environment's measurements. */
  episodes: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
  /** The objective's options that follow a schedule, at this step. */
  scheduled: Schema.Record(Schema.String, Schema.Union([Schema.Finite, Schema.String])),
  /** Steps between the policy that sampled and the one that was trained, at most `maxLag`. */
  lag: Count,
  /** Effective sample size of P_t as a share of K, the smallest over all groups: 1 for fresh ones. */
  anchorEss: Number,
  /** Largest |s_t| of any response, nats: 0 for fresh groups. */
  anchorLogRatio: Number,
  /**
   * KL(sampler || learner) in nats per token, estimated on the step's own responses: the difference of their arithmetic when
   * the policy is the same. Null if the anchor is not recomputed or the samples lag behind.
   */
  samplerKl: Maybe,
  /** Numbers outside the range of a healthy run; see `Health`. */
  alarms: Schema.Array(Alarm),
  secondsSampling: Number,
  secondsVerifying: Number,
  secondsLearning: Number,
  /** Seconds that the learner waited for rollouts. */
  secondsLearnerIdle: Number,
  /** Seconds of the step in which nothing was sampled or verified. */
  secondsSamplerIdle: Number,
  /** Tokens sampled and trained on, per second of the whole step. */
  tokensPerSecond: Number,
})
/** @category models */
export interface StepReport extends Schema.Schema.Type<typeof StepReport> {}
