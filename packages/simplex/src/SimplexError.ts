/**
 * The error that this package throws on bad input: the name of the value, its index, and the rule it breaks.
 *
 * @module
 */

/** Where the bad value is, for programs; the message says the same in words. @category errors */
export interface Where {
  /** Name of the argument, such as `rewards`. */
  readonly input: string
  /** Index into it; absent when the argument as a whole is wrong. */
  readonly index?: number
  readonly value?: number
}

/** @category errors */
export class SimplexError extends Error {
  readonly _tag = "SimplexError"
  override readonly name = "SimplexError"
  readonly where: Where | undefined
  constructor(message: string, where?: Where) {
    super(message)
    this.where = where
  }
}

/** The error for one entry of a vector. @category errors */
export const badEntry = (input: string, index: number, value: number, rule: string): SimplexError =>
  new SimplexError(`${input}[${index}] is ${value}; ${rule}`, { input, index, value })

/** The error for a scalar. @category errors */
export const badValue = (input: string, value: number, rule: string): SimplexError =>
  new SimplexError(`${input} is ${value}; ${rule}`, { input, value })

/** Throws unless `x` is non-empty and of length `k`, if given. @category guards */
export const checkLength = (name: string, x: ArrayLike<unknown>, k?: number): void => {
  if (x.length === 0) {
    throw new SimplexError(`${name} is empty; a group needs at least one response`, { input: name, value: 0 })
  }
  if (k !== undefined && x.length !== k) {
    throw new SimplexError(`${name} has length ${x.length}, expected ${k}, one entry per response`, {
      input: name,
      value: x.length,
    })
  }
}

/** A float64 copy of `x`; throws unless it is a non-empty vector of finite numbers, of length `k`, if given. @category guards */
export const checkVector = (name: string, x: ArrayLike<number>, k?: number): Float64Array => {
  checkLength(name, x, k)
  const out = Float64Array.from(x)
  const bad = out.findIndex((v) => !Number.isFinite(v))
  if (bad >= 0) throw badEntry(name, bad, out[bad], "it must be finite")
  return out
}

/** Like {@link checkVector}, for log-probabilities, where `-Infinity` is a probability of exactly 0. @category guards */
export const checkLogProbabilities = (name: string, x: ArrayLike<number>, k?: number): Float64Array => {
  checkLength(name, x, k)
  const out = Float64Array.from(x)
  let sum = 0
  for (let i = 0; i < out.length; i++) {
    if (!(out[i] < 1e-6))
      throw badEntry(name, i, out[i], "a log-probability is a number that is not positive, or -Infinity")
    sum += Math.exp(out[i])
  }
  if (!(Math.abs(sum - 1) < 1e-6)) {
    throw new SimplexError(`${name} are the logarithms of probabilities that sum to ${sum}; they must sum to 1`, {
      input: name,
      value: sum,
    })
  }
  return out
}

/** A float64 copy of `p`; throws unless its entries are in [0, 1] and sum to 1 within 1e-6. @category guards */
export const checkProbabilities = (name: string, p: ArrayLike<number>, k?: number): Float64Array => {
  checkLength(name, p, k)
  const out = Float64Array.from(p)
  let sum = 0
  for (let i = 0; i < out.length; i++) {
    if (!(out[i] >= 0 && out[i] <= 1 + 1e-6)) throw badEntry(name, i, out[i], "a probability is in [0, 1]")
    sum += out[i]
  }
  if (!(Math.abs(sum - 1) < 1e-6)) {
    throw new SimplexError(`${name} sum to ${sum}; probabilities must sum to 1`, { input: name, value: sum })
  }
  return out
}

/** Throws unless `x` is positive and finite. @category guards */
export const checkPositive = (name: string, x: number): number => {
  if (!(x > 0) || x === Infinity) throw badValue(name, x, "it must be positive and finite")
  return x
}
