// Staying near a reference policy: response 0 is right, response 1 is wrong.
// #region import
import { Reference } from "@lpo/simplex"
// #endregion import

// #region group
const current = [[-1, -0.5], [-1]]
const reference = [[-1, -1], [-1]] // the second token has become e^0.5 times as likely
// #endregion group

// #region estimate
export const estimate = [Reference.estimate("k1", 0.5), Reference.estimate("k2", 0.5), Reference.estimate("k3", 0.5)] // => [0.5, 0.125, 0.106531]
// #endregion estimate

// #region slope
export const slope = [Reference.slope("k1", 0.5), Reference.slope("k2", 0.5), Reference.slope("k3", 0.5)] // => [1, 0.5, 0.393469]
// #endregion slope

// #region rewards
export const rewards = Reference.rewards({ rewards: [1, 0], beta: 0.1, behaviour: current, reference }) // => [0.95, 0]
// #endregion rewards

// #region weights
export const weights = Reference.weights({
  estimator: "k3",
  beta: 0.1,
  current,
  reference,
  aggregation: "sequence-mean",
}) // => [[0, -0.00983673], [0]]
// #endregion weights
