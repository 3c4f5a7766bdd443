/** The type of a divergence; `Divergence` has the named ones and what they share. */

/**
 * A divergence D(w*, P) as functions of `logP` [K] and `logW` [K]. With `out` [K] nothing is allocated; `out` may be
 * `logP` itself. Each throws `SimplexError` if its result is not a finite number.
 *
 * @category models
 */
export interface Divergence {
  readonly name: string
  readonly value: (logP: Float64Array, logW: Float64Array) => number
  readonly gradient: (logP: Float64Array, logW: Float64Array, out?: Float64Array) => Float64Array
  readonly coefficients: (logP: Float64Array, logW: Float64Array, out?: Float64Array) => Float64Array
}
