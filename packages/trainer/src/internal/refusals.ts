/** Configurations and rollouts that cannot be trained with. */
import type * as Sampler from "@lpo/rollout/Sampler"
import * as Filter from "../Filter.ts"
import type { LearnerService } from "../Learner.ts"
import type * as Offline from "../Offline.ts"
import * as Replay from "../Replay.ts"
import type * as Rollout from "../Rollout.ts"
import * as Selection from "../Selection.ts"
import type { TrainConfig } from "../TrainConfig.ts"

/** Why the configuration cannot be run with this sampler; null if it can. */
export const ofConfig = (
  {
    config,
    hasReference,
    offline,
  }: {
    readonly config: TrainConfig
    readonly offline?: { readonly entries: ReadonlyArray<Offline.Entry>; readonly ratio: number } | undefined
    readonly hasReference: boolean
  },
  sampler: Sampler.SamplerService,
  learner: LearnerService,
): string | null => {
  const { temperature = 1 } = config
  if (!(temperature > 0 && temperature < Infinity))
    return `temperature is ${temperature}; give a number above 0, 1 for the policy itself`
  if (temperature !== 1 && learner.tempers !== true)
    return `temperature is ${temperature}, but this learner gives log-probs and gradients only at 1, so ratios would be biased; give 1, or use a learner that supports other temperatures, such as the embedded engine's`
  const { leastGroup, name, needsReference } = config.objective
  if (!(config.groupSize >= leastGroup))
    return `groupSize is ${config.groupSize}, but ${name} needs groups of ${leastGroup} or more; give that, or an objective on single responses such as lpo-single`
  if (needsReference && !hasReference)
    return `${name} has a KL to a reference policy, but no reference was given; leave \`kl\` out, or give \`reference\``
  if (!Number.isInteger(config.maxLag) || config.maxLag < 0)
    return `maxLag is ${config.maxLag}; give a whole number of steps, 0 for strictly on policy`
  if (config.maxLag > 0 && sampler.pinsPolicy !== true)
    return `maxLag is ${config.maxLag}, but this sampler reads the weights that are being trained; give 0`
  if (config.maxLag > 0 && config.silentGroups === "resample")
    return `maxLag is ${config.maxLag} and silentGroups "resample", but a step that is sampled ahead cannot know how many prompts the previous one uses; give maxLag 0, or silentGroups "replay"`
  const replay = config.silentGroups === "replay" ? Replay.optionsRefusal(config.replay ?? Replay.defaults) : null
  if (replay !== null) return replay
  if (offline !== undefined) {
    if (!(offline.ratio > 0 && offline.ratio < 1))
      return `offline.ratio is ${offline.ratio}; give a share of the step's prompts in (0, 1)`
    if (config.promptsPerStep < 2)
      return `promptsPerStep is ${config.promptsPerStep}, but offline groups replace some of them; give 2 or more`
    const unknown = offline.entries.find(({ hasLogprobs }) => !hasLogprobs)
    if (config.objective.needsBehaviour === true && unknown !== undefined)
      return `${name} with importance sampling needs the log-probs of the policy that sampled, but line ${unknown.line} of the offline data has none; give them, or leave \`importance\` out`
    for (const { group, line } of offline.entries) {
      const reason = Selection.refusal(group)
      if (reason !== null) return `line ${line} of the offline data: ${reason}`
      if (group.completions.some(({ sampling }) => sampling.temperature !== 1) && learner.tempers !== true)
        return `line ${line} of the offline data was sampled at a temperature other than 1, which this learner does not support; leave it out`
    }
  }
  const filter = config.filter == null ? null : Filter.refusal("filter", config.filter)
  if (filter !== null) return filter
  if (config.maxLag > 0 && config.anchor !== "recompute")
    return `maxLag is ${config.maxLag} and anchor "sampled", but the policy that sampled is not the anchor; give anchor "recompute"`
  return null
}

/** Why rollouts must not be trained on; null if they may be. */
export const ofRollouts = ({ groups }: Rollout.Rolled, version: number): string | null => {
  for (const group of groups) {
    const reason = Selection.refusal(group)
    if (reason !== null) return reason
    const other = group.completions.find((c) => c.policyVersion !== version)
    if (other !== undefined)
      return `problem ${group.problem.id} was sampled by policy ${other.policyVersion}, but ${version} was published; the sampler must use the last published policy`
  }
  return null
}
