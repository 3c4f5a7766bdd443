/**
 * Replay: whole groups from earlier training steps, kept to replace groups that teach nothing. Their log-ratios to the
 * policy that sampled them carry the importance weights (section "stale data" of the method); groups from which the policy has
 * moved too far are excluded and counted.
 *
 * @module
 */
import * as Group from "@lpo/rollout/Group"
import * as Seed from "@lpo/rollout/Seed"
import { Schema } from "effect"
import * as Filter from "./Filter.ts"

/** @category models */
export const Options = Schema.Struct({
  /** Largest number of groups kept; the oldest make room. */
  capacity: Schema.Int,
  /** Largest number of replayed groups per step, as a share of its prompts, in (0, 1]. */
  ratio: Schema.Finite,
  /** `fifo`: oldest first. `newest`: newest first. `uniform`: any, by the run's seed. */
  order: Schema.Literals(["fifo", "newest", "uniform"]),
  /** How often a group may be reused. */
  maxUses: Schema.Int,
  ...Filter.Options.fields,
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

/** A waiting group. @category models */
export const Entry = Schema.Struct({
  group: Group.ScoredGroup,
  /** Steps that the sampling policy had taken: its age counts from the dispatch. */
  policyStep: Schema.Int,
  /** How often it has been replayed. */
  uses: Schema.Int,
})
/** @category models */
export interface Entry extends Schema.Schema.Type<typeof Entry> {}

/** Oldest first. @category models */
export type Buffer = ReadonlyArray<Entry>

/** Adds groups of a policy, and drops the oldest beyond the capacity. @category combinators */
export const add = (
  buffer: Buffer,
  groups: ReadonlyArray<Group.ScoredGroup>,
  policyStep: number,
  { capacity }: Options,
): Buffer => [...buffer, ...groups.map((group) => ({ group, policyStep, uses: 0 }))].slice(-capacity)

/**
 * Up to `count` entries that are young enough to replay at a step, in the options' order; the buffer after them, and how many became
 * too old for it. `stream` names the draw of `uniform`.
 *
 * @category combinators
 */
export const pick = (
  buffer: Buffer,
  count: number,
  step: number,
  options: Options,
  stream: string,
): { readonly picked: ReadonlyArray<Entry>; readonly rest: Buffer; readonly aged: number } => {
  const young = buffer.filter(({ policyStep }) => step - policyStep <= options.maxAge)
  const ordered =
    options.order === "fifo" ? young : options.order === "newest" ? young.toReversed() : Seed.shuffle(young, stream)
  const picked = ordered.slice(0, Math.max(0, count))
  const used = new Set(picked)
  const rest = young.flatMap((entry) => {
    if (!used.has(entry)) return [entry]
    return entry.uses + 1 < options.maxUses ? [{ ...entry, uses: entry.uses + 1 }] : []
  })
  return { picked, rest, aged: buffer.length - young.length }
}

/** Why the options are invalid; null if they are valid. @category predicates */
export const optionsRefusal = (options: Options): string | null => {
  const { capacity, maxUses, ratio } = options
  if (!(capacity >= 1)) return `replay.capacity is ${capacity}; give a number of groups from 1`
  if (!(ratio > 0 && ratio <= 1)) return `replay.ratio is ${ratio}; give a share of the step's prompts in (0, 1]`
  if (!(maxUses >= 1)) return `replay.maxUses is ${maxUses}; give a number from 1`
  if (!(options.maxAge >= 1)) return `replay.maxAge is ${options.maxAge}; give a number of steps from 1`
  return Filter.refusal("replay", options)
}
