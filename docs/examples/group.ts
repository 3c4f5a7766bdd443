// The mathematics of one group, as the theory guide shows it.
// #region target
import { Advantage, Divergence, Guarantee, Projection, Target } from "@lpo/simplex"

const rewards = [1, 0.1, 0, 0]
const tau = Advantage.std(rewards) // 0.420565
const target = Target.gibbs(rewards, tau) // w* = [0.767357, 0.090285, 0.071179, 0.071179]
// #endregion target

// #region coefficients
const fresh = [0, 0, 0, 0] // s: the policy has not moved since it sampled the group
const logTarget = Target.logGibbs(rewards, tau)
const forward = Projection.coefficients(Divergence.forwardKl, fresh, logTarget) // c = [-0.517357, 0.159715, 0.178821, 0.178821]
const reverse = Projection.coefficients(Divergence.reverseKl, fresh, logTarget) // c = [-0.430968, 0.104027, 0.163471, 0.163471]
// #endregion coefficients

// #region proposition
const advantages = Advantage.grpo(rewards) // A = (R - mean) / std
const policyGradient = advantages.map((a) => -a / rewards.length) // equals `reverse`
// #endregion proposition

// #region guarantee
const gain = Guarantee.gainBound({ rewards, tau, epsilon: 0 }) // 0.501385
const before = Advantage.mean(rewards) // 0.275, under P_t
const after = rewards.reduce((sum, r, k) => sum + r * target[k], 0) // 0.776385, under w*
// #endregion guarantee

export { after, before, forward, gain, policyGradient, reverse, target, tau }
