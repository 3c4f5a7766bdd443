// The target of one group: rewards in, w* out.
// #region import
import { Target } from "@lpo/simplex"
// #endregion import

// #region logGibbs
export const logGibbs = Target.logGibbs([1, 0, 0, 0], 1) // => [-0.743668, -1.74367, -1.74367, -1.74367]; log w*, nats
// #endregion logGibbs

// #region gibbs
export const gibbs = Target.gibbs([1, 0, 0, 0], 0.25) // => [0.947915, 0.0173617, 0.0173617, 0.0173617]
export const stale = Target.gibbs([1, 0, 0, 0], 0.25, [-1, 0, 0, 1]) // => [0.809776, 0.0403164, 0.0403164, 0.109591]; s_t of a group the anchor has moved on from
// #endregion gibbs

// #region chi2
export const chi2 = Target.chi2([1, 0, 0, 0], 1).ratios // => [1.75, 0.75, 0.75, 0.75]
export const sparse = Target.chi2([1, 0, 0, 0], 0.2).ratios // => [4, 0, 0, 0]; the three wrong ones get exactly 0
// #endregion chi2

// #region logListwise
export const logListwise = Target.logListwise([0, 0]) // => [-0.693147, -0.693147]
// #endregion logListwise

// #region listwise
export const listwise = Target.listwise([0.1, 0, -0.1]) // => [0.367165, 0.332225, 0.30061]
// #endregion listwise

// #region logits
export const logits = Target.logits("anchor", [-3, -4], [-2, -5]) // => [-1, 1]; log-ratios to the policy that sampled
// #endregion logits

// #region hasSignal
export const hasSignal = [Target.hasSignal([1, 0]), Target.hasSignal([0.1 + 0.2, 0.3])] // => [true, false]
// #endregion hasSignal

// #region isSilent
export const isSilent = [Target.isSilent("drop", [1, 1]), Target.isSilent("anchor", [1, 1])] // => [true, false]
// #endregion isSilent

// #region resolve
export const resolve = Target.resolve({
  target: Target.gibbsTarget,
  rewards: [0, 0],
  tau: "zero-signal",
}) // => [-0.693147, -0.693147]
// #endregion resolve
