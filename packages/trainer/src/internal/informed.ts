/** What an objective may need besides a group: log-probs under the reference policy, and the problem's expected reward. */
import * as Group from "@lpo/rollout/Group"
import { SmallGroup } from "@lpo/simplex"
import { Effect } from "effect"
import type { LearnerService } from "../Learner.ts"
import type { Objective } from "../Objective.ts"
import * as Selection from "../Selection.ts"
import type * as Update from "../Update.ts"
import { mean } from "./mean.ts"

/** The expected reward of problems, by id. */
export type Baselines = Readonly<Record<string, SmallGroup.Baseline>>

const meanReward = (group: Group.ScoredGroup): number => mean([...Selection.rewards(group)])

export const informed = Effect.fn("Trainer.informed")(function* (
  { baseline, needsReference }: Objective,
  groups: ReadonlyArray<Update.Anchored>,
  baselines: Baselines,
  reference: LearnerService["logprobs"] | undefined,
) {
  const batchMean = mean(groups.flatMap(({ group }) => [...Selection.rewards(group)]))
  return yield* Effect.forEach(groups, (anchored) =>
    Effect.map(
      needsReference && reference !== undefined ? reference(Group.sequences(anchored.group)) : Effect.succeed(null),
      (logprobs): Update.Anchored => ({
        ...anchored,
        ...(logprobs === null ? {} : { reference: Group.gather(anchored.group, logprobs) }),
        ...(baseline === undefined ? {} : { baseline: baselines[anchored.group.problem.id]?.value ?? batchMean }),
      }),
    ),
  )
})

/** The baselines after these groups; each group counts as its mean reward. */
export const tracked = (
  { baseline }: Objective,
  baselines: Baselines,
  groups: ReadonlyArray<Group.ScoredGroup>,
): Baselines => {
  if (baseline === undefined) return baselines
  const after: Record<string, SmallGroup.Baseline> = { ...baselines }
  for (const group of groups) {
    const { id } = group.problem
    after[id] = SmallGroup.track(after[id], meanReward(group), baseline.decay)
  }
  return after
}
