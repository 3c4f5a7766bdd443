// Objectives from plain JSON, as the guide shows them. Each comment is what the line gives.
// #region make
import { Objective, Registry } from "@lpo/trainer"

const logprobs = [Float32Array.of(-1, -2), Float32Array.of(-3)]
const group = { rewards: Float64Array.of(1, 0), behaviour: logprobs, anchor: logprobs, current: logprobs }

const settings = Registry.settings({ name: "lpo-fwd", tau: "std", reduction: "mean" })
const { weights } = Registry.make(settings).evaluate(group) // [[0.19039854, 0.19039854], [-0.38079708]]
// #endregion make

// #region sign
const { coefficients } = Registry.make(settings).evaluate(group) // c = [-0.38079708, 0.38079708]; a weight is -c_k / T_k here
// #endregion sign

// #region resolved
const recorded = JSON.stringify(Registry.settings("grpo"))
// {"name":"grpo","clip":{"low":0.2,"high":0.28},"aggregation":"token-sum","kl":null}
// #endregion resolved

// #region refused
const refused = (() => {
  try {
    Registry.settings({ name: "lpo", tua: 0.5 })
    return ""
  } catch (error) {
    return (error as Error).message.slice(0, 54)
  }
})() // objective lpo: tua is not known; did you mean tau? Kno
// #endregion refused

// #region curriculum
const curriculum = Registry.make(
  Registry.settings({
    name: "lpo",
    tau: { schedule: "linear", from: 1, to: 0.5 },
    divergence: {
      schedule: "switch",
      metric: "entropy",
      fallAt: 0.3,
      riseAt: 0.6,
      low: "forward-kl",
      high: "reverse-kl",
      start: "high",
    },
  }),
)
const before = Objective.start(curriculum) // { divergence: "high" }
const first = Objective.at(curriculum, { step: 0, steps: 101, state: before }).values // { divergence: "reverse-kl", tau: 1 }
const after = Objective.next(curriculum, before, { entropy: 0.25 }) // { divergence: "low" }
const later = Objective.at(curriculum, { step: 50, steps: 101, state: after }).values // { divergence: "forward-kl", tau: 0.75 }
// #endregion curriculum

// #region kl
const near = Registry.make(
  Registry.settings({ name: "lpo-rev", kl: { in: "loss", estimator: "k2", beta: 0.1, on: "mastered" } }),
)
const reference = [Float32Array.of(-1, -1.5), Float32Array.of(-3)]
const mastered = { ...group, rewards: Float64Array.of(1, 1), reference }
const pulled = near.evaluate(mastered).weights // [[0, 0.0125], [0]]: the second token goes back to where it was
// #endregion kl

// #region single
const alone = Registry.make(Registry.settings({ name: "lpo-single", tau: 0.5 }))
const only = { rewards: Float64Array.of(1), behaviour: [logprobs[0]], anchor: [logprobs[0]], current: [logprobs[0]] }
const lone = alone.evaluate({ ...only, baseline: 0.5 }).weights // [[0.23105858, 0.23105858]]
// #endregion single

export { after, before, coefficients, first, later, lone, pulled, recorded, refused, weights }
