/**
 * The first narrow waist of LPO: a group in, one weight per response token out, such that the ascent direction is
 * `sum over tokens of weight * grad log pi_theta(token)`. No layer below turns that sign again.
 *
 * An objective never knows which engine runs, and holds the weights constant at the current theta.
 */
import { OffPolicy, type PolicyGradient, Target } from "@lpo/simplex"

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
  readonly batch?: PolicyGradient.Batch
}

/** @category models */
export interface ObjectiveResult {
  /** K arrays of [T_k], ascent. */
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
  /** What to do with a group whose rewards are all equal. */
  readonly zeroVariance: Target.ZeroVariance
  readonly evaluate: (input: ObjectiveInput) => ObjectiveResult
}

/** No gradient, and the target is where the policy is. @category constructors */
export const silent = ({ behaviour, current }: ObjectiveInput): ObjectiveResult => {
  const policy = Target.listwise(OffPolicy.logRatios(current, behaviour))
  const coefficients = new Float64Array(current.length)
  return { weights: perResponse(current, coefficients), coefficients, target: policy, policy }
}

/**
 * An objective from its formula. `zeroVariance` defaults to `drop`: `evaluate` then never sees a group of equal rewards.
 *
 * @category constructors
 */
export const make = ({
  evaluate,
  name,
  zeroVariance = "drop",
}: Omit<Objective, "zeroVariance"> & Partial<Pick<Objective, "zeroVariance">>): Objective => ({
  name,
  zeroVariance,
  evaluate: (input) => (Target.isSilent(zeroVariance, input.rewards) ? silent(input) : evaluate(input)),
})

/** The same weight -c_k for every token of response k: the loss falls where the weights ascend. @category combinators */
export const perResponse = (
  current: ReadonlyArray<Float32Array>,
  coefficients: Float64Array,
): ReadonlyArray<Float32Array> =>
  current.map((tokens, k) => new Float32Array(tokens.length).fill(coefficients[k] === 0 ? 0 : -coefficients[k]))
