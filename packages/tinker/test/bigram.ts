/** A bigram policy in float64: one row of logits per previous token, its true gradient, AdamW. Knows nothing of the protocol. */
import { Seed } from "@lpo/rollout"

export const vocabulary = 8
export const stop = 1

export interface Weights {
  readonly logits: Float64Array
  readonly m: Float64Array
  readonly v: Float64Array
  steps: number
}

export interface Adam {
  readonly learningRate: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly weightDecay: number
  /** 0 is off. */
  readonly clip: number
}

export const make = (seed: number): Weights => {
  const random = Seed.stream(`bigram/${seed}`)
  const size = vocabulary * vocabulary
  return {
    logits: Float64Array.from({ length: size }, () => random.normal() / 2),
    m: new Float64Array(size),
    v: new Float64Array(size),
    steps: 0,
  }
}

export const copy = ({ logits, m, steps, v }: Weights): Weights => ({
  logits: logits.slice(),
  m: m.slice(),
  v: v.slice(),
  steps,
})

export const logprob = ({ logits }: Weights, previous: number, next: number): number => {
  const row = logits.subarray(previous * vocabulary, (previous + 1) * vocabulary)
  const max = Math.max(...row)
  return row[next] - max - Math.log(row.reduce((sum, x) => sum + Math.exp(x - max), 0))
}

/** Adds `weight * grad logprob(previous, next)` to `gradient`. */
export const addGradient = (
  weights: Weights,
  gradient: Float64Array,
  previous: number,
  next: number,
  weight: number,
): void => {
  for (let v = 0; v < vocabulary; v++) {
    const p = Math.exp(logprob(weights, previous, v))
    gradient[previous * vocabulary + v] += weight * ((v === next ? 1 : 0) - p)
  }
}

export const norm = (gradient: Float64Array): number => Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0))

/** One AdamW step up `ascent`. */
export const step = (weights: Weights, ascent: Float64Array, adam: Adam): void => {
  const length = norm(ascent)
  const scale = adam.clip > 0 && length > adam.clip ? adam.clip / length : 1
  weights.steps++
  const { logits, m, steps, v } = weights
  for (let i = 0; i < logits.length; i++) {
    const g = -ascent[i] * scale
    m[i] = adam.beta1 * m[i] + (1 - adam.beta1) * g
    v[i] = adam.beta2 * v[i] + (1 - adam.beta2) * g * g
    const move = m[i] / (1 - adam.beta1 ** steps) / (Math.sqrt(v[i] / (1 - adam.beta2 ** steps)) + adam.epsilon)
    logits[i] -= adam.learningRate * (move + adam.weightDecay * logits[i])
  }
}

/** A completion; completion i of a request has the seed of the request plus i. */
export const sample = (
  weights: Weights,
  last: number,
  options: { readonly seed: number; readonly maxTokens: number },
) => {
  const random = Seed.stream(`bigram-sample/${options.seed}`)
  const tokens: Array<number> = []
  const logprobs: Array<number> = []
  let previous = last
  while (tokens.length < options.maxTokens && tokens.at(-1) !== stop) {
    let u = random.uniform()
    let next = 0
    while (next < vocabulary - 1 && (u -= Math.exp(logprob(weights, previous, next))) >= 0) next++
    tokens.push(next)
    logprobs.push(logprob(weights, previous, next))
    previous = next
  }
  return { tokens, logprobs, stop_reason: tokens.at(-1) === stop ? ("stop" as const) : ("length" as const) }
}
