/**
 * What a verifier found out about one completion.
 *
 * `status` keeps "wrong" and "could not tell" apart: a verdict that is `error` or `timeout` carries no reward and its
 * completion is masked out of the group, never trained on as a zero.
 *
 * @module
 */

import "./SupportedNode.ts"
import { Schema } from "effect"

/** @category models */
export const Verdict = Schema.Struct({
  status: Schema.Literals(["ok", "error", "timeout"]),
  /** The reward R_k, finite; only meaningful when `status` is `ok`. */
  score: Schema.Finite,
  /** Whether the answer is right: what pass@k counts, whatever the reward shaping. */
  correct: Schema.Boolean,
  /** Whether the answer has the demanded form. */
  format: Schema.optionalKey(Schema.Boolean),
  /** The answer as found in the text. */
  extracted: Schema.optionalKey(Schema.String),
  /** Why the score is what it is, for people. */
  reason: Schema.optionalKey(Schema.String),
  /** Canonical form of the answer, equal for equal answers (maj@k counts these); null when there is none. */
  key: Schema.NullOr(Schema.String),
  /** The scores that `score` was composed of, by name; absent when it was not composed. */
  components: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
  /** True: judged, but to be left out of training (an answer cut at the length limit, for example). */
  masked: Schema.optionalKey(Schema.Boolean),
})
/** @category models */
export interface Verdict extends Schema.Schema.Type<typeof Verdict> {}

/**
 * Largest score and return, either way: squares and sums of them stay numbers in single precision, so that no reward ends a run.
 *
 * @category limits
 */
export const maxScore = 1e9

/** Why a number is not a reward; null when it is one. @category predicates */
export const scoreRefusal = (score: number): string | null =>
  Math.abs(score) <= maxScore ? null : `is ${score}; give a number from -1e9 to 1e9`

/**
 * A verdict that was reached: `score` is 1 or 0 by `correct` unless given, `key` is the extracted answer unless given.
 *
 * @category constructors
 */
export const judged = (verdict: Pick<Verdict, "correct"> & Partial<Omit<Verdict, "status" | "correct">>): Verdict => ({
  status: "ok",
  score: verdict.correct ? 1 : 0,
  key: verdict.extracted ?? null,
  ...verdict,
})

/**
 * A verdict that could not be reached: `reason` names the value, the rule and the fix.
 *
 * @category constructors
 */
export const unreached = (status: "error" | "timeout", reason: string): Verdict => ({
  status,
  score: 0,
  correct: false,
  reason,
  key: null,
})

/**
 * Whether the completion may be trained on: judged, and not masked.
 *
 * @category predicates
 */
export const isTrainable = (verdict: Verdict): boolean => verdict.status === "ok" && verdict.masked !== true
