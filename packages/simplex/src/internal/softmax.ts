/** log sum_k exp(x_k), without overflow. */
export const logSumExp = (x: Float64Array): number => {
  let max = -Infinity
  for (const v of x) if (v > max) max = v
  let sum = 0
  for (const v of x) sum += Math.exp(v - max)
  return max + Math.log(sum)
}

/** log softmax(x), [K]. */
export const logSoftmax = (x: Float64Array): Float64Array => {
  const z = logSumExp(x)
  return x.map((v) => v - z)
}
