/**
 * Replay: whole groups that were trained on before, kept to take the place of groups that teach nothing. Their log-ratios to the
 * policy that sampled them carry the importance weights (section "stale data" of the method); what has moved too far is left out, and
 * counted.
 *
 * @module
 */
import * as Group from "@lpo/rollout/Group"
import * as Seed from "@lpo/rollout/Seed"
import { OffPolicy } from "@lpo/simplex"
import { Schema } from "effect"

/** @category models */
export const Options = Schema.Struct({
  /** Most groups kept; the oldest make room. */
  capacity: Schema.Int,
  /** Most replayed groups a step, as a share of its prompts, in (0, 1]. */
  ratio: Schema.Finite,
  /** `fifo`: oldest first. `newest`: newest first. `uniform`: any, by the run's seed. */
  order: Schema.Literals(["fifo", "newest", "uniform"]),
  /** How often a group may be trained on again. */
  maxUses: Schema.Int,
  /** Largest age, in steps since it was sampled. */
  maxAge: Schema.Int,
  /** Least effective sample size of P_t as a share of K. */
  minEss: Schema.Finite,
  /** Largest |s_t| of any response, nats. */
  maxLogRatio: Schema.Finite,
})
/** @category models */
export interface Options extends Schema.Schema.Type<typeof Options> {}

/** @category constructors */
export const defaults: Options = {
  capacity: 512,
  ratio: 1,
  order: "newest",
  maxUses: 1,
  maxAge: 8,
  minEss: 0.5,
  maxLogRatio: 2,
}

/** A group that waits. @category models */
export const Entry = Schema.Struct({
  group: Group.ScoredGroup,
  /** Steps that the policy which sampled it had taken: its age counts from the dispatch. */
  policyStep: Schema.Int,
  /** How often it was replayed. */
  uses: Schema.Int,
})
/** @category models */
export interface Entry extends Schema.Schema.Type<typeof Entry> {}

/** Oldest first. @category models */
export type Buffer = ReadonlyArray<Entry>

/** With groups of a policy added, and the oldest gone beyond the capacity. @category combinators */
export const add = (
  buffer: Buffer,
  groups: ReadonlyArray<Group.ScoredGroup>,
  policyStep: number,
  { capacity }: Options,
): Buffer => [...buffer, ...groups.map((group) => ({ group, policyStep, uses: 0 }))].slice(-capacity)

/**
 * Up to `count` entries to replay at a step, of those young enough, in the options' order; and the buffer after them. `stream`
 * names the draw of `uniform`.
 *
 * @category combinators
 */
export const pick = (
  buffer: Buffer,
  count: number,
  step: number,
  options: Options,
  stream: string,
): { readonly picked: ReadonlyArray<Entry>; readonly rest: Buffer } => {
  const young = buffer.filter(({ policyStep }) => step - policyStep <= options.maxAge)
  const ordered =
    options.order === "fifo" ? young : options.order === "newest" ? young.toReversed() : Seed.shuffle(young, stream)
  const picked = ordered.slice(0, Math.max(0, count))
  const used = new Set(picked)
  const rest = young.flatMap((entry) => {
    if (!used.has(entry)) return [entry]
    return entry.uses + 1 < options.maxUses ? [{ ...entry, uses: entry.uses + 1 }] : []
  })
  return { picked, rest }
}

/** Why a group has moved too far from the policy that sampled it, from its anchor log-probs; null when it has not. @category predicates */
export const refusal = (
  { group, policyStep }: Entry,
  anchor: ReadonlyArray<Float32Array>,
  step: number,
  { maxAge, maxLogRatio, minEss }: Options,
): string | null => {
  const s = OffPolicy.logRatios(
    anchor,
    group.completions.map((c) => c.logprobs),
  )
  const decision = OffPolicy.filter({ maxAbs: maxLogRatio, maxAge, minEss }, s, step - policyStep)
  return decision.keep ? null : decision.reason
}

/** Why the options cannot be; null when they can. @category predicates */
export const optionsRefusal = ({ capacity, maxAge, maxLogRatio, maxUses, minEss, ratio }: Options): string | null => {
  if (!(capacity >= 1)) return `replay.capacity is ${capacity}; give a number of groups from 1`
  if (!(ratio > 0 && ratio <= 1)) return `replay.ratio is ${ratio}; give a share of the step's prompts in (0, 1]`
  if (!(maxUses >= 1)) return `replay.maxUses is ${maxUses}; give a number from 1`
  if (!(maxAge >= 1)) return `replay.maxAge is ${maxAge}; give a number of steps from 1`
  if (!(minEss >= 0 && minEss <= 1)) return `replay.minEss is ${minEss}; give a share of K in [0, 1]`
  if (!(maxLogRatio > 0)) return `replay.maxLogRatio is ${maxLogRatio}; give a positive number of nats`
  return null
}
