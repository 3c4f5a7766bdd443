/** From freshly scored groups to the ones worth training on, and what the log says about them. */
import { Completion, Group } from "@lpo/rollout"
import { Advantage, type Baseline, Target } from "@lpo/simplex"
import { mean } from "./internal/mean.ts"

/** Groups to train on, and counts of what was left out. @category models */
export interface Selection {
  readonly kept: ReadonlyArray<Group.ScoredGroup>
  /** Completions whose verdict was `error` or `timeout`. */
  readonly masked: number
  /** Groups with fewer than two verified completions. */
  readonly tooSmall: number
  /** Groups whose rewards are all equal: on a fresh group they carry no signal. */
  readonly zeroVariance: number
}

/** @category combinators */
export const rewards = (group: Group.ScoredGroup): Float64Array => Float64Array.from(group.verdicts, (v) => v.score)

/**
 * Masks completions without a verdict, then drops groups of fewer than two and, unless they are to anchor the policy, those
 * without signal.
 *
 * @category combinators
 */
export const select = (
  groups: ReadonlyArray<Group.ScoredGroup>,
  zeroVariance: Target.ZeroVariance = "drop",
): Selection => {
  const verified = groups.map(Group.maskUnverified)
  const count = (gs: ReadonlyArray<Group.ScoredGroup>) => gs.reduce((sum, g) => sum + g.completions.length, 0)
  const large = verified.filter((g) => g.completions.length >= 2)
  const varied = large.filter((g) => Target.hasSignal(rewards(g)))
  return {
    kept: zeroVariance === "drop" ? varied : large,
    masked: count(groups) - count(verified),
    tooSmall: verified.length - large.length,
    zeroVariance: large.length - varied.length,
  }
}

/** What objectives may know of the batch: over the kept groups, of `prompts` that gradients are averaged over. @category metrics */
export const statistics = (kept: ReadonlyArray<Group.ScoredGroup>, prompts: number): Baseline.Batch => ({
  rewardStd: kept.length === 0 ? 0 : Advantage.batchStd(kept.map(rewards)),
  tokens: kept.reduce((sum, g) => sum + g.completions.reduce((n, c) => n + c.tokens.length, 0), 0),
  groups: prompts,
})

/** Why a group must not be trained on; null when nothing stands against it. @category predicates */
export const objection = (group: Group.ScoredGroup): string | null => {
  for (const [k, completion] of group.completions.entries()) {
    const where = `problem ${group.problem.id}, completion ${k}`
    if (!Completion.isSampledFromPolicy(completion)) {
      const { minP = 0, temperature, topK, topP } = completion.sampling
      return `${where} was sampled with temperature ${temperature}, top-p ${topP}, top-k ${topK}, min-p ${minP}, so ratios against it are biased; sample with 1, 1, 0 and 0`
    }
    if (completion.tokens.length === 0 || completion.tokens.length !== completion.logprobs.length) {
      return `${where} has ${completion.tokens.length} tokens and ${completion.logprobs.length} log-probs; they must be as many, and at least 1`
    }
    const bad = completion.logprobs.findIndex((v) => !Number.isFinite(v) || v > 1e-4)
    if (bad >= 0)
      return `${where} has log-prob ${completion.logprobs[bad]} at token ${bad}; it must be finite and not positive`
    const { score, status } = group.verdicts[k]
    if (status === "ok" && !Number.isFinite(score))
      return `${where} has reward ${score}; a verifier must give a finite score`
  }
  return null
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
  }
}
