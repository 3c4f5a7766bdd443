/**
 * Target Policy Optimization (arXiv 2604.06159): forward KL like LPO-fwd, but on the simplex of the responses' own
 * probabilities, with standardised rewards. Groups without a signal are kept, and pull a policy that has moved back to its anchor.
 *
 * @module
 */
import { Advantage, Sibling, Target } from "@lpo/simplex"
import * as Objective from "../Objective.ts"
import { define } from "./Definition.ts"
import * as Settings from "./Options.ts"

/** @category models */
export interface Options {
  /** Temperature of the standardised rewards, > 0, default 1. */
  readonly eta?: number
  /** Default `anchor`. */
  readonly zeroVariance?: Target.ZeroVariance
}

const summed = (tokens: ReadonlyArray<Float32Array>): Float64Array =>
  Float64Array.from(tokens, (t) => t.reduce((sum, v) => sum + v, 0))

/** @category constructors */
export const make = ({ eta = 1, zeroVariance = "anchor" }: Options = {}): Objective.Objective =>
  Objective.make({
    name: "tpo",
    zeroVariance,
    evaluate: (input) => {
      const { anchor, current, rewards } = input
      const own = summed(current)
      const old = summed(anchor)
      const coefficients = Sibling.tpo({ rewards, current: own, old, eta })
      return {
        weights: Objective.perToken(coefficients, input),
        coefficients,
        target: Target.gibbs(Advantage.grpo(rewards), eta, old),
        policy: Target.listwise(own),
      }
    },
  })

/** @category settings */
export const definition = define({
  name: "tpo",
  summary: "forward KL from the responses' own probabilities, standardised rewards",
  weight: "-c_k; c = softmax(log pi) - softmax(log pi_t + z / eta)",
  options: {
    eta: Settings.optional(Settings.Positive, 1),
    zeroVariance: Settings.optional(Settings.ZeroVariance, "anchor"),
  },
  make,
})
