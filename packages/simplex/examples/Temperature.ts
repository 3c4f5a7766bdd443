// Temperatures read off the rewards (1, 0, 0, 0).
// #region import
import { Temperature } from "@lpo/simplex"
// #endregion import

// #region fixed
export const fixed = Temperature.fixed(1).of([1, 0, 0, 0]) // => 1
// #endregion fixed

// #region std
export const std = Temperature.std().of([1, 0, 0, 0]) // => 0.433013
export const sample = Temperature.std("sample").of([1, 0, 0, 0]) // => 0.5
export const equal = Temperature.std().of([1, 1, 1, 1]) // => "zero-signal"
// #endregion std

// #region mean
export const mean = Temperature.mean.of([1, 0, 0, 0]) // => 0.25
// #endregion mean

// #region batchStd
export const batchStd = Temperature.batchStd.of([1, 0, 0, 0], { rewardStd: 0.4 }) // => 0.4
// #endregion batchStd

// #region plus
export const plus = Temperature.plus(Temperature.mean, 0.1).of([1, 0, 0, 0]) // => 0.35
// #endregion plus

// #region klBudget
export const klBudget = Temperature.klBudget(0.5).of([1, 0, 0, 0]) // => 0.481303; KL(w* || P_t) = 0.5 nats
// #endregion klBudget

// #region essFloor
export const essFloor = Temperature.essFloor(2).of([1, 0, 0, 0]) // => 0.53583; 1 / sum w*^2 = 2
// #endregion essFloor
