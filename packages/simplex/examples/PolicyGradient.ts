// Policy-gradient methods as token weights: response 0 is right and has two tokens, response 1 is wrong and has one.
// #region import
import { Advantage, PolicyGradient } from "@lpo/simplex"
// #endregion import

// #region group
const group = {
  rewards: [1, 0],
  behaviour: [[-1, -2], [-1]],
  current: [[-0.9, -1.5], [-1]], // the second token has become e^0.5 times as likely
  batch: { rewardStd: 0.5, tokens: 30, groups: 10 },
}
const first = (method: PolicyGradient.Method) => method.weights(group)[0]
// #endregion group

// #region make
export const make = first(
  PolicyGradient.make({
    name: "mine",
    advantages: Advantage.rloo,
    gate: { kind: "none" },
    aggregation: "sequence-mean",
  }),
) // => [0.276293, 0.41218]
// #endregion make

// #region grpo
export const grpo = first(PolicyGradient.grpo()) // => [0.552585, 0]; the second is clipped
// #endregion grpo

// #region drGrpo
export const drGrpo = first(PolicyGradient.drGrpo()) // => [0.276293, 0]
// #endregion drGrpo

// #region maxRl
export const maxRl = first(PolicyGradient.maxRl()) // => [0.552585, 0]
// #endregion maxRl

// #region rloo
export const rloo = first(PolicyGradient.rloo()) // => [0.552585, 0.824361]
// #endregion rloo

// #region dapo
export const dapo = first(PolicyGradient.dapo()) // => [0.36839, 0]
// #endregion dapo

// #region reinforcePlusPlus
export const reinforcePlusPlus = first(PolicyGradient.reinforcePlusPlus()) // => [0.552585, 0]
// #endregion reinforcePlusPlus

// #region gspo
export const gspo = first(PolicyGradient.gspo()) // => [0, 0]; the whole response has moved too far
// #endregion gspo

// #region cispo
export const cispo = first(PolicyGradient.cispo()) // => [0.36839, 0.426667]; held at 1.28, not dropped
// #endregion cispo
