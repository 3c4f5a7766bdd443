// A group's update as a table for a log.
// #region import
import { Explain, Temperature } from "@lpo/simplex"
// #endregion import

// #region group
const explanation = Explain.explain({ rewards: [1, 0, 0, 0], s: [0.5, 0, 0, 0], temperature: Temperature.std() })
// #endregion group

// #region explain
export const explain = explanation.rows[0] // => {"k": 0, "reward": 1, "anchor": 0.25, "target": 0.770438, "policy": 0.354661, "coefficient": -0.415777}
export const gain = [explanation.gain, explanation.gainBound] // => [0.104661, -0.311116]; reached so far, and what Theorem 2 guarantees here
// #endregion explain

// #region format
export const format = Explain.format(explanation).split("\n")[1] // => "0   1.000  0.2500   0.7704  0.3547  -0.4158"
// #endregion format
