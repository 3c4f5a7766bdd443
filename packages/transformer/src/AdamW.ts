/** AdamW (Loshchilov and Hutter 2019) on flat vectors, decoupled decay, with clipping of the gradient's global norm. */
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

/** Euclidean norm, summed in float64. @category combinators */
export const globalNorm = (x: Float32Array): number => {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i]
  return Math.sqrt(sum)
}

/** One descent step along `gradient`, in place. Gives the norm before clipping; does nothing when it is not finite. @category operations */
export const step = (values: Float32Array, gradient: Float32Array, state: State, options: Options): number => {
  const { beta1, beta2, epsilon, learningRate, maxGradNorm, weightDecay } = options
  const norm = globalNorm(gradient)
  if (!Number.isFinite(norm)) return norm
  const clip = norm > maxGradNorm ? maxGradNorm / norm : 1
  state.steps++
  const correct1 = 1 - beta1 ** state.steps
  const correct2 = 1 - beta2 ** state.steps
  const { m, v } = state
  for (let i = 0; i < values.length; i++) {
    const g = gradient[i] * clip
    m[i] = beta1 * m[i] + (1 - beta1) * g
    v[i] = beta2 * v[i] + (1 - beta2) * g * g
    const move = m[i] / correct1 / (Math.sqrt(v[i] / correct2) + epsilon)
    values[i] -= learningRate * (move + weightDecay * values[i])
  }
  return norm
}
