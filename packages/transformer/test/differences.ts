/** Gradients against central differences of the float64 decoder. */
import type { Sequence } from "@lpo/rollout"
import { type ModelConfig, Parameters } from "@lpo/transformer"
import { Seed } from "@lpo/rollout"
import { expect } from "vitest"
import { slope, weightedLogProb } from "./reference.ts"
import { pairs, tokenWeights } from "./tiny.ts"

/** The sum that is differentiated: of `weight * log-prob` over the tiny pairs. */
export const objective = (
  of: ModelConfig.ModelConfig,
  values: Float64Array,
  given: ReadonlyArray<Sequence.Sequence> = pairs,
): number => given.reduce((sum, pair, k) => sum + weightedLogProb(of, values, pair, tokenWeights[k]), 0)

/** Along two random directions of every tensor: cheap, and every entry takes part. */
export const checkDirections = (of: ModelConfig.ModelConfig, values: Float64Array, gradient: Float32Array): void => {
  for (const { name, offset, size } of Parameters.layout(of)) {
    const length = Math.hypot(...gradient.subarray(offset, offset + size))
    for (let k = 0; k < 2; k++) {
      const random = Seed.stream(`${name}/${k}`)
      const direction = Array.from({ length: size }, random.normal)
      const truth = slope((v) => objective(of, v), values, offset, direction)
      const ours = direction.reduce((sum, d, i) => sum + d * gradient[offset + i], 0)
      expect(Math.abs(ours - truth) / length, `${name}, direction ${k}`).toBeLessThan(1e-4)
    }
  }
}

/** Entry by entry: two passes of the decoder for each. */
export const checkEntries = (of: ModelConfig.ModelConfig, values: Float64Array, gradient: Float32Array): void => {
  for (const { name, offset, size } of Parameters.layout(of)) {
    const truth = Array.from({ length: size }, (_, i) => slope((v) => objective(of, v), values, offset + i, [1]))
    const error = Math.hypot(...truth.map((v, i) => v - gradient[offset + i]))
    expect(error / Math.hypot(...truth), name).toBeLessThan(2e-5)
  }
}
