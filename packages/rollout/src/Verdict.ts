/**
 * What a verifier found out about one completion.
 *
 * `status` keeps "wrong" and "could not tell" apart: a verdict that is `error` or `timeout` carries no reward and its
 * completion is masked out of the group, never trained on as a zero.
 */

/** @category models */
export interface Verdict {
  readonly status: "ok" | "error" | "timeout"
  /** The reward R_k, finite; only meaningful when `status` is `ok`. */
  readonly score: number
  /** Whether the answer is right: what pass@k counts, whatever the reward shaping. */
  readonly correct: boolean
  /** Whether the answer has the demanded form. */
  readonly format?: boolean
  /** The answer as found in the text. */
  readonly extracted?: string
  /** Why the score is what it is, for people. */
  readonly reason?: string
  /** Canonical form of the answer, equal for equal answers (maj@k counts these); null when there is none. */
  readonly key: string | null
  /** The scores that `score` was composed of, by name; absent when it was not composed. */
  readonly components?: Readonly<Record<string, number>>
  /** True: judged, but to be left out of training (an answer cut at the length limit, for example). */
  readonly masked?: boolean
}

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
