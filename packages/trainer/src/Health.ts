/**
 * Health of a run: alarms are logged with the step and stop nothing; beyond a limit, a step is not taken.
 *
 * The gradient's norm has no fixed range, so it is compared with its own running mean, which is part of every checkpoint: a
 * resumed run raises the same alarms.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { Schema } from "effect"

/** @category models */
export const Options = Schema.Struct({
  /** Alarm: the gradient's norm is above this multiple of its running mean. */
  gradNormRise: Schema.Finite,
  /** Alarm: the sampled tokens' surprise is below this, nats per token. */
  minEntropy: Schema.Finite,
  /** Alarm: the effective sample size of P_theta after the updates, or of P_t before them, is below this share of K. */
  minEss: Schema.Finite,
  /** Alarm: largest |s_t| of a response, nats. */
  maxLogRatio: Schema.Finite,
  /** Alarm: KL(sampler || learner) under the same policy, nats per token. */
  maxSamplerKl: Schema.Finite,
  /** Alarm: share of responses without a verdict. */
  maxMasked: Schema.Finite,
  /** Limit: the gradient's norm is above this multiple of its running mean; null for none. */
  explosion: Schema.NullOr(Schema.Finite),
  /** Limit: this many steps in a row have no verdict at all. */
  outage: Schema.Int,
})
/** @category models */
export interface Options extends Schema.Schema.Type<typeof Options> {}

/** @category constructors */
export const defaults: Options = {
  gradNormRise: 10,
  minEntropy: 0.01,
  minEss: 0.3,
  maxLogRatio: 5,
  maxSamplerKl: 0.05,
  maxMasked: 0.2,
  explosion: 1000,
  outage: 3,
}

/** The state that a run keeps from step to step. @category models */
export const State = Schema.Struct({
  /** Running mean of the gradient's norm, and the number of steps in it. */
  gradNorm: Schema.Finite,
  measured: Schema.Int,
  /** Steps in a row without a verdict. */
  silent: Schema.Int,
})
/** @category models */
export interface State extends Schema.Schema.Type<typeof State> {}

/** @category constructors */
export const initial: State = { gradNorm: 0, measured: 0, silent: 0 }

/** A number outside its range. @category models */
export const Alarm = Schema.Struct({
  /** Its name in the step's report. */
  metric: Schema.String,
  value: Schema.Finite,
  /** The limit that it has passed. */
  bound: Schema.Finite,
})
/** @category models */
export interface Alarm extends Schema.Schema.Type<typeof Alarm> {}

/** The numbers of a step's report that can raise an alarm. @category models */
export interface Measured {
  readonly gradNorm: number | null
  readonly entropy: number
  readonly ess: number | null
  readonly anchorEss: number
  readonly anchorLogRatio: number
  readonly samplerKl: number | null
  readonly masked: number
}

/** Steps before a running mean is meaningful. */
const enough = 5
const decay = 0.9

/** The largest accepted norm of a gradient; Infinity while nothing is known. @category limits */
export const largestGradNorm = ({ explosion }: Options, { gradNorm, measured }: State): number =>
  explosion === null || measured < enough ? Number.POSITIVE_INFINITY : explosion * gradNorm

/** The alarms of a step with `responses` responses. @category alarms */
export const alarms = (options: Options, state: State, measured: Measured, responses: number): ReadonlyArray<Alarm> => {
  const { anchorEss, anchorLogRatio, entropy, ess, gradNorm, masked, samplerKl } = measured
  const tokens = responses > masked
  const above = (metric: string, value: number | null, bound: number): ReadonlyArray<Alarm> =>
    value !== null && value > bound ? [{ metric, value, bound }] : []
  const below = (metric: string, value: number | null, bound: number): ReadonlyArray<Alarm> =>
    value !== null && value < bound ? [{ metric, value, bound }] : []
  return [
    ...(state.measured < enough ? [] : above("gradNorm", gradNorm, options.gradNormRise * state.gradNorm)),
    ...(tokens ? below("entropy", entropy, options.minEntropy) : []),
    ...below("ess", ess, options.minEss),
    ...below("anchorEss", anchorEss, options.minEss),
    ...above("anchorLogRatio", anchorLogRatio, options.maxLogRatio),
    ...above("samplerKl", samplerKl, options.maxSamplerKl),
    ...(responses > 0 && masked / responses > options.maxMasked
      ? [{ metric: "masked", value: masked, bound: options.maxMasked * responses }]
      : []),
  ]
}

/** The state after a step. @category alarms */
export const next = ({ gradNorm, measured, silent }: State, step: Measured, responses: number): State => ({
  ...(step.gradNorm === null
    ? { gradNorm, measured }
    : {
        // For the first steps it is the plain mean.
        gradNorm: gradNorm + Math.max(1 - decay, 1 / (measured + 1)) * (step.gradNorm - gradNorm),
        measured: measured + 1,
      }),
  silent: responses > 0 && step.masked === responses ? silent + 1 : 0,
})

/** An alarm in words. @category alarms */
export const describe = ({ bound, metric, value }: Alarm): string => {
  const number = (x: number): string => (Number.isInteger(x) ? String(x) : x.toPrecision(3))
  return `${metric} is ${number(value)}, ${value > bound ? "above" : "below"} ${number(bound)}`
}
