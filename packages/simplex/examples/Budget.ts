// Temperatures solved for, with what was reached.
// #region import
import { Budget } from "@lpo/simplex"
// #endregion import

// #region klBudget
export const klBudget = Budget.klBudget([1, 0, 0, 0], 0.5) // => {"tau": 0.481303, "value": 0.5, "reached": true}
export const tooFar = Budget.klBudget([1, 1, 0, 0], 1)?.reached // => false; no target is further than log 2
// #endregion klBudget

// #region essFloor
export const essFloor = Budget.essFloor([1, 0, 0, 0], 2) // => {"tau": 0.53583, "value": 2, "reached": true}
export const tied = Budget.essFloor([1, 1, 0, 0], 1.5)?.value // => 2; two tie for the best, at any temperature
// #endregion essFloor
