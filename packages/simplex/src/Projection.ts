/**
 * Projecting the policy onto the target: under any divergence D the gradient of the loss is
 *
 *     grad D(w*, P_theta) = sum_k c_k grad log pi_theta(y_k),   c_k = P_k (dD/dP_k - sum_j P_j dD/dP_j)      (C.6)
 *
 * so a trainer needs only the coefficients c. They sum to zero, and vanish where P = w*. Descent goes along -c.
 *
 * @module
 */
import type { Divergence } from "./Divergence.ts"
import { logSoftmax } from "./internal/softmax.ts"
import { badEntry, badValue, checkLength, checkVector } from "./SimplexError.ts"

/** The target's logarithms may be -Infinity: a probability of exactly 0. They are used as they are, not normalised again. */
const checkTarget = (logTarget: ArrayLike<number>, k: number): Float64Array => {
  checkLength("log target", logTarget, k)
  const out = logTarget instanceof Float64Array ? logTarget : Float64Array.from(logTarget)
  let sum = 0
  for (let i = 0; i < k; i++) {
    if (!(out[i] < 1e-6))
      throw badEntry("log target", i, out[i], "a log-probability is not positive; -Infinity is a probability of 0")
    sum += Math.exp(out[i])
  }
  if (!(Math.abs(sum - 1) < 1e-6)) {
    throw badValue("the sum of the target", sum, "probabilities must sum to 1; give log w*, as Target.logGibbs does")
  }
  return out
}

/** log P of log-ratios s, into `out` if given. */
const policy = (s: ArrayLike<number>, out?: Float64Array): Float64Array => {
  if (out === undefined) return logSoftmax(checkVector("log-ratios", s))
  checkLength("log-ratios", s)
  checkLength("out", out, s.length)
  for (let k = 0; k < s.length; k++) {
    if (!Number.isFinite(s[k])) throw badEntry("log-ratios", k, s[k], "it must be finite")
    out[k] = s[k]
  }
  return logSoftmax(out, out)
}

/**
 * c, [K]. `s` [K] are the policy's log-ratios s_theta in nats, `logTarget` [K] is log w*. With `out` [K], and `logTarget` a
 * Float64Array, nothing is allocated. Throws `SimplexError` for wrong lengths, an `s` that is not finite, a target that does not
 * sum to 1 within 1e-6, and an infinite divergence.
 *
 * {@includeCode ../examples/Projection.ts#import,group,coefficients}
 *
 * @category coefficients
 */
export const coefficients = (
  divergence: Divergence,
  s: ArrayLike<number>,
  logTarget: ArrayLike<number>,
  out?: Float64Array,
): Float64Array => {
  const logP = policy(s, out)
  return divergence.coefficients(logP, checkTarget(logTarget, logP.length), out)
}

/**
 * D(w*, P_theta), >= 0. Arguments and errors as {@link coefficients}.
 *
 * {@includeCode ../examples/Projection.ts#import,group,value}
 *
 * @category coefficients
 */
export const value = (divergence: Divergence, s: ArrayLike<number>, logTarget: ArrayLike<number>): number => {
  const logP = policy(s)
  return divergence.value(logP, checkTarget(logTarget, logP.length))
}

/** One point on the way to the target. @category models */
export interface Stop {
  /** s, [K], nats, shifted so that log P = s. */
  readonly s: Float64Array
  /** P = softmax(s), [K] */
  readonly policy: Float64Array
  readonly value: number
  /** max_k |c_k| */
  readonly coefficient: number
}

/** @category models */
export interface Journey {
  readonly stops: ReadonlyArray<Stop>
  /** Whether the last stop's coefficients are below the tolerance. */
  readonly arrived: boolean
}

/** @category models */
export interface TravelOptions {
  /**
   * The direction in s-space. `natural` is -dD/dP, natural gradient on the simplex and mirror descent with the entropy
   * as its mirror at once; `plain` is -c, ordinary gradient descent on s.
   */
  readonly rule?: "natural" | "plain"
  /** Length of a step before it is shortened, > 0; default 1. */
  readonly stepSize?: number
  /** No log-probability moves further than this in one step, nats; default 1, for a path that can be drawn. */
  readonly reach?: number
  /** Stop when every |c_k| is below it; default 1e-9. */
  readonly tolerance?: number
  /** Default 1,000. */
  readonly maxSteps?: number
}

/**
 * The exact projection as an iteration on the simplex: where P_theta goes without constraints. Steps are halved
 * until the divergence falls enough, so it never rises along the path; a divergence with a kink (total variation) may end before
 * it arrives. Arguments and errors as {@link coefficients}.
 *
 * {@includeCode ../examples/Projection.ts#import,group,travel}
 *
 * @category projection
 */
export const travel = (
  divergence: Divergence,
  s: ArrayLike<number>,
  logTarget: ArrayLike<number>,
  options: TravelOptions = {},
): Journey => {
  const { maxSteps = 1000, reach = 1, rule = "natural", stepSize = 1, tolerance = 1e-9 } = options
  if (!(stepSize > 0 && reach > 0)) throw badValue("the step", Math.min(stepSize, reach), "it must be positive")
  let logP = policy(s)
  const logW = checkTarget(logTarget, logP.length)
  const stopAt = (at: Float64Array, worth: number, c: Float64Array): Stop => ({
    s: at,
    policy: at.map(Math.exp),
    value: worth,
    coefficient: c.reduce((a, v) => Math.max(a, Math.abs(v)), 0),
  })
  let c: Float64Array = divergence.coefficients(logP, logW)
  const stops = [stopAt(logP, divergence.value(logP, logW), c)]
  for (let step = 0; step < maxSteps && stops[stops.length - 1].coefficient > tolerance; step++) {
    const direction = rule === "plain" ? c : divergence.gradient(logP, logW)
    const longest = direction.reduce((a, v) => Math.max(a, Math.abs(v)), 0)
    let eta = Math.min(stepSize, reach / longest)
    // A quarter of the decrease that the slope predicts: with less, steep valleys would be crossed back and forth.
    const enough = direction.reduce((sum, v, k) => sum + v * c[k], 0) / 4
    const { value: here } = stops[stops.length - 1]
    let next: Float64Array | null = null
    let worth = here
    for (let halving = 0; halving < 60 && next === null; halving++, eta /= 2) {
      const moved = logSoftmax(logP.map((v, k) => v - eta * direction[k]))
      worth = divergence.value(moved, logW)
      if (worth <= here - eta * enough) next = moved
    }
    if (next === null) break
    logP = next
    c = divergence.coefficients(logP, logW)
    stops.push(stopAt(logP, worth, c))
  }
  return { stops, arrived: stops[stops.length - 1].coefficient <= tolerance }
}
