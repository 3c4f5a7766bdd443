/**
 * The first narrow waist of LPO: a group in, one weight per response token out, such that the ascent direction is
 * `sum over tokens of weight * grad log pi_theta(token)`. No layer below flips the sign.
 *
 * An objective never knows which engine runs, and holds the weights constant at the current theta.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { type Guarantee, OffPolicy, type PolicyGradient, type Schedule, SimplexError, Target } from "@lpo/simplex"

/** An objective's input: a group of K responses, response k with T_k tokens. @category models */
export interface ObjectiveInput {
  /** R_k, [K], finite. */
  readonly rewards: Float64Array
  /** Token log-probs in nats, K arrays of [T_k], under the behaviour policy pi_b. */
  readonly behaviour: ReadonlyArray<Float32Array>
  /** The same under the anchor pi_t, the policy just before this update; equal to `behaviour` for a fresh group. */
  readonly anchor: ReadonlyArray<Float32Array>
  /** The same under the policy being optimised, pi_theta. */
  readonly current: ReadonlyArray<Float32Array>
  /** The same under the reference policy, for objectives that need it (`Objective.needsReference`). */
  readonly reference?: ReadonlyArray<Float32Array>
  /** Statistics of the whole batch, from the training loop; objectives that need them refuse to run without. */
  readonly batch?: PolicyGradient.Batch
  /** The prompt's expected reward before this group, for objectives that need it. */
  readonly baseline?: number
  /**
   * Whether pi_theta is still the anchor: no optimiser step since. `current` and `anchor` then differ only by rounding. If
   * omitted, it is inferred from the log-probs; see {@link isOnPolicy}.
   */
  readonly onPolicy?: boolean
}

/** @category models */
export interface ObjectiveResult {
  /** K arrays of [T_k], ascent. */
  readonly weights: ReadonlyArray<Float32Array>
  /** c_k, [K]: the gradient of the loss is `sum_k c_k grad log pi(y_k)` where weights are constant over a response. */
  readonly coefficients: Float64Array
  /** The target w*, [K]; for a policy-gradient method, the one it implies. */
  readonly target: Float64Array
  /** P_theta, [K]. */
  readonly policy: Float64Array
  /** Theorem 2 at P_theta, if the theorem applies to the target. */
  readonly gained?: Guarantee.Gained
}

/** Which side each switch of a curriculum is on, by option; plain data for a checkpoint. @category curricula */
export type State = Readonly<Record<string, Schedule.Side>>

/** The progress of training. @category curricula */
export interface Moment {
  /** Steps before this one. */
  readonly step: number
  /** Steps of the whole run. */
  readonly steps: number
  readonly state: State
}

/** An objective with every option at its current value, and the scheduled ones for the log. @category curricula */
export interface InForce {
  readonly objective: Objective
  readonly values: Readonly<Record<string, string | number>>
}

/** Options that follow a schedule. @category curricula */
export interface Curriculum {
  /** Before the first step. */
  readonly start: State
  readonly at: (moment: Moment) => InForce
  /** The state after a step, from the numbers in its report. */
  readonly next: (state: State, metrics: Readonly<Record<string, unknown>>) => State
}

/** @category models */
export interface Objective {
  readonly name: string
  /** What to do with a group whose rewards are all equal; `anchor`: pass it to `evaluate`. */
  readonly zeroVariance: Target.ZeroVariance
  /** The smallest group it can learn from: 2, or 1 if each response is used alone. */
  readonly leastGroup: 1 | 2
  /** Whether `evaluate` needs `input.reference`. */
  readonly needsReference: boolean
  /** Whether it needs the log-probs of the sampling policy, so groups without them cannot be used. */
  readonly needsBehaviour?: boolean
  /** Present if `evaluate` uses `input.baseline`: the decay for `SmallGroup.track`. */
  readonly baseline?: { readonly decay: number }
  /** Present if options follow a schedule; `evaluate` then belongs to {@link at}. */
  readonly curriculum?: Curriculum
  readonly evaluate: (input: ObjectiveInput) => ObjectiveResult
}

/** No gradient: the target equals the policy. @category constructors */
export const silent = ({ behaviour, current }: ObjectiveInput): ObjectiveResult => {
  const policy = Target.listwise(OffPolicy.logRatios(current, behaviour))
  const coefficients = new Float64Array(current.length)
  return { weights: current.map((t) => new Float32Array(t.length)), coefficients, target: policy, policy }
}

/** Two computations of the same float32 log-prob differ by less than this, nats. @category predicates */
export const ROUNDING = 1e-5

/**
 * Whether the policy still equals its anchor: as `onPolicy` says, or else because no token's log-prob differs from the anchor's by
 * more than float32 arithmetic does (1e-5 nats).
 *
 * @category predicates
 */
export const isOnPolicy = ({ anchor, current, onPolicy }: ObjectiveInput): boolean =>
  onPolicy ?? current.every((tokens, k) => tokens.every((v, t) => Math.abs(v - anchor[k][t]) <= ROUNDING))

/**
 * Whether the group has no effect: it has no signal (equal rewards, or a temperature that finds none), and either such groups are
 * dropped or the policy is still at the anchor that it would be pulled to. The effect is exactly zero: an optimiser that divides by
 * the gradient's size would turn a rounding error into a full step.
 *
 * @category predicates
 */
export const isSilent = (
  zeroVariance: Target.ZeroVariance,
  input: ObjectiveInput,
  tau: number | "zero-signal" = 1,
): boolean =>
  Target.isSilent("drop", input.rewards, tau) &&
  (Target.isSilent(zeroVariance, input.rewards, tau) || isOnPolicy(input))

/**
 * Makes an objective from its formula. `zeroVariance` defaults to `drop`: `evaluate` then never sees a group of equal rewards. With
 * `anchor` it sees those from which the policy has moved. An objective on single responses (`leastGroup: 1`) sees all of them.
 *
 * @category constructors
 */
export const make = ({
  evaluate,
  leastGroup = 2,
  needsReference = false,
  zeroVariance = leastGroup === 1 ? "anchor" : "drop",
  ...rest
}: Pick<Objective, "evaluate" | "name"> & Partial<Objective>): Objective => ({
  ...rest,
  zeroVariance,
  leastGroup,
  needsReference,
  evaluate: (input) => (leastGroup === 2 && isSilent(zeroVariance, input) ? silent(input) : evaluate(input)),
})

/** The objective at this point of training; without a curriculum it is always the same. @category curricula */
export const at = (objective: Objective, moment: Moment): InForce =>
  objective.curriculum?.at(moment) ?? { objective, values: {} }

/** The state before the first step: empty without a curriculum. @category curricula */
export const start = (objective: Objective): State => objective.curriculum?.start ?? {}

/** The state after a step. @category curricula */
export const next = (objective: Objective, state: State, metrics: Readonly<Record<string, unknown>>): State =>
  objective.curriculum?.next(state, metrics) ?? state

/**
 * Ascent weights from one coefficient per response; see `OffPolicy.perToken`. The loss falls where the weights ascend.
 *
 * @category combinators
 */
export const perToken = (
  coefficients: Float64Array,
  { behaviour, current }: ObjectiveInput,
  options: OffPolicy.PerToken = { reduction: "sum", clip: null },
): ReadonlyArray<Float32Array> =>
  OffPolicy.perToken(coefficients, current, behaviour, options).map((row) => Float32Array.from(row))

/** A part of the input that an objective needs. Throws a `SimplexError` that says how to supply it. @category guards */
export const need = <A>(objective: string, name: string, value: A | undefined, fix: string): A => {
  if (value === undefined)
    throw new SimplexError.SimplexError(`${objective} needs ${name}, which was not given; ${fix}`, { input: name })
  return value
}
