/**
 * The narrow waist of LPO: a group in, one weight per response token out, such that the ascent direction is
 * `sum over tokens of weight * grad log pi_theta(token)`.
 *
 * An objective never knows which engine runs, and holds the weights constant at the current theta.
 */
import { type Baseline, OffPolicy, type Target } from "@lpo/simplex"

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
  /** Statistics of the whole batch; the training loop gives them, and the objectives that need them refuse without. */
  readonly batch?: Baseline.Batch
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
  /** Whether groups whose rewards are all equal are left out before (the default) or anchor the policy. */
  readonly zeroVariance?: Target.ZeroVariance
  readonly evaluate: (input: ObjectiveInput) => ObjectiveResult
}

/** Summed log-ratio of each response, [K], in nats: `sum_t a_k,t - b_k,t`. @category combinators */
export const logRatios = (a: ReadonlyArray<Float32Array>, b: ReadonlyArray<Float32Array>): Float64Array =>
  OffPolicy.logRatios(a, b)

/** The objective with the statistics of the batch at hand, for a learner that knows groups only. @category combinators */
export const withBatch = (objective: Objective, batch: Baseline.Batch): Objective => ({
  ...objective,
  evaluate: (input) => objective.evaluate({ ...input, batch }),
})

/** The same weight -c_k for every token of response k. @category combinators */
export const perResponse = (
  current: ReadonlyArray<Float32Array>,
  coefficients: Float64Array,
): ReadonlyArray<Float32Array> => current.map((tokens, k) => new Float32Array(tokens.length).fill(-coefficients[k]))
