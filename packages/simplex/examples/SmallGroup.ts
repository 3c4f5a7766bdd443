// Groups of one and two.
// #region import
import { SmallGroup } from "@lpo/simplex"
// #endregion import

// #region single
export const single = SmallGroup.single({ reward: 1, baseline: 0.5, tau: 0.5 }) // => -0.231059
// #endregion single

// #region track
export const track = [1, 0, 0].reduce<SmallGroup.Baseline | undefined>(
  (b, reward) => SmallGroup.track(b, reward, 0.5),
  undefined,
) // => {"value": 0.25, "count": 3}
// #endregion track

// #region pairLoss
export const pairLoss = SmallGroup.pairLoss({ rewards: [1, 0], tau: 1 }) // => 0.693147; log 2, whatever the target, while P is uniform
// #endregion pairLoss

// #region pairCoefficients
export const pairCoefficients = SmallGroup.pairCoefficients({ rewards: [1, 0], tau: 1 }) // => [-0.231059, 0.231059]
// #endregion pairCoefficients
