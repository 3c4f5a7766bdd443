// From target and policy to coefficients, and all the way there.
// #region import
import { Divergence, Projection, Target } from "@lpo/simplex"
// #endregion import

// #region group
const target = Target.logGibbs([1, 0, 0, 0], 1)
// #endregion group

// #region coefficients
export const coefficients = Projection.coefficients(Divergence.forwardKl, [0, 0, 0, 0], target) // => [-0.225367, 0.0751223, 0.0751223, 0.0751223]
// #endregion coefficients

// #region value
export const value = Projection.value(Divergence.forwardKl, [0, 0, 0, 0], target) // => 0.117993; nats
// #endregion value

// #region travel
const journey = Projection.travel(Divergence.reverseKl, [0, 0, 0, 0], target)
export const arrived = journey.arrived // => true
export const end = journey.stops.at(-1)?.policy // => [0.475367, 0.174878, 0.174878, 0.174878]; w*
// #endregion travel
