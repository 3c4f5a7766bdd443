/**
 * Staying near a reference policy, such as the one that training started from. The estimate is of KL(pi || pi_ref) per token,
 * from tokens that the policy sampled; with x = log pi(token) - log pi_ref(token):
 *
 *     estimator   value            as a loss, d/dx    its gradient on policy
 *     k1          x                1                  0 in expectation: noise only. Use it in the reward
 *     k2          x^2 / 2          x                  that of KL(pi || pi_ref)
 *     k3          e^-x - 1 + x     1 - e^-x           that of KL(pi_ref || pi); never negative as a value
 *
 * In the reward, the estimate of the sequence is subtracted: R_k - beta sum_t k(x), with k1 by default. As a loss term, `beta k(x)`
 * is added to the loss of each token. Neither has an importance ratio: on old groups both are those of the sampling policy.
 *
 * @module
 */
import { expm1mx } from "./internal/exponential.ts"
import * as Aggregate from "./internal/aggregate.ts"
import { logRatios, type TokenLogProbs } from "./OffPolicy.ts"
import { badEntry, badValue, checkLength, checkVector } from "./SimplexError.ts"

/** @category models */
export type Estimator = "k1" | "k2" | "k3"

/**
 * The estimate of one token, nats, from x = log pi - log pi_ref.
 *
 * {@includeCode ../examples/Reference.ts#import,estimate}
 *
 * @category estimators
 */
export const estimate = (estimator: Estimator, x: number): number =>
  estimator === "k1" ? x : estimator === "k2" ? (x * x) / 2 : expm1mx(-x)

/**
 * Its derivative by log pi(token).
 *
 * {@includeCode ../examples/Reference.ts#import,slope}
 *
 * @category estimators
 */
export const slope = (estimator: Estimator, x: number): number =>
  estimator === "k1" ? 1 : estimator === "k2" ? x : -Math.expm1(-x)

const checkBeta = (beta: number): void => {
  if (!(beta >= 0 && beta < Infinity)) throw badValue("beta", beta, "a penalty is finite and not negative")
}

/**
 * `R_k - beta sum_t k(x)` with x = log pi_b - log pi_ref, [K]: the penalty in the reward. `estimator` is k1 unless given, the sequence's
 * own log-ratio; k3 is never negative. `beta` >= 0, units of reward per nat; `behaviour` and `reference` are K arrays of [T_k], nats.
 * Throws `SimplexError`.
 *
 * {@includeCode ../examples/Reference.ts#import,group,rewards}
 *
 * @category penalties
 */
export const rewards = (options: {
  readonly rewards: ArrayLike<number>
  readonly beta: number
  readonly behaviour: TokenLogProbs
  readonly reference: TokenLogProbs
  readonly estimator?: Estimator
}): Float64Array => {
  const { behaviour, beta, estimator = "k1", reference } = options
  checkBeta(beta)
  const r = checkVector("rewards", options.rewards, behaviour.length)
  const x = logRatios(behaviour, reference)
  if (estimator === "k1") return r.map((v, k) => v - beta * x[k])
  return r.map((v, k) => {
    let sum = 0
    for (let t = 0; t < behaviour[k].length; t++) sum += estimate(estimator, behaviour[k][t] - reference[k][t])
    const penalised = v - beta * sum
    if (!Number.isFinite(penalised))
      throw badEntry(`the ${estimator} penalty of response`, k, penalised, "pi_ref / pi is beyond float64; use k1")
    return penalised
  })
}

/**
 * The ascent weights of `beta k(x)` as a term of the loss, K arrays of [T_k]: `-beta k'(x) / N` with N that of the aggregation
 * (see `PolicyGradient.Aggregation`). `beta` >= 0. Throws `SimplexError`.
 *
 * {@includeCode ../examples/Reference.ts#import,group,weights}
 *
 * @category penalties
 */
export const weights = (options: {
  readonly estimator: Estimator
  readonly beta: number
  readonly current: TokenLogProbs
  readonly reference: TokenLogProbs
  readonly aggregation: Aggregate.Aggregation
  readonly batch?: Aggregate.Batch
}): ReadonlyArray<Float64Array> => {
  const { aggregation, beta, current, estimator, reference } = options
  checkBeta(beta)
  checkLength("reference", reference, current.length)
  logRatios(current, reference)
  return current.map((tokens, k) => {
    const n = Aggregate.divisor("the KL term", aggregation, options, k)
    return Float64Array.from(tokens, (v, t) => {
      const w = (-beta * slope(estimator, v - reference[k][t])) / n
      if (!Number.isFinite(w))
        throw badEntry(`the ${estimator} weight of response ${k}`, t, w, "pi_ref / pi is beyond float64; use k2")
      return w === 0 ? 0 : w
    })
  })
}
