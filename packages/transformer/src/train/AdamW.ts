/**
 * AdamW (Loshchilov and Hutter 2019) on flat vectors, decoupled decay, with clipping of the gradient's global norm.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import type { Learner } from "@lpo/trainer"
import { room } from "./Shared.ts"

/** @category models */
export interface State {
  readonly m: Float32Array
  readonly v: Float32Array
  steps: number
}

/** @category models */
export type Options = Learner.StepOptions

/** The moments lie in shared memory where there is any, and several threads can move a part each. @category constructors */
export const init = (size: number): State => {
  const zeros = (): Float32Array => new Float32Array(room(4 * size))
  return { m: zeros(), v: zeros(), steps: 0 }
}

/** Entries whose squares are summed together: the norm does not depend on who sums which part. */
const chunk = 2 ** 20

/** How many parts a vector has, each of them work for one thread. @category operations */
export const chunks = (size: number): number => Math.ceil(size / chunk)

/** Where the parts from `first` to `last` (not included) lie. */
const span = (size: number, first: number, last: number): readonly [number, number] => [
  first * chunk,
  Math.min(size, last * chunk),
]

/** The sum of squares of each part, in float64. @category operations */
export const squares = (x: Float32Array, first: number, last: number): Float64Array =>
  Float64Array.from({ length: last - first }, (_, i) => {
    const [from, to] = span(x.length, first + i, first + i + 1)
    let sum = 0
    for (let at = from; at < to; at++) sum += x[at] * x[at]
    return sum
  })

/** What a step comes to for every entry. @category models */
export interface Pace {
  readonly beta1: number
  readonly beta2: number
  readonly own1: number
  readonly own2: number
  readonly keep: number
  readonly pace: number
  readonly floor: number
}

/** Counts the step, and gives its pace at this norm of the gradient; null, and nothing is counted, where that is not finite. @category operations */
export const begin = (norm: number, state: State, options: Options): Pace | null => {
  const { beta1, beta2, epsilon, learningRate, maxGradNorm, weightDecay } = options
  if (!Number.isFinite(norm)) return null
  const clip = norm > maxGradNorm ? maxGradNorm / norm : 1
  state.steps++
  const correct1 = 1 - beta1 ** state.steps
  const correct2 = 1 - beta2 ** state.steps
  // With the bias corrections taken out of the loop, one square root and one division are left in it.
  const root2 = Math.sqrt(correct2)
  return {
    beta1,
    beta2,
    own1: (1 - beta1) * clip,
    own2: (1 - beta2) * clip * clip,
    keep: 1 - learningRate * weightDecay,
    pace: (learningRate * root2) / correct1,
    floor: epsilon * root2,
  }
}

/** The vectors of a step, of the same length. @category models */
export interface Vectors {
  readonly values: Float32Array
  readonly gradient: Float32Array
  readonly m: Float32Array
  readonly v: Float32Array
}

/** Moves the parts from `first` to `last` (not included), in place. @category operations */
export const move = ({ gradient, m, v, values }: Vectors, first: number, last: number, of: Pace): void => {
  const { beta1, beta2, floor, keep, own1, own2, pace } = of
  const [from, to] = span(values.length, first, last)
  for (let i = from; i < to; i++) {
    const g = gradient[i]
    const mean = beta1 * m[i] + own1 * g
    const square = beta2 * v[i] + own2 * g * g
    m[i] = mean
    v[i] = square
    values[i] = keep * values[i] + (pace * mean) / (Math.sqrt(square) + floor)
  }
}

/** The norm of all parts together. @category operations */
export const normOf = (sums: Iterable<number>): number => {
  let sum = 0
  for (const part of sums) sum += part
  return Math.sqrt(sum)
}

/** One ascent step along `gradient`, in place. Gives the norm before clipping; does nothing when it is not finite. @category operations */
export const step = (values: Float32Array, gradient: Float32Array, state: State, options: Options): number => {
  const parts = chunks(values.length)
  const norm = normOf(squares(gradient, 0, parts))
  const pace = begin(norm, state, options)
  if (pace !== null) move({ values, gradient, m: state.m, v: state.v }, 0, parts, pace)
  return norm
}
