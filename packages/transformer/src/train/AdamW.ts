/**
 * AdamW (Loshchilov and Hutter 2019) on flat vectors, decoupled decay, with clipping of the gradient's global norm.
 *
 * @module
 */
import type { Learner } from "@lpo/trainer"

/** @category models */
export interface State {
  readonly m: Float32Array
  readonly v: Float32Array
  steps: number
}

/** @category models */
export type Options = Learner.StepOptions

/** @category constructors */
export const init = (size: number): State => ({ m: new Float32Array(size), v: new Float32Array(size), steps: 0 })

/** Euclidean norm, summed in float64. */
const globalNorm = (x: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i]
  return Math.sqrt(sum)
}

/** One ascent step along `gradient`, in place. Gives the norm before clipping; does nothing when it is not finite. @category operations */
export const step = (values: Float32Array, gradient: Float32Array, state: State, options: Options): number => {
  const { beta1, beta2, epsilon, learningRate, maxGradNorm, weightDecay } = options
  const norm = globalNorm(gradient)
  if (!Number.isFinite(norm)) return norm
  const clip = norm > maxGradNorm ? maxGradNorm / norm : 1
  state.steps++
  const correct1 = 1 - beta1 ** state.steps
  const correct2 = 1 - beta2 ** state.steps
  const { m, v } = state
  // With the bias corrections taken out of the loop, one square root and one division are left in it.
  const root2 = Math.sqrt(correct2)
  const pace = (learningRate * root2) / correct1
  const floor = epsilon * root2
  const keep = 1 - learningRate * weightDecay
  const [own1, own2] = [(1 - beta1) * clip, (1 - beta2) * clip * clip]
  for (let i = 0; i < values.length; i++) {
    const g = gradient[i]
    const mean = beta1 * m[i] + own1 * g
    const square = beta2 * v[i] + own2 * g * g
    m[i] = mean
    v[i] = square
    values[i] = keep * values[i] + (pace * mean) / (Math.sqrt(square) + floor)
  }
  return norm
}
