/** What the functions of this package throw on bad input: the name of the value, its index, and the rule it breaks. */

/** @category errors */
export class SimplexError extends Error {
  readonly _tag = "SimplexError"
  override readonly name = "SimplexError"
}

/** Throws unless `x` is a non-empty vector of finite numbers, of length `k` where given. @category guards */
export const checkVector = (name: string, x: ArrayLike<number>, k?: number): Float64Array => {
  if (x.length === 0) throw new SimplexError(`${name} is empty; a group needs at least one response`)
  if (k !== undefined && x.length !== k)
    throw new SimplexError(`${name} has length ${x.length}, expected ${k}, one entry per response`)
  const out = Float64Array.from(x)
  const bad = out.findIndex((v) => !Number.isFinite(v))
  if (bad >= 0) throw new SimplexError(`${name}[${bad}] is ${out[bad]}; it must be finite`)
  return out
}
