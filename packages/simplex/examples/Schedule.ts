// Curricula as functions of progress, and a switch by entropy.
// #region import
import { Divergence, Schedule } from "@lpo/simplex"
// #endregion import

// #region constant
export const constant = Schedule.constant(0.5)(0.3) // => 0.5
// #endregion constant

// #region linear
export const linear = [0, 0.5, 1].map(Schedule.linear(1, 0.2)) // => [1, 0.6, 0.2]
// #endregion linear

// #region cosine
export const cosine = [0, 0.25, 1].map(Schedule.cosine(1, 0)) // => [1, 0.853553, 0]
// #endregion cosine

// #region piecewise
export const piecewise = [0, 0.5, 1].map(
  Schedule.piecewise([
    [0, Schedule.constant(1)],
    [0.5, Schedule.linear(1, 0.2)],
  ]),
) // => [1, 1, 0.2]
// #endregion piecewise

// #region blend
export const blend = Schedule.blend(Divergence.forwardKl, Divergence.reverseKl, Schedule.linear(0, 1))(0.25).name // => "0.75 forward-kl + 0.25 reverse-kl"
// #endregion blend

// #region hysteresis
const entropy = Schedule.hysteresis({ fallAt: 0.3, riseAt: 0.6, low: "forward", high: "reverse" })
export const sides = [entropy.next("high", 0.4), entropy.next("high", 0.2), entropy.next("low", 0.4)] // => ["high", "low", "low"]
// #endregion hysteresis
