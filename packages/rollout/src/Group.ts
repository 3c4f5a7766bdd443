/**
 * A group: one problem, its prompt as tokens, and K completions sampled from it. Everything that learns in LPO learns
 * from a group, because the target distribution lives on the simplex of its K responses.
 */
import { Schema } from "effect"
import { Completion } from "./Completion.ts"
import { Int32 } from "./internal/TypedArray.ts"
import { Problem } from "./Problem.ts"
import { Chunk, type Sequence } from "./Sequence.ts"
import { isTrainable, Verdict } from "./Verdict.ts"

/** K sampled responses to one prompt. @category models */
export const Group = Schema.Struct({
  problem: Problem,
  /** Place of the problem in the list that was sampled, from 0. */
  place: Schema.Int,
  /** The prompt as the sampler tokenised it, [P], P >= 1; 0 at the places of an image. */
  promptTokens: Int32,
  /** The prompt in pieces, where it has images. */
  promptChunks: Schema.optionalKey(Schema.Array(Chunk)),
  /** [K] */
  completions: Schema.Array(Completion),
})
/** @category models */
export interface Group extends Schema.Schema.Type<typeof Group> {}

/** A group with one verdict per completion, in the same order. @category models */
export const ScoredGroup = Schema.Struct({
  ...Group.fields,
  /** [K] */
  verdicts: Schema.Array(Verdict),
})
/** @category models */
export interface ScoredGroup extends Schema.Schema.Type<typeof ScoredGroup> {}

/** The K sequences of a group, as an engine takes them. @category combinators */
export const sequences = ({ completions, promptChunks, promptTokens }: Group): ReadonlyArray<Sequence> =>
  completions.map(({ tokens }) => ({
    prompt: promptTokens,
    ...(promptChunks === undefined ? {} : { chunks: promptChunks }),
    completion: tokens,
  }))

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
