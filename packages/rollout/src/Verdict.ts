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
}
