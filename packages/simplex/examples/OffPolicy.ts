// Stale groups: log-ratios, how far they have drifted, and what to drop.
// #region import
import { OffPolicy } from "@lpo/simplex"
// #endregion import

// #region logRatios
export const logRatios = OffPolicy.logRatios([[-1, -2], [-3]], [[-2, -2], [-1]]) // => [1, -2]
export const meanRatios = OffPolicy.logRatios([[-1, -2], [-3]], [[-2, -2], [-1]], "mean") // => [0.5, -2]
// #endregion logRatios

// #region perToken
export const perToken = OffPolicy.perToken([-0.5, 0.5], [[-1, -2], [-3]], [[-2, -2], [-3]], {
  reduction: "mean",
  clip: 0.2,
}) // => [[0, 0.25], [-0.5]]; the first token has left the band
// #endregion perToken

// #region quantile
export const quantile = OffPolicy.quantile([0, 1, 2, 3], 0.5) // => 1.5
// #endregion quantile

// #region staleness
export const staleness = OffPolicy.staleness([0, 0.5, -2, 0]) // => {"ess": 3.02307, "maxAbs": 2, "quantiles": {"q50": 0.25, "q90": 1.55, "q99": 1.955}}
// #endregion staleness

// #region filter
export const filter = OffPolicy.filter({ minEss: 0.5, maxAge: 4 }, [0, 8, 0, 0], 2) // => {"keep": false, "limit": "ess", "reason": "effective sample size 1.002 of 4 is under 0.5 K"}
// #endregion filter
