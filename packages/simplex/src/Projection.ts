/**
 * Projecting the policy onto the target: the gradient of either divergence is `sum_k c_k grad log pi(y_k)`, so a trainer
 * needs only the coefficients c. They sum to zero, and vanish where P = w*.
 */
import { logSoftmax } from "./internal/softmax.ts"
import { checkVector } from "./SimplexError.ts"

/**
 * Coefficients of KL(w* || P) (eq. 10): `c_k = P_k - w*_k`, each in [-1, 1]. `s` [K] are the policy's log-ratios,
 * `logTarget` [K] is log w*. Throws `SimplexError`.
 *
 * @category coefficients
 */
export const forwardKl = (s: ArrayLike<number>, logTarget: ArrayLike<number>): Float64Array => {
  const logP = logSoftmax(checkVector("log-ratios", s))
  const logW = checkVector("log target", logTarget, logP.length)
  return logP.map((v, k) => Math.exp(v) - Math.exp(logW[k]))
}

/**
 * Coefficients of KL(P || w*) (eq. 11): `c_k = P_k (d_k - sum_j P_j d_j)` with `d = log P - log w*`.
 *
 * @category coefficients
 */
export const reverseKl = (s: ArrayLike<number>, logTarget: ArrayLike<number>): Float64Array => {
  const logP = logSoftmax(checkVector("log-ratios", s))
  const logW = checkVector("log target", logTarget, logP.length)
  const d = logP.map((v, k) => v - logW[k])
  const mean = logP.reduce((sum, v, k) => sum + Math.exp(v) * d[k], 0)
  return logP.map((v, k) => Math.exp(v) * (d[k] - mean))
}
