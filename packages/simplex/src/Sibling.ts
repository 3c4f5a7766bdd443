/**
 * Methods next to LPO that also weigh whole responses: TPO and GVPO, which also match a target and sum to zero, and the
 * pointwise ablation, which does not.
 *
 *     TPO        c = softmax(log pi) - softmax(log pi_old + z / eta)     z the standardised reward (arXiv 2604.06159)
 *     GVPO       c = -beta [(R - mean R) - (r - mean r)] / (K - 1)       r = beta s, the implied reward (2504.19599)
 *     pointwise  c = -w*                                                 the paper's ablation
 *
 * @module
 */
import { forwardKl } from "./divergence/Kullback.ts"
import * as Advantage from "./Advantage.ts"
import * as Projection from "./Projection.ts"
import { checkPositive, checkVector } from "./SimplexError.ts"
import { gibbs, logGibbs } from "./Target.ts"

/**
 * Target Policy Optimization: forward KL from the policy's own probabilities among the candidates, [K]. `current` and `old`
 * [K] are summed log-probabilities under pi_theta and the sampling policy, nats; `eta` > 0. Equal rewards have z = 0,
 * so the group anchors the policy to the old one. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Sibling.ts#import,group,tpo}
 *
 * @category siblings
 */
export const tpo = (options: {
  readonly rewards: ArrayLike<number>
  readonly current: ArrayLike<number>
  readonly old: ArrayLike<number>
  readonly eta?: number
}): Float64Array => {
  const { current, eta = 1, old, rewards } = options
  const z = Advantage.grpo(rewards)
  return Projection.coefficients(forwardKl, checkVector("log-probabilities", current, z.length), logGibbs(z, eta, old))
}

/**
 * Group Variance Policy Optimization: squared error between centred rewards and centred implied rewards, [K]. `s` [K] are
 * log-ratios to the reference, nats; `beta` > 0. Zero for a group of one. No importance weights. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Sibling.ts#import,group,gvpo}
 *
 * @category siblings
 */
export const gvpo = (options: {
  readonly rewards: ArrayLike<number>
  readonly s: ArrayLike<number>
  readonly beta?: number
}): Float64Array => {
  const { beta = 1, rewards } = options
  checkPositive("beta", beta)
  const a = Advantage.drGrpo(rewards)
  const implied = checkVector("log-ratios", options.s, a.length).map((v) => beta * v)
  const mu = Advantage.mean(implied)
  const apart = a.map((v, k) => v - (implied[k] - mu))
  // A mean is rounded to its own size, the differences from it to theirs: the rest of their mean is removed too.
  const rest = Advantage.mean(apart)
  return apart.map((v) => (a.length === 1 ? 0 : (-beta * (v - rest)) / (a.length - 1)))
}

/**
 * The pointwise ablation: cross entropy to w* without the simplex, `c = -w*`, [K]. Every response is made more likely, none
 * less; the paper finds it worse than GRPO. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Sibling.ts#import,group,pointwise}
 *
 * @category siblings
 */
export const pointwise = (rewards: ArrayLike<number>, tau: number, anchor?: ArrayLike<number>): Float64Array =>
  gibbs(rewards, tau, anchor).map((w) => -w)
