/**
 * A group: one problem, its prompt as tokens, and K completions sampled from it. Everything that learns in LPO learns
 * from a group, because the target distribution lives on the simplex of its K responses.
 *
 * @module
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

/**
 * The sequences of a group, as an engine takes them: one a response, or one for each part of an episode, each with the temperature
 * that it was sampled at.
 *
 * @category sequences
 */
export const sequences = ({ completions, promptChunks, promptTokens }: Group): ReadonlyArray<Sequence> =>
  completions.flatMap(({ sampling: { temperature }, tokens, trajectory }) => {
    const own: ReadonlyArray<Sequence> = trajectory?.parts ?? [
      {
        prompt: promptTokens,
        ...(promptChunks === undefined ? {} : { chunks: promptChunks }),
        completion: tokens,
      },
    ]
    const tempered = (sequence: Sequence): Sequence => ({ ...sequence, temperature })
    return temperature === 1 ? own : own.map(tempered)
  })

/**
 * From one row per sequence of {@link sequences}, a value for each of its tokens, to one row per response: the values of its sampled
 * tokens, K arrays of [T_k].
 *
 * @category sequences
 */
export const gather = (
  { completions }: Pick<Group, "completions">,
  rows: ReadonlyArray<Float32Array>,
): ReadonlyArray<Float32Array> => {
  let at = 0
  return completions.map(({ tokens, trajectory }) => {
    if (trajectory === undefined) return rows[at++]
    const out = new Float32Array(tokens.length)
    let t = 0
    for (const { sampled } of trajectory.parts) {
      const row = rows[at++]
      for (const place of sampled) out[t++] = row[place]
    }
    return out
  })
}

/**
 * The other way: from one row per response to one per sequence, with 0 at the tokens of observations.
 *
 * @category sequences
 */
export const scatter = (
  { completions }: Pick<Group, "completions">,
  rows: ReadonlyArray<Float32Array>,
): ReadonlyArray<Float32Array> =>
  completions.flatMap(({ trajectory }, k) => {
    if (trajectory === undefined) return [rows[k]]
    let t = 0
    return trajectory.parts.map(({ completion, sampled }) => {
      const out = new Float32Array(completion.length)
      for (const place of sampled) out[place] = rows[k][t++]
      return out
    })
  })

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
