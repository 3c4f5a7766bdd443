// Coefficients into a buffer, nothing allocated.
// #region import
import { Fused } from "@lpo/simplex"
// #endregion import

// #region forwardKl
const out = new Float64Array(4)
export const forwardKl = Fused.forwardKl(Float64Array.of(1, 0, 0, 0), 1, new Float64Array(4), null, out) // => [-0.225367, 0.0751223, 0.0751223, 0.0751223]
// #endregion forwardKl
