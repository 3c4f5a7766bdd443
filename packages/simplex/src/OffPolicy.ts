/**
 * Groups sampled by an older policy. The log-ratios s carry the importance weights, and the listwise softmax normalises
 * them itself; watch that they do not collapse onto one or two responses.
 *
 * @module
 */
import * as Diagnostics from "./Diagnostics.ts"
import { badEntry, badValue, checkLength, checkVector, SimplexError } from "./SimplexError.ts"
import { listwise } from "./Target.ts"

/** Token log-probabilities of K responses, response k having T_k tokens, nats. @category models */
export type TokenLogProbs = ReadonlyArray<ArrayLike<number>>

/**
 * How token log-ratios become one number per response, and what log pi(y) means. `mean` divides the sum over tokens by the
 * length, as the paper does (eq. 2 and 3): ratios of long responses stay near 1, and the importance weights are biased. `sum` is
 * the sequence's own log-ratio. The gradient must follow: d log pi(y) / d log pi(token) is 1 / |y| under `mean` and 1 under `sum`,
 * which {@link perToken} applies.
 *
 * @category log-ratios
 */
export type Reduction = "sum" | "mean"

/**
 * s, [K], in nats: `sum_t (a_k,t - b_k,t)`, or its mean over the T_k tokens. Throws `SimplexError`: lengths that differ, no
 * tokens, entries that are not finite.
 *
 * {@includeCode ../examples/OffPolicy.ts#import,logRatios}
 *
 * @category log-ratios
 */
export const logRatios = (a: TokenLogProbs, b: TokenLogProbs, reduction: Reduction = "sum"): Float64Array => {
  checkLength("log-probabilities", a)
  checkLength("behaviour", b, a.length)
  return Float64Array.from(a, (tokens, k) => {
    if (tokens.length === 0 || tokens.length !== b[k].length) {
      throw new SimplexError(
        `response ${k} has ${tokens.length} and ${b[k].length} log-probs; both counts must be equal, and at least 1`,
        { input: "log-probabilities", index: k, value: tokens.length },
      )
    }
    let sum = 0
    for (let t = 0; t < tokens.length; t++) sum += tokens[t] - b[k][t]
    if (!Number.isFinite(sum)) throw badEntry("the log-ratio", k, sum, "every log-probability must be finite")
    return reduction === "sum" ? sum : sum / tokens.length
  })
}

/** How coefficients reach tokens. @category token weights */
export interface PerToken {
  /** The same as for the log-ratios behind the coefficients. */
  readonly reduction: Reduction
  /** Half-width eps in (0, 1) of the band `[log(1 - eps), log(1 + eps)]` of token log-ratios; null for none. */
  readonly clip: number | null
}

/**
 * The ascent weight of every token, K arrays of [T_k], from c [K]: `-c_k` under `sum` and `-c_k / T_k` under `mean`, the gradient
 * of the loss through {@link logRatios} of the same reduction.
 *
 * With `clip`, the loss is `sum_k c_k` times the sum or mean of the token log-ratios `current - behaviour` clipped to the band,
 * with c constant (appendix D.3). So a token outside the band weighs 0, on both sides and for either sign of c; PPO's minimum is
 * one-sided. Throws `SimplexError`.
 *
 * {@includeCode ../examples/OffPolicy.ts#import,perToken}
 *
 * @category token weights
 */
export const perToken = (
  coefficients: ArrayLike<number>,
  current: TokenLogProbs,
  behaviour: TokenLogProbs,
  { clip, reduction }: PerToken,
): ReadonlyArray<Float64Array> => {
  const c = checkVector("coefficients", coefficients, current.length)
  if (clip !== null && !(clip > 0 && clip < 1))
    throw badValue(
      "clip",
      clip,
      "ratios are clipped to [1 - clip, 1 + clip], so it is between 0 and 1; null does not clip",
    )
  const [low, high] = clip === null ? [-Infinity, Infinity] : [Math.log1p(-clip), Math.log1p(clip)]
  return current.map((tokens, k) => {
    const w = c[k] === 0 ? 0 : -c[k] / (reduction === "mean" ? tokens.length : 1)
    return Float64Array.from(tokens, (v, t) => {
      const delta = v - behaviour[k][t]
      return delta >= low && delta <= high ? w : 0
    })
  })
}

/** How stale a group is. @category models */
export interface Staleness {
  /** Effective sample size of P = softmax(s), in [1, K]. */
  readonly ess: number
  /** max_k |s_k|, nats. */
  readonly maxAbs: number
  /** Quantiles of |s_k|, nats, linearly interpolated. */
  readonly quantiles: { readonly q50: number; readonly q90: number; readonly q99: number }
}

/**
 * The q-quantile of `values`, q in [0, 1], by linear interpolation between order statistics.
 *
 * {@includeCode ../examples/OffPolicy.ts#import,quantile}
 *
 * @category diagnostics
 */
export const quantile = (values: ArrayLike<number>, q: number): number => {
  const sorted = checkVector("values", values).sort()
  if (!(q >= 0 && q <= 1)) throw badValue("q", q, "a quantile is in [0, 1]")
  const at = q * (sorted.length - 1)
  const low = Math.floor(at)
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low])
}

/**
 * The staleness of a group from its log-ratios s_t, [K], nats. Throws `SimplexError`.
 *
 * {@includeCode ../examples/OffPolicy.ts#import,staleness}
 *
 * @category diagnostics
 */
export const staleness = (s: ArrayLike<number>): Staleness => {
  const size = checkVector("log-ratios", s).map(Math.abs)
  return {
    ess: Diagnostics.ess(listwise(s)),
    maxAbs: size.reduce((a, b) => Math.max(a, b)),
    quantiles: { q50: quantile(size, 0.5), q90: quantile(size, 0.9), q99: quantile(size, 0.99) },
  }
}

/** Conditions for training on a group; a limit that you omit is not checked. @category filter */
export interface Limits {
  /** Smallest effective sample size as a share of K, in (0, 1]. */
  readonly minEss?: number
  /** Largest |s_k|, nats. */
  readonly maxAbs?: number
  /** Largest age in policy updates. */
  readonly maxAge?: number
}

/** @category filter */
export type Decision =
  | { readonly keep: true }
  | { readonly keep: false; readonly limit: "age" | "log-ratio" | "ess"; readonly reason: string }

/**
 * Whether to train on a group, and if not, which limit it breaks and why. `age` is in policy updates since it was sampled, default
 * 0. Throws `SimplexError`.
 *
 * {@includeCode ../examples/OffPolicy.ts#import,filter}
 *
 * @category filter
 */
export const filter = (limits: Limits, s: ArrayLike<number>, age = 0): Decision => {
  const { maxAbs = Infinity, maxAge = Infinity, minEss = 0 } = limits
  if (!(minEss >= 0 && minEss <= 1)) throw badValue("minEss", minEss, "it is a share of K, in [0, 1]")
  for (const [name, limit] of [
    ["maxAbs", maxAbs],
    ["maxAge", maxAge],
    ["age", age],
  ] as const)
    if (!(limit >= 0)) throw badValue(name, limit, "it must not be negative")
  const { ess, maxAbs: size } = staleness(s)
  if (age > maxAge) return { keep: false, limit: "age", reason: `age ${age} is over ${maxAge} updates` }
  if (size > maxAbs)
    return { keep: false, limit: "log-ratio", reason: `max |s| ${size.toFixed(3)} is over ${maxAbs} nats` }
  if (ess < minEss * s.length) {
    return {
      keep: false,
      limit: "ess",
      reason: `effective sample size ${ess.toFixed(3)} of ${s.length} is under ${minEss} K`,
    }
  }
  return { keep: true }
}
