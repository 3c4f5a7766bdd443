// TPO, GVPO and the pointwise ablation on the rewards (1, 0, 0, 0).
// #region import
import { Sibling } from "@lpo/simplex"
// #endregion import

// #region group
const rewards = [1, 0, 0, 0]
const old = [-2, -1, -3, -1.5] // summed log-probabilities, nats
// #endregion group

// #region tpo
export const tpo = Sibling.tpo({ rewards, current: old, old }) // => [-0.505775, 0.290364, 0.0392965, 0.176115]
// #endregion tpo

// #region gvpo
export const gvpo = Sibling.gvpo({ rewards, s: [0.5, 0, 0, 0] }) // => [-0.125, 0.0416667, 0.0416667, 0.0416667]
// #endregion gvpo

// #region pointwise
export const pointwise = Sibling.pointwise(rewards, 1) // => [-0.475367, -0.174878, -0.174878, -0.174878]
// #endregion pointwise
