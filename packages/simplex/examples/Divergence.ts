// Every divergence from the same target to the same policy.
// #region import
import { Divergence, Projection, Target } from "@lpo/simplex"
// #endregion import

// #region group
const w = Target.logGibbs([1, 0, 0], 0.5) // w* = [0.786986, 0.106507, 0.106507]
const s = [0, 0, 0.5] // P = [0.274069, 0.274069, 0.451863]
const c = (divergence: Divergence.Divergence) => Projection.coefficients(divergence, s, w)
// #endregion group

// #region forwardKl
export const forwardKl = c(Divergence.forwardKl) // => [-0.512917, 0.167562, 0.345356]
// #endregion forwardKl

// #region reverseKl
export const reverseKl = c(Divergence.reverseKl) // => [-0.459831, 0.0883065, 0.371524]
// #endregion reverseKl

// #region jeffreys
export const jeffreys = c(Divergence.jeffreys) // => [-0.972748, 0.255868, 0.71688]
// #endregion jeffreys

// #region jensenShannon
export const jensenShannon = c(Divergence.jensenShannon()) // => [-0.109222, 0.0312844, 0.0779372]
// #endregion jensenShannon

// #region pearsonChi2
export const pearsonChi2 = c(Divergence.pearsonChi2) // => [-1.29881, -0.0792069, 1.37802]
// #endregion pearsonChi2

// #region neymanChi2
export const neymanChi2 = c(Divergence.neymanChi2) // => [-1.62225, 0.596181, 1.02607]
// #endregion neymanChi2

// #region hellinger2
export const hellinger2 = c(Divergence.hellinger2) // => [-0.115095, 0.0316908, 0.0834038]
// #endregion hellinger2

// #region totalVariation
export const totalVariation = c(Divergence.totalVariation) // => [-0.198955, 0.0751136, 0.123841]
// #endregion totalVariation

// #region brier
export const brier = c(Divergence.brier) // => [-0.157403, 0.029095, 0.128308]
// #endregion brier

// #region alpha
export const alpha = c(Divergence.alpha(0.5)) // => [-0.460379, 0.126763, 0.333615]
export const limit = c(Divergence.alpha(1)) // => [-0.512917, 0.167562, 0.345356]; forward KL
// #endregion alpha

// #region renyi
export const renyi = c(Divergence.renyi(2)) // => [-0.697348, 0.256277, 0.441071]
// #endregion renyi

// #region fromGenerator
export const fromGenerator = c(
  Divergence.fromGenerator({
    name: "triangular discrimination",
    f: (t) => (t - 1) ** 2 / (t + 1),
    df: (t) => 1 - 4 / (t + 1) ** 2,
  }),
) // => [-0.396243, 0.120981, 0.275261]
// #endregion fromGenerator

// #region blend
export const blend = c(Divergence.blend(Divergence.forwardKl, Divergence.reverseKl, 0.5)) // => [-0.486374, 0.127934, 0.35844]
// #endregion blend
