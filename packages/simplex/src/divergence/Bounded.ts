/**
 * Divergences that never exceed a constant, whatever the two distributions, zeros included. With m = a w + (1-a) P:
 *
 *     Jensen-Shannon    a KL(w || m) + (1-a) KL(P || m)     dD/dP = (1-a) log(P / m)
 *     total variation   1/2 sum |P - w|                     dD/dP = sign(P - w) / 2, a subgradient
 *     Brier             1/2 sum (P - w)^2                   dD/dP = P - w
 */
import type { Divergence } from "./Definition.ts"
import { expm1mx } from "../internal/exponential.ts"
import { separable } from "../internal/separable.ts"
import { badValue } from "../SimplexError.ts"

/** log(m / w) and log(m / P) from u = log(P / w), by forms that neither overflow nor cancel. */
const logMixtureOverTarget = (a: number, u: number): number =>
  u > 1 ? u + Math.log1p(a * Math.expm1(-u)) : Math.log1p((1 - a) * Math.expm1(u))
const logMixtureOverPolicy = (a: number, u: number): number =>
  u < -1 ? -u + Math.log1p((1 - a) * Math.expm1(u)) : Math.log1p(a * Math.expm1(-u))

/** q (m/q - 1 - log(m/q)): the share of KL(q || m) that is never negative. */
const share = (logQ: number, logRatio: number): number =>
  logRatio > 1 ? Math.exp(logQ + logRatio) - Math.exp(logQ) * (1 + logRatio) : Math.exp(logQ) * expm1mx(logRatio)

/**
 * Jensen-Shannon divergence with skew `a` in (0, 1), the weight of the target in the mixture; at a = 1/2 the usual one,
 * at most log 2. Throws `SimplexError` for another `a`.
 *
 * {@includeCode ../../examples/Divergence.ts#import,group,jensenShannon}
 *
 * @category divergences
 */
export const jensenShannon = (a = 0.5): Divergence => {
  if (!(a > 0 && a < 1)) throw badValue("the skew of Jensen-Shannon", a, "it must be between 0 and 1")
  return separable({
    name: a === 0.5 ? "jensen-shannon" : `jensen-shannon(${a})`,
    term: (logP, logW) => {
      if (logW === -Infinity) return Math.exp(logP) * -((1 - a) * Math.log1p(-a))
      if (logP === -Infinity) return Math.exp(logW) * -(a * Math.log(a))
      const u = logP - logW
      return a * share(logW, logMixtureOverTarget(a, u)) + (1 - a) * share(logP, logMixtureOverPolicy(a, u))
    },
    gradient: (logP, logW) => -(1 - a) * logMixtureOverPolicy(a, logP - logW),
    slope: (logP, logW) => (logP === -Infinity ? 0 : -(1 - a) * Math.exp(logP) * logMixtureOverPolicy(a, logP - logW)),
  })
}

/** 1 or -1 by the sign of P - w, and 0 where the two agree within rounding: the middle of the kink. */
const side = (logP: number, logW: number): number => {
  const u = logP - logW
  return Math.abs(u) <= 1e-14 * (1 + Math.abs(logP)) ? 0 : Math.sign(u)
}

/**
 * Total variation `1/2 sum |P - w|`, in [0, 1]. Not differentiable at P_k = w_k: there the subgradient is 0, even if the
 * two agree only within rounding (1e-14 relative to log P). Steps along it do not shrink near the target.
 *
 * {@includeCode ../../examples/Divergence.ts#import,group,totalVariation}
 *
 * @category divergences
 */
export const totalVariation: Divergence = /* @__PURE__ */ separable({
  name: "total-variation",
  term: (logP, logW) => {
    const u = logP - logW
    return (
      0.5 * (Math.abs(u) <= 1 ? Math.exp(logW) * Math.abs(Math.expm1(u)) : Math.abs(Math.exp(logP) - Math.exp(logW)))
    )
  },
  gradient: (logP, logW) => 0.5 * side(logP, logW),
  slope: (logP, logW) => 0.5 * Math.exp(logP) * side(logP, logW),
})

/** P - w, without losing digits where the two nearly agree. */
const difference = (logP: number, logW: number): number => {
  const u = logP - logW
  return Math.abs(u) <= 1 ? Math.exp(logW) * Math.expm1(u) : Math.exp(logP) - Math.exp(logW)
}

/**
 * The squared (Brier) distance `1/2 sum (P - w)^2`, in [0, 1]: a proper score whose coefficients `P (P - w - sum_j P_j (P_j - w_j))`
 * vanish where P is small, so a response that the policy has given up does not come back. A target of exactly 0 is fine.
 *
 * {@includeCode ../../examples/Divergence.ts#import,group,brier}
 *
 * @category divergences
 */
export const brier: Divergence = /* @__PURE__ */ separable({
  name: "brier",
  term: (logP, logW) => 0.5 * difference(logP, logW) ** 2,
  gradient: difference,
  slope: (logP, logW) => Math.exp(logP) * difference(logP, logW),
})
