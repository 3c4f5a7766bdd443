/**
 * Drawing one token from a row of logits x, on typed arrays.
 *
 * A token's mass is exp((x - max x) / temperature), so that the largest is 1. A law may take the mass of some tokens away, in the
 * order of `transformers`: all but the `topK` largest; of what is left, all that the largest do not need to reach the share
 * `topP`; all below `minP` (the largest mass being 1). Then one uniform number picks a token by its share of the mass.
 */

import type { Sampler, SamplingParams } from "@lpo/rollout"

type Params = SamplingParams.SamplingParams

/**
 * How one token is drawn; without `minP` that is off. Log-probs are those of the policy, `raw`, or of the law itself, `processed`;
 * default raw.
 *
 * @category models
 */
export type SamplingLaw = Pick<Params, "temperature" | "topP" | "topK"> &
  Partial<Pick<Params, "minP">> &
  Pick<Sampler.SampleOptions, "logprobsOf">

/** Whether a law takes mass away. @category predicates */
export const truncates = ({ minP = 0, temperature, topK, topP }: SamplingLaw): boolean =>
  temperature !== 0 && (topK > 0 || topP < 1 || minP > 0)

/** Log-prob of a token in nats from its mass, the sum of the law's masses, and `raw`, the sum of exp(x - max x). @category combinators */
export const logprob = (mass: number, total: number, raw: number, { logprobsOf, temperature }: SamplingLaw): number =>
  Math.min(
    0,
    logprobsOf === "processed" ? Math.log(mass) - Math.log(total) : temperature * Math.log(mass) - Math.log(raw),
  )

const finite = (sum: number): number => {
  // The largest mass is 1.
  if (sum >= 1) return sum
  throw new RangeError(
    `the model's logits are not finite (their mass is ${sum}); its weights contain NaN or infinite values: go back to a checkpoint, or lower the learning rate`,
  )
}

/** The sums of a row of masses, checked: logits that are not numbers give none. @category combinators */
export const checked = (total: number, raw: number) => ({ total: finite(total), raw: finite(raw) })

/**
 * Turns a row of logits into masses in place, those of a law; gives their sum, and that of exp(x - max x).
 *
 * @category operations
 */
export const masses = (row: Float32Array, law: SamplingLaw): { readonly total: number; readonly raw: number } => {
  let best = 0
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i
  const max = row[best]
  let raw = 0
  for (let i = 0; i < row.length; i++) raw += Math.exp(row[i] - max)
  if (law.temperature === 0) {
    row.fill(0)
    row[best] = 1
    return checked(1, raw)
  }
  let total = 0
  for (let i = 0; i < row.length; i++) total += row[i] = Math.exp((row[i] - max) / law.temperature)
  return checked(truncates(law) ? truncate(row, total, law) : total, raw)
}

const counts = new Int32Array(2048)

/** A bound that the `topK` largest masses are not below: their bits are counted by exponent and three digits. */
const bound = (bits: Uint32Array, topK: number): number => {
  counts.fill(0)
  for (let i = 0; i < bits.length; i++) counts[bits[i] >>> 20]++
  let bucket = counts.length - 1
  for (let above = counts[bucket]; above < topK && bucket > 0;) above += counts[--bucket]
  return bucket << 20
}

/**
 * Takes the mass of the tokens that a law excludes away, in place; gives what is left. Of equal masses the first goes last.
 *
 * @category operations
 */
export const truncate = (row: Float32Array, total: number, { minP = 0, topK, topP }: SamplingLaw): number => {
  // Positive floats are ordered as their bits are.
  const bits = new Uint32Array(row.buffer, row.byteOffset, row.length)
  const kth = topK > 0 && topK < row.length ? bound(bits, topK) : 0
  // What lies below cannot be in the nucleus: all of it together has less than the share 1 - topP.
  const least = topP < 1 && topK === 0 ? ((1 - topP) * total) / row.length : 0
  const keys = new Float64Array(row.length)
  let n = 0
  for (let i = 0; i < row.length; i++) {
    if (row[i] > 0 && bits[i] >= kth && row[i] >= least) keys[n++] = (0x7f800000 - bits[i]) * 2 ** 21 + i
  }
  const order = keys.subarray(0, n).sort()
  const massOf = (key: number): number => row[key % 2 ** 21]
  let kept = topK > 0 ? Math.min(n, topK) : n
  if (topP < 1) {
    let whole = total
    if (topK > 0) {
      whole = 0
      for (let j = 0; j < kept; j++) whole += massOf(order[j])
    }
    let sum = 0
    let nucleus = 0
    while (nucleus < kept && (nucleus === 0 || sum < topP * whole)) sum += massOf(order[nucleus++])
    kept = nucleus
  }
  while (kept > 1 && massOf(order[kept - 1]) < minP) kept--
  const left = new Float32Array(kept)
  for (let j = 0; j < kept; j++) left[j] = massOf(order[j])
  row.fill(0)
  let sum = 0
  for (let j = 0; j < kept; j++) {
    row[order[j] % 2 ** 21] = left[j]
    sum += left[j]
  }
  return sum
}

/** The first token whose cumulative mass exceeds `uniform` times `total`. @category operations */
export const pick = (row: Float32Array, total: number, uniform: number): number => {
  let left = uniform * total
  let last = 0
  for (let i = 0; i < row.length; i++) {
    if (row[i] === 0) continue
    last = i
    if ((left -= row[i]) < 0) return i
  }
  return last
}
