/**
 * log sum_k exp(x_k), without overflow. Beyond 128 terms the sum is compensated (Neumaier), so thousands of responses
 * cost no digits.
 */
export const logSumExp = (x: ArrayLike<number>): number => {
  let max = -Infinity
  for (let k = 0; k < x.length; k++) if (x[k] > max) max = x[k]
  let sum = 0
  let lost = 0
  for (let k = 0; k < x.length; k++) {
    const v = Math.exp(x[k] - max)
    const next = sum + v
    lost += sum >= v ? sum - next + v : v - next + sum
    sum = next
  }
  return max + Math.log(x.length > 128 ? sum + lost : sum)
}

/** log softmax(x), [K]; `out` may be `x` itself. */
export const logSoftmax = (x: Float64Array, out: Float64Array = new Float64Array(x.length)): Float64Array => {
  const z = logSumExp(x)
  for (let k = 0; k < x.length; k++) out[k] = x[k] - z
  return out
}

/** log(1 / (1 + exp(-x))), without overflow. */
export const logSigmoid = (x: number): number => (x < 0 ? x - Math.log1p(Math.exp(x)) : -Math.log1p(Math.exp(-x)))

/** 1 / (1 + exp(-x)), without overflow. */
export const sigmoid = (x: number): number => {
  if (x >= 0) return 1 / (1 + Math.exp(-x))
  const e = Math.exp(x)
  return e / (1 + e)
}
