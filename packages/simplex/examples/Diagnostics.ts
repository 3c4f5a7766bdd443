// Distances and concentration.
// #region import
import { Diagnostics } from "@lpo/simplex"
// #endregion import

// #region kl
export const kl = Diagnostics.kl([Math.log(0.9), Math.log(0.1)], [Math.log(0.5), Math.log(0.5)]) // => 0.368064; nats
// #endregion kl

// #region totalVariation
export const totalVariation = Diagnostics.totalVariation([0.9, 0.1], [0.5, 0.5]) // => 0.4
// #endregion totalVariation

// #region ess
export const ess = Diagnostics.ess([0.5, 0.5, 0, 0]) // => 2
// #endregion ess

// #region entropy
export const entropy = Diagnostics.entropy([0.5, 0.5, 0, 0]) // => 0.693147; log 2
// #endregion entropy
