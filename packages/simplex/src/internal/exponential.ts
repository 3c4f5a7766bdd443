/**
 * exp(x) - 1 - x, to full relative accuracy near 0, where the difference of its terms would have none: what keeps a
 * divergence of two nearly equal distributions a positive number with all its digits.
 */
export const expm1mx = (x: number): number => {
  if (Math.abs(x) > 0.5) return Math.expm1(x) - x
  // x^2/2 (1 + x/3 (1 + x/4 (1 + ...))): 15 terms are below 1e-17 for |x| <= 1/2.
  let series = 1
  for (let n = 16; n >= 3; n--) series = 1 + (x / n) * series
  return 0.5 * x * x * series
}
