/**
 * Selects the groups worth training on from freshly scored ones, and makes their log rows and metrics.
 *
 * @module
 */
import type { LoggedGroup, Trajectory } from "@lpo/rollout"
import * as Group from "@lpo/rollout/Group"
import * as SamplingParams from "@lpo/rollout/SamplingParams"
import * as Verdict from "@lpo/rollout/Verdict"
import { Advantage, type PolicyGradient, Target } from "@lpo/simplex"
import { mean } from "./internal/mean.ts"
import type { Objective, ObjectiveResult } from "./Objective.ts"

/** The outcome of a group. @category models */
export interface Selected {
  readonly group: Group.ScoredGroup
  /** Its part with verdicts: the group that is trained on. */
  readonly verified: Group.ScoredGroup
  readonly outcome: LoggedGroup.LoggedGroup["outcome"]
  /** Absent: it was sampled in this run. */
  readonly source?: "offline"
}

/** The groups of a step, and counts of what was excluded. @category models */
export interface Selection {
  /** All of them, in order. */
  readonly all: ReadonlyArray<Selected>
  /** The groups to train on. */
  readonly kept: ReadonlyArray<Group.ScoredGroup>
  /** Completions whose verdict was `error` or `timeout`. */
  readonly masked: number
  /** Groups with fewer verified completions than the objective needs. */
  readonly tooSmall: number
  /** Groups whose rewards are all equal: in a fresh group they carry no signal. */
  readonly zeroVariance: number
}

/** @category combinators */
export const rewards = (group: Group.ScoredGroup): Float64Array => Float64Array.from(group.verdicts, (v) => v.score)

/**
 * Masks completions without a verdict, then drops groups that are too small for the objective and, unless they should anchor
 * the policy, those without signal.
 *
 * @category combinators
 */
export const select = (
  groups: ReadonlyArray<Group.ScoredGroup>,
  objective: Pick<Objective, "leastGroup" | "zeroVariance"> = { leastGroup: 2, zeroVariance: "drop" },
): Selection => {
  const all = groups.map((group): Selected => {
    const verified = Group.maskUnverified(group)
    const outcome =
      verified.completions.length < objective.leastGroup
        ? "too-small"
        : Target.isSilent(objective.zeroVariance, rewards(verified))
          ? "no-signal"
          : "trained"
    return { group, verified, outcome }
  })
  const large = all.filter(({ outcome }) => outcome !== "too-small")
  return {
    all,
    kept: all.filter(({ outcome }) => outcome === "trained").map(({ verified }) => verified),
    masked: all.reduce((sum, s) => sum + s.group.completions.length - s.verified.completions.length, 0),
    tooSmall: all.length - large.length,
    // A single response cannot differ from others.
    zeroVariance: large.filter(
      ({ verified }) => verified.completions.length > 1 && !Target.hasSignal(rewards(verified)),
    ).length,
  }
}

/**
 * The statistics of the batch for objectives: over the kept groups, of the `prompts` that gradients are averaged over.
 *
 * @category metrics
 */
export const statistics = (kept: ReadonlyArray<Group.ScoredGroup>, prompts: number): PolicyGradient.Batch => ({
  rewardStd: kept.length === 0 ? 0 : Advantage.batchStd(kept.map(rewards)),
  tokens: kept.reduce((sum, g) => sum + g.completions.reduce((n, c) => n + c.tokens.length, 0), 0),
  groups: prompts,
})

/** Why a group must not be trained on; null if it may be. @category predicates */
export const refusal = (group: Group.ScoredGroup): string | null => {
  for (const [k, completion] of group.completions.entries()) {
    const where = `problem ${group.problem.id}, completion ${k}`
    const { minP, temperature, topK, topP } = completion.sampling
    if (!SamplingParams.isWhole(completion.sampling))
      return `${where} was sampled with top-p ${topP}, top-k ${topK}, min-p ${minP}, so ratios against it are biased; sample with 1, 0 and 0`
    if (!(temperature > 0)) return `${where} was sampled at temperature ${temperature}; sample at one above 0`
    if (temperature !== 1 && completion.logprobsOf !== "processed")
      return `${where} was sampled at temperature ${temperature}, but its log-probs are of the policy at 1, so ratios against it are biased; use a sampler that gives log-probs at its own temperature, or temperature 1`
    // An episode that failed at its start has no tokens, and is masked.
    if (completion.tokens.length === 0 && !Verdict.isTrainable(group.verdicts[k])) continue
    if (completion.tokens.length === 0 || completion.tokens.length !== completion.logprobs.length) {
      return `${where} has ${completion.tokens.length} tokens and ${completion.logprobs.length} log-probs; both counts must be equal, and at least 1`
    }
    const bad = completion.logprobs.findIndex((v) => !Number.isFinite(v) || v > 1e-4)
    if (bad >= 0)
      return `${where} has log-prob ${completion.logprobs[bad]} at token ${bad}; it must be finite and not positive`
    const { score, status } = group.verdicts[k]
    const refusal = status === "ok" ? Verdict.scoreRefusal(score) : null
    if (refusal !== null) return `${where}: the verifier's score ${refusal}`
  }
  return null
}

/**
 * Means over episodes: turns, parts beyond the first, and the environment's measurements; empty if there are none.
 *
 * @category metrics
 */
const episodesOf = (all: ReadonlyArray<Trajectory.Trajectory>): { readonly episodes?: Record<string, number> } => {
  if (all.length === 0) return {}
  const names = [...new Set(all.flatMap(({ metrics }) => Object.keys(metrics)))].sort()
  return {
    episodes: {
      turns: mean(all.map(({ turns }) => turns)),
      forked: mean(all.map(({ forked }) => forked)),
      ...Object.fromEntries(names.map((name) => [name, mean(all.map(({ metrics }) => metrics[name] ?? 0))])),
    },
  }
}

/** Means over the verified completions of a batch: reward, pass rate, format rate, entropy, length. @category metrics */
export const metrics = (groups: ReadonlyArray<Group.ScoredGroup>) => {
  const verified = groups.map(Group.maskUnverified)
  const verdicts = verified.flatMap((g) => g.verdicts)
  const completions = verified.flatMap((g) => g.completions)
  const tokens = completions.reduce((sum, c) => sum + c.tokens.length, 0)
  const surprise = completions.reduce((sum, c) => sum - c.logprobs.reduce((a, b) => a + b, 0), 0)
  return {
    reward: mean(verdicts.map((v) => v.score)),
    passRate: mean(verdicts.map((v) => (v.correct ? 1 : 0))),
    solvedRate: mean(verified.map((g) => (g.verdicts.some((v) => v.correct) ? 1 : 0))),
    formatRate: mean(verdicts.map((v) => (v.format === true || v.correct ? 1 : 0))),
    /** Nats per token: the mean surprise of the sampled tokens, an unbiased estimate. */
    entropy: tokens === 0 ? 0 : surprise / tokens,
    responseLength: mean(completions.map((c) => c.tokens.length)),
    truncated: mean(completions.map((c) => (c.finish === "length" ? 1 : 0))),
    responseTokens: tokens,
    ...episodesOf(completions.flatMap(({ trajectory }) => (trajectory === undefined ? [] : [trajectory]))),
  }
}

const episodeOf = ({ forked, stop, turns }: Trajectory.Trajectory) => ({ turns, stop, forked })

/**
 * A group as a log row; `result` is the objective's for a group that was trained on.
 *
 * @category metrics
 */
export const describe = (
  step: number,
  { group, outcome, source, verified }: Selected,
  result: ObjectiveResult | undefined,
): LoggedGroup.LoggedGroup => ({
  step,
  problem: group.problem.id,
  prompt: group.problem.prompt,
  ...(source === undefined ? {} : { source }),
  outcome,
  completions: group.completions.map((completion, k) => {
    const j = verified.completions.indexOf(completion)
    return {
      text: completion.text,
      length: completion.tokens.length,
      finish: completion.finish,
      verdict: group.verdicts[k],
      ...(completion.trajectory === undefined ? {} : { episode: episodeOf(completion.trajectory) }),
      ...(result === undefined || j < 0
        ? {}
        : { target: result.target[j], policy: result.policy[j], coefficient: result.coefficients[j] }),
    }
  }),
})

/**
 * The groups to log, at most `count`: as many with a signal as without if there are enough of both, in order. Those
 * without are what you want to see when nothing is learned.
 *
 * @category metrics
 */
export const share = (all: ReadonlyArray<Selected>, count: number): ReadonlyArray<Selected> => {
  const trained = all.filter(({ outcome }) => outcome === "trained")
  const others = all.filter(({ outcome }) => outcome !== "trained")
  const most = Math.min(trained.length, Math.max(Math.ceil(count / 2), count - others.length))
  const logged = new Set([...trained.slice(0, most), ...others.slice(0, Math.max(0, count - most))])
  return all.filter((selected) => logged.has(selected))
}
