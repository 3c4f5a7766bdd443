/**
 * The narrow waist of LPO: a group in, one weight per response token out, such that the ascent direction is
 * `sum over tokens of weight * grad log pi_theta(token)`.
 *
 * An objective never knows which engine runs, and holds the weights constant at the current theta.
 */

/** What an objective sees of a group of K responses, response k having T_k tokens. @category models */
export interface ObjectiveInput {
  /** R_k, [K], finite. */
  readonly rewards: Float64Array
  /** Token log-probs in nats, K arrays of [T_k], under the behaviour policy pi_b. */
  readonly behaviour: ReadonlyArray<Float32Array>
  /** The same under the anchor pi_t, the policy just before this update; equals `behaviour` for a fresh group. */
  readonly anchor: ReadonlyArray<Float32Array>
  /** The same under the policy being optimised, pi_theta. */
  readonly current: ReadonlyArray<Float32Array>
}

/** @category models */
export interface ObjectiveResult {
  /** K arrays of [T_k]. */
  readonly weights: ReadonlyArray<Float32Array>
  /** c_k, [K]: the gradient of the loss is `sum_k c_k grad log pi(y_k)` where weights are constant over a response. */
  readonly coefficients: Float64Array
  /** The target w*, [K]; for a policy-gradient method the one it implies. */
  readonly target: Float64Array
  /** P_theta, [K]. */
  readonly policy: Float64Array
}

/** @category models */
export interface Objective {
  readonly name: string
  readonly evaluate: (input: ObjectiveInput) => ObjectiveResult
}

/** Summed log-ratio of each response, [K], in nats: `sum_t a_k,t - b_k,t`. @category combinators */
export const logRatios = (a: ReadonlyArray<Float32Array>, b: ReadonlyArray<Float32Array>): Float64Array =>
  Float64Array.from(a, (tokens, k) => {
    if (tokens.length !== b[k]?.length)
      throw new RangeError(`response ${k} has ${tokens.length} and ${b[k]?.length} log-probs; they must be as many`)
    return tokens.reduce((sum, v, t) => sum + (v - b[k][t]), 0)
  })
