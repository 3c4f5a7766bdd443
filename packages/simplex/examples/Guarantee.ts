// What an update is guaranteed to do.
// #region import
import { Guarantee } from "@lpo/simplex"
// #endregion import

// #region gainBound
export const gainBound = Guarantee.gainBound({ rewards: [1, 0, 0, 0], tau: 0.5, epsilon: 0.05 }) // => 0.361235; units of reward
// #endregion gainBound

// #region gained
export const gained = Guarantee.gained({ rewards: [1, 0], tau: 0.5, s: [0.5, -0.5] }) // => { "gain": 0.231059, "bound": 0.0813201 }
// #endregion gained

// #region logBarrier
export const logBarrier = Guarantee.logBarrier(0.5, 0.2) // => 0.123298
// #endregion logBarrier

// #region offPolicyGap
export const offPolicyGap = Guarantee.offPolicyGap({ advantages: [0.5, -0.5], delta: 0.01 }) // => 0.0231091
// #endregion offPolicyGap

// #region exactUpdate
export const exactUpdate = Guarantee.exactUpdate({ rewards: [1, 0], tau: 1, updates: 3, logProbs: [0, 0] }).map(
  Math.exp,
) // => [0.952574, 0.0474259]
// #endregion exactUpdate
