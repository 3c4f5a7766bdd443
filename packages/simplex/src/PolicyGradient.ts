/**
 * The policy-gradient methods as ascent weights, one per token:
 *
 *     gradient = sum_k sum_t w_k,t grad log pi(y_k,t),   w_k,t = g(rho) A_k / N_k
 *
 * A method is an advantage A (`Advantage`), a gate g on the importance ratio rho = pi_theta / pi_b, of a token or of a whole
 * response, and an aggregation N. The table shows the gates of the named methods.
 *
 *     gate        g                                    of
 *     none        rho                                  REINFORCE++, RLOO
 *     ppo         rho, 0 where clipping is active      GRPO, Dr.GRPO, DAPO, MaxRL
 *     sequence    the same with rho = exp(S / L)       GSPO
 *     detached    min(max(rho, low), high)             CISPO
 *
 * A penalty on the KL to a reference policy is `Reference`: it adds to the reward or to these weights.
 *
 * @module
 */
import * as Advantage from "./Advantage.ts"
import * as Aggregate from "./internal/aggregate.ts"
import * as OffPolicy from "./OffPolicy.ts"
import { badEntry, badValue, checkLength, checkVector } from "./SimplexError.ts"

/** The clip interval [1 - low, 1 + high]. @category models */
export interface Clip {
  readonly low: number
  readonly high: number
}

/** @category models */
export type Gate =
  | { readonly kind: "none" }
  | { readonly kind: "ppo"; readonly clip: Clip }
  | { readonly kind: "sequence"; readonly clip: Clip }
  | { readonly kind: "detached"; readonly clip: Clip }

/**
 * The divisor of a token's weight. `token-sum`: K, the plain gradient of the responses' log-probabilities.
 * `sequence-mean`: K T_k, so each response counts the same. `group-token-mean`: the group's tokens. `batch-token-mean`: the
 * batch's tokens over its groups, so the mean over groups is the mean over all tokens.
 *
 * @category models
 */
export type Aggregation = Aggregate.Aggregation

/** Statistics of the batch that a group lacks. @category models */
export type Batch = Aggregate.Batch

/** A group, as input of these methods. @category models */
export interface Group {
  /** R, [K]. */
  readonly rewards: ArrayLike<number>
  /** Token log-probabilities under pi_theta, nats, K arrays of [T_k]. */
  readonly current: OffPolicy.TokenLogProbs
  /** The same under the sampling policy. */
  readonly behaviour: OffPolicy.TokenLogProbs
  readonly batch?: Batch
}

/** @category models */
export interface Method {
  readonly name: string
  /** A, [K]. Throws `SimplexError`. */
  readonly advantages: (rewards: ArrayLike<number>, batch?: Batch) => Float64Array
  /** w_k,t, K arrays of [T_k]. Throws `SimplexError`. */
  readonly weights: (group: Group) => ReadonlyArray<Float64Array>
}

const checkClip = ({ high, low }: Clip): void => {
  if (!(low >= 0 && low <= 1)) throw badValue("clip.low", low, "ratios are clipped at 1 - low, so it is in [0, 1]")
  if (!(high >= 0)) throw badValue("clip.high", high, "it must not be negative")
}

/**
 * Whether PPO's minimum takes the clipped branch, whose gradient is 0: the ratio has gone too far in the direction that A pushes.
 */
const clipped = (a: number, ratio: number, { high, low }: Clip): boolean => (a > 0 ? ratio > 1 + high : ratio < 1 - low)

const sequenceGate = (a: number, s: number, clip: Clip): number => {
  const ratio = Math.exp(s)
  return clipped(a, ratio, clip) ? 0 : ratio
}

const tokenGate = (gate: Gate, a: number, logRatio: number): number => {
  const ratio = Math.exp(logRatio)
  switch (gate.kind) {
    case "ppo":
      return clipped(a, ratio, gate.clip) ? 0 : ratio
    case "detached":
      return Math.min(Math.max(ratio, 1 - gate.clip.low), 1 + gate.clip.high)
    case "sequence":
    case "none":
      return ratio
  }
}

/**
 * A method from its three parts. The named ones are made with it. Throws `SimplexError`: for a clip that is not an interval; on
 * use, for lengths that differ, entries that are not finite, a ratio beyond float64, or a missing batch.
 *
 * {@includeCode ../examples/PolicyGradient.ts#import,group,make}
 *
 * @category constructors
 */
export const make = (options: {
  readonly name: string
  readonly advantages: Method["advantages"]
  readonly gate: Gate
  readonly aggregation: Aggregation
}): Method => {
  const { advantages, aggregation, gate, name } = options
  if (gate.kind !== "none") checkClip(gate.clip)
  return {
    name,
    advantages,
    weights: (group) => {
      const { behaviour, current } = group
      const a = advantages(checkVector("rewards", group.rewards, current.length), group.batch)
      checkLength("behaviour", behaviour, current.length)
      const means = OffPolicy.logRatios(current, behaviour, "mean")
      return current.map((tokens, k) => {
        const n = Aggregate.divisor(name, aggregation, group, k)
        const whole = gate.kind === "sequence" ? sequenceGate(a[k], means[k], gate.clip) : null
        return Float64Array.from(tokens, (v, t) => {
          const w = ((whole ?? tokenGate(gate, a[k], v - behaviour[k][t])) * a[k]) / n
          if (!Number.isFinite(w)) {
            throw badEntry(
              `${name}'s weight of response ${k}`,
              t,
              w,
              "the ratio pi_theta / pi_b is beyond float64; drop the group",
            )
          }
          return w === 0 ? 0 : w
        })
      })
    },
  }
}

/** @category models */
export interface Options {
  /** null leaves ratios unclipped. */
  readonly clip?: Clip | null
  readonly aggregation?: Aggregation
}

const PPO: Clip = { low: 0.2, high: 0.28 }

const ppo = (
  name: string,
  advantages: Method["advantages"],
  { aggregation = "token-sum", clip = PPO }: Options,
): Method => make({ name, advantages, gate: clip === null ? { kind: "none" } : { kind: "ppo", clip }, aggregation })

/**
 * GRPO: `(R - mean) / std`, PPO's clip. By default tokens are summed (see {@link Aggregation}), so on policy it is
 * exactly LPO-rev at tau = std (Proposition 1); `sequence-mean` is the published loss, with its length bias.
 *
 * {@includeCode ../examples/PolicyGradient.ts#import,group,grpo}
 *
 * @category methods
 */
export const grpo = (options: Options = {}): Method => ppo("grpo", (rewards) => Advantage.grpo(rewards), options)

/**
 * Dr.GRPO: `R - mean`, PPO's clip, tokens summed: neither length nor difficulty bias.
 *
 * {@includeCode ../examples/PolicyGradient.ts#import,group,drGrpo}
 *
 * @category methods
 */
export const drGrpo = (options: Options = {}): Method => ppo("dr-grpo", Advantage.drGrpo, options)

/**
 * MaxRL: `(R - mean) / mean`, PPO's clip, tokens summed. For rewards that are not negative.
 *
 * {@includeCode ../examples/PolicyGradient.ts#import,group,maxRl}
 *
 * @category methods
 */
export const maxRl = (options: Options = {}): Method => ppo("maxrl", Advantage.maxRl, options)

/**
 * RLOO: reward minus the mean of the others; unclipped by default, tokens summed.
 *
 * {@includeCode ../examples/PolicyGradient.ts#import,group,rloo}
 *
 * @category methods
 */
export const rloo = ({ clip = null, ...options }: Options = {}): Method =>
  ppo("rloo", Advantage.rloo, { clip, ...options })

/**
 * DAPO: GRPO's advantage, a clip that is wider above, the mean over all tokens of the batch. Resampling of groups without a
 * signal and the penalty on overlong responses belong to the sampler and to the reward. Needs the batch.
 *
 * {@includeCode ../examples/PolicyGradient.ts#import,group,dapo}
 *
 * @category methods
 */
export const dapo = ({ aggregation = "batch-token-mean", ...options }: Options = {}): Method =>
  ppo("dapo", (rewards) => Advantage.grpo(rewards), { aggregation, ...options })

/**
 * REINFORCE++ with baseline: centred on the group, scaled by the batch's standard deviation; 0 when that is 0. PPO's clip,
 * tokens summed. Needs the batch.
 *
 * {@includeCode ../examples/PolicyGradient.ts#import,group,reinforcePlusPlus}
 *
 * @category methods
 */
export const reinforcePlusPlus = (options: Options = {}): Method =>
  ppo(
    "reinforce++",
    (rewards, batch) => {
      const { rewardStd } = Aggregate.needBatch("reinforce++", batch)
      return rewardStd === 0 ? new Float64Array(rewards.length) : Advantage.reinforcePlusPlus(rewards, rewardStd)
    },
    options,
  )

/**
 * GSPO: GRPO's advantage, one ratio per response, exp of its mean token log-ratio, clipped within a few 1e-4; each response
 * counts the same.
 *
 * {@includeCode ../examples/PolicyGradient.ts#import,group,gspo}
 *
 * @category methods
 */
export const gspo = ({
  aggregation = "sequence-mean",
  clip = { low: 3e-4, high: 4e-4 },
}: { readonly clip?: Clip; readonly aggregation?: Aggregation } = {}): Method =>
  make({
    name: "gspo",
    advantages: (rewards) => Advantage.grpo(rewards),
    gate: { kind: "sequence", clip },
    aggregation,
  })

/**
 * CISPO: the clipped ratio is a constant weight, so no token is ever dropped; GRPO's advantage, the mean over the
 * group's tokens. By default it is bounded only above.
 *
 * {@includeCode ../examples/PolicyGradient.ts#import,group,cispo}
 *
 * @category methods
 */
export const cispo = ({
  aggregation = "group-token-mean",
  clip = { low: 1, high: 0.28 },
}: { readonly clip?: Clip; readonly aggregation?: Aggregation } = {}): Method =>
  make({
    name: "cispo",
    advantages: (rewards) => Advantage.grpo(rewards),
    gate: { kind: "detached", clip },
    aggregation,
  })
