/**
 * A group: one problem, its prompt as tokens, and K completions sampled from it. Everything that learns in LPO learns
 * from a group, because the target distribution lives on the simplex of its K responses.
 */
import type { Completion } from "./Completion.ts"
import type { Problem } from "./Problem.ts"
import { isTrainable, type Verdict } from "./Verdict.ts"

/** K sampled responses to one prompt. @category models */
export interface Group {
  readonly problem: Problem
  /** The prompt as the sampler tokenised it, [P], P >= 1. */
  readonly promptTokens: Int32Array
  /** [K] */
  readonly completions: ReadonlyArray<Completion>
}

/** A group with one verdict per completion, in the same order. @category models */
export interface ScoredGroup extends Group {
  /** [K] */
  readonly verdicts: ReadonlyArray<Verdict>
}

/**
 * The part of a scored group that may be trained on: completions whose verdict is `ok` and not
 * masked.
 *
 * @category combinators
 */
export const maskUnverified = (group: ScoredGroup): ScoredGroup => {
  const kept = group.verdicts.flatMap((verdict, k) => (isTrainable(verdict) ? [k] : []))
  if (kept.length === group.verdicts.length) return group
  return {
    ...group,
    completions: kept.map((k) => group.completions[k]),
    verdicts: kept.map((k) => group.verdicts[k]),
  }
}
