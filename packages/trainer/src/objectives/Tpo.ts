/**
 * Target Policy Optimization (arXiv 2604.06159): forward KL like LPO-fwd, but on the simplex of the responses' own
 * probabilities, with standardised rewards. Groups without signal are kept, and anchor the policy.
 */
import { Advantage, Sibling, Target } from "@lpo/simplex"
import * as Objective from "../Objective.ts"

const summed = (tokens: ReadonlyArray<Float32Array>): Float64Array =>
  Float64Array.from(tokens, (t) => t.reduce((sum, v) => sum + v, 0))

/** `eta` > 0 is the temperature of the standardised rewards, default 1. @category constructors */
export const make = ({ eta = 1 }: { readonly eta?: number } = {}): Objective.Objective =>
  Objective.make({
    name: "tpo",
    zeroVariance: "anchor",
    evaluate: ({ anchor, current, rewards }) => {
      const own = summed(current)
      const old = summed(anchor)
      const coefficients = Sibling.tpo({ rewards, current: own, old, eta })
      return {
        weights: Objective.perResponse(current, coefficients),
        coefficients,
        target: Target.gibbs(Advantage.grpo(rewards), eta, old),
        policy: Target.listwise(own),
      }
    },
  })
