/** What the figure shows: a pure function of the controls, computed by `@lpo/simplex` itself. */
import { Diagnostics, Divergence, Guarantee, Projection, Target } from "@lpo/simplex"

export interface Controls {
  /** R, [3]. */
  readonly rewards: ReadonlyArray<number>
  readonly tau: number
  readonly divergence: string
  /** P_t, [3]: where the policy starts. */
  readonly start: Float64Array
}

export const divergences: Readonly<Record<string, Divergence.Divergence>> = Object.fromEntries(
  [
    Divergence.forwardKl,
    Divergence.reverseKl,
    Divergence.jeffreys,
    Divergence.jensenShannon(),
    Divergence.pearsonChi2,
    Divergence.neymanChi2,
    Divergence.hellinger2,
    Divergence.totalVariation,
  ].map((divergence) => [divergence.name, divergence]),
)

export interface View {
  /** w*, [3]. */
  readonly target: Float64Array
  /** c_k at the start, [3]. */
  readonly coefficients: Float64Array
  /** D(w*, P) at the start. */
  readonly value: number
  /** The way of P to w* when it can move freely: distributions [3]. */
  readonly path: ReadonlyArray<Float64Array>
  /** Theorem 2 for an update that ends on the target, in units of reward. */
  readonly gainBound: number
  /** Effective sample size of the target. */
  readonly ess: number
}

export const view = ({ divergence: name, rewards, start, tau }: Controls): View => {
  const divergence = divergences[name]
  if (divergence === undefined) throw new RangeError(`there is no divergence "${name}"`)
  const s = start.map(Math.log)
  const logTarget = Target.logGibbs(rewards, tau, s)
  const target = logTarget.map(Math.exp)
  // Ordinary gradient descent on s, as a trainer does it: under natural gradients all divergences would look alike.
  const { stops } = Projection.travel(divergence, s, logTarget, {
    rule: "plain",
    stepSize: 0.5,
    reach: 0.1,
    maxSteps: 4000,
    tolerance: 1e-4,
  })
  return {
    target,
    coefficients: Projection.coefficients(divergence, s, logTarget),
    value: Projection.value(divergence, s, logTarget),
    path: stops.map(({ policy }) => policy),
    gainBound: Guarantee.gainBound({ rewards, tau, epsilon: 0, anchor: s }),
    ess: Diagnostics.ess(target),
  }
}
