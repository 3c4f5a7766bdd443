/**
 * Which groups are close enough to the policy that sampled them to train on, and how often each limit excluded one.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import type { Group } from "@lpo/rollout"
import { OffPolicy } from "@lpo/simplex"
import { Schema } from "effect"

/** @category models */
export const Options = Schema.Struct({
  /** Largest age of a group, in steps since it was sampled. */
  maxAge: Schema.Int,
  /** Smallest effective sample size of P_t, as a share of K. */
  minEss: Schema.Finite,
  /** Largest |s_t| of any response, nats. */
  maxLogRatio: Schema.Finite,
})
/** @category models */
export interface Options extends Schema.Schema.Type<typeof Options> {}

/** Groups that were excluded, by the limit that they broke. @category models */
export const Counts = Schema.Struct({ age: Schema.Int, ess: Schema.Int, logRatio: Schema.Int })
/** @category models */
export interface Counts extends Schema.Schema.Type<typeof Counts> {}

/**
 * Whether to train on a group that was sampled `age` steps ago, given the log-probs of its tokens under the policy just before the
 * update. Without limits, every group is used.
 *
 * @category predicates
 */
export const decide = (
  limits: Options | null | undefined,
  { completions }: Pick<Group.ScoredGroup, "completions">,
  anchor: ReadonlyArray<Float32Array>,
  age: number,
): OffPolicy.Decision => {
  if (limits == null) return { keep: true }
  const { maxAge, maxLogRatio, minEss } = limits
  const s = OffPolicy.logRatios(
    anchor,
    completions.map((c) => c.logprobs),
  )
  return OffPolicy.filter({ maxAbs: maxLogRatio, maxAge, minEss }, s, age)
}

/** How often each limit excluded a group; `aged` more were too old to be considered. @category metrics */
export const count = (decisions: ReadonlyArray<OffPolicy.Decision>, aged: number): Counts => {
  const by = (limit: string): number => decisions.filter((one) => !one.keep && one.limit === limit).length
  return { age: by("age") + aged, ess: by("ess"), logRatio: by("log-ratio") }
}

/** Why the options are invalid; null if they are valid. @category predicates */
export const refusal = (name: string, { maxAge, maxLogRatio, minEss }: Options): string | null => {
  if (!(Number.isInteger(maxAge) && maxAge >= 0)) return `${name}.maxAge is ${maxAge}; give a number of steps from 0`
  if (!(minEss >= 0 && minEss <= 1)) return `${name}.minEss is ${minEss}; give a share of K in [0, 1]`
  if (!(maxLogRatio > 0)) return `${name}.maxLogRatio is ${maxLogRatio}; give a positive number of nats`
  return null
}
