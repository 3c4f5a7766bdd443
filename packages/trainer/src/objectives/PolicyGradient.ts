/**
 * GRPO, Dr.GRPO and MaxRL: every token weighs `ratio * A_k / K` inside PPO's clip interval and 0 where clipping is
 * active, with the method's advantage. Token sums are not divided by length, so that at equal temperature the first
 * update is LPO-rev's (Proposition 1).
 */
import { Advantage, Target } from "@lpo/simplex"
import { logRatios, type Objective } from "../Objective.ts"

/** @category models */
export interface Options {
  readonly advantage: "grpo" | "dr-grpo" | "maxrl"
  /** Ratios are clipped to [1 - low, 1 + high]; null leaves them unclipped. Default 0.2 and 0.28. */
  readonly clip?: { readonly low: number; readonly high: number } | null
}

const advantages = { grpo: Advantage.grpo, "dr-grpo": Advantage.drGrpo, maxrl: Advantage.maxRl }

/** @category constructors */
export const make = ({ advantage, clip = { low: 0.2, high: 0.28 } }: Options): Objective => ({
  name: advantage,
  evaluate: ({ rewards, behaviour, current }) => {
    const a = advantages[advantage](rewards)
    const k = rewards.length
    const weights = current.map((tokens, i) =>
      tokens.map((v, t) => {
        const ratio = Math.exp(v - behaviour[i][t])
        const clipped = clip !== null && (a[i] > 0 ? ratio > 1 + clip.high : ratio < 1 - clip.low)
        return clipped ? 0 : (ratio * a[i]) / k
      }),
    )
    return {
      weights,
      coefficients: a.map((v) => -v / k),
      target: Target.gibbs(a, 1),
      policy: Target.listwise(logRatios(current, behaviour)),
    }
  },
})
