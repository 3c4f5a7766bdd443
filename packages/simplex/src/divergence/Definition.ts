/** What a divergence is; `Divergence` has the named ones and says what they have in common. */

/**
 * A divergence D(w*, P) as functions of `logP` [K] and `logW` [K]. With `out` [K] nothing is allocated; `out` may be
 * `logP` itself. Each throws `SimplexError` where its result is not a finite number.
 *
 * @category models
 */
export interface Divergence {
  readonly name: string
  readonly value: (logP: Float64Array, logW: Float64Array) => number
  readonly gradient: (logP: Float64Array, logW: Float64Array, out?: Float64Array) => Float64Array
  readonly coefficients: (logP: Float64Array, logW: Float64Array, out?: Float64Array) => Float64Array
}
