// Statistics and advantages of one group.
// #region import
import { Advantage } from "@lpo/simplex"
// #endregion import

// #region mean
export const mean = Advantage.mean([1, 0, 0, 0]) // => 0.25
// #endregion mean

// #region std
export const std = Advantage.std([1, 0, 0, 0]) // => 0.433013
export const sample = Advantage.std([1, 0, 0, 0], "sample") // => 0.5
// #endregion std

// #region drGrpo
export const drGrpo = Advantage.drGrpo([1, 0, 0, 0]) // => [0.75, -0.25, -0.25, -0.25]
// #endregion drGrpo

// #region grpo
export const grpo = Advantage.grpo([1, 0, 0, 0]) // => [1.73205, -0.57735, -0.57735, -0.57735]
// #endregion grpo

// #region maxRl
export const maxRl = Advantage.maxRl([1, 0, 0, 0]) // => [3, -1, -1, -1]
// #endregion maxRl

// #region rloo
export const rloo = Advantage.rloo([1, 0, 0, 0]) // => [1, -0.333333, -0.333333, -0.333333]
// #endregion rloo

// #region reinforcePlusPlus
export const reinforcePlusPlus = Advantage.reinforcePlusPlus([1, 0, 0, 0], 0.5) // => [1.5, -0.5, -0.5, -0.5]
// #endregion reinforcePlusPlus

// #region batchStd
export const batchStd = Advantage.batchStd([
  [1, 0],
  [5, 5],
]) // => 0.353553
// #endregion batchStd
