/** The groups of a step that its policy did not just sample: earlier groups, replayed, and offline ones. */
import type { Group } from "@lpo/rollout"
import type { OffPolicy } from "@lpo/simplex"
import { Effect } from "effect"
import * as Filter from "../Filter.ts"
import * as Offline from "../Offline.ts"
import * as Replay from "../Replay.ts"
import * as Selection from "../Selection.ts"
import type { TrainConfig } from "../TrainConfig.ts"
import * as Update from "../Update.ts"

/** Earlier groups for the free places, with the policy's own log-probs; those from which it has moved too far are excluded. */
export const replayed = Effect.fn("Trainer.replayed")(function* (
  config: TrainConfig,
  from: Replay.Buffer,
  step: number,
  places: number,
) {
  if (config.silentGroups !== "replay") return { groups: [], rest: from, aged: 0, decisions: [] }
  const options = config.replay ?? Replay.defaults
  const count = Math.min(places, Math.floor(options.ratio * config.promptsPerStep))
  const { aged, picked, rest } = Replay.pick(from, count, step, options, `${config.seed}/replay/${step}`)
  const all = yield* Update.anchored(
    picked.map(({ group }) => group),
    "recompute",
  )
  const decisions = all.map((anchored, i) =>
    Filter.decide(options, anchored.group, anchored.anchor, step - picked[i].policyStep),
  )
  return { groups: all.filter((_, i) => decisions[i].keep), rest, aged, decisions }
})

/** A group's completions as if the policy had sampled them. */
const onPolicy = ({ completions }: Group.ScoredGroup, logprobs: ReadonlyArray<Float32Array>) =>
  Array.from(completions, (completion, k) => ({ ...completion, logprobs: logprobs[k] }))

/** The step's offline groups, with the policy's own log-probs, which also stand in for unknown behaviour log-probs. */
export const offline = Effect.fn("Trainer.offline")(function* (
  config: TrainConfig,
  entries: ReadonlyArray<Offline.Entry>,
  count: number,
  step: number,
) {
  const drawn = Offline.draw(entries, { count, seed: config.seed, step })
  const { all } = Selection.select(
    drawn.map(({ group }) => group),
    config.objective,
  )
  const groups: Array<Update.Anchored> = []
  const decisions: Array<OffPolicy.Decision> = []
  const logged: Array<Selection.Selected> = []
  for (const [i, selected] of all.entries()) {
    if (selected.outcome !== "trained") {
      logged.push({ ...selected, source: "offline" })
      continue
    }
    const [{ anchor, group }] = yield* Update.anchored([selected.group], "recompute")
    // A copy: the same group may occur twice in a step.
    const own = { ...group, completions: drawn[i].hasLogprobs ? group.completions : onPolicy(group, anchor) }
    const decision = Filter.decide(config.filter, own, anchor, 0)
    decisions.push(decision)
    if (decision.keep) groups.push({ anchor, group: own })
    logged.push({ group: own, verified: own, outcome: decision.keep ? "trained" : "stale", source: "offline" })
  }
  return { groups, decisions, logged }
})

/** The groups of a step to log, at most `count`: of both sources in their share of the step, at least one offline. */
export const share = (
  own: ReadonlyArray<Selection.Selected>,
  others: ReadonlyArray<Selection.Selected>,
  count: number,
): ReadonlyArray<Selection.Selected> => {
  const part = Math.max(1, Math.round((count * others.length) / Math.max(1, own.length + others.length)))
  const foreign = others.length === 0 ? 0 : Math.min(count, part)
  return [...Selection.share(own, count - foreign), ...Selection.share(others, foreign)]
}
