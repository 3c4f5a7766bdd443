import { Parameters } from "@lpo/transformer"
import { expect, it } from "vitest"
import { weightedLogProb } from "./reference.ts"
import { config, pairs, replica, tokenWeights } from "./tiny.ts"

const objective = (values: Float64Array): number =>
  pairs.reduce((sum, pair, k) => sum + weightedLogProb(config, values, pair, tokenWeights[k]), 0)

it("the objective agrees with a decoder in float64", async () => {
  const engine = await replica("wasm")
  const ours = engine.logprobs(pairs).map((row, k) => row.reduce((sum, v, t) => sum + v * tokenWeights[k][t], 0))
  for (const [k, pair] of pairs.entries()) {
    expect(ours[k]).toBeCloseTo(weightedLogProb(config, Float64Array.from(engine.values), pair, tokenWeights[k]), 4)
  }
  engine.dispose()
})

it("every entry of the gradient agrees with float64 finite differences", { timeout: 60_000 }, async () => {
  const engine = await replica("wasm")
  const gradient = engine.forward(pairs).backward(tokenWeights)
  const values = Float64Array.from(engine.values)
  const h = 1e-5
  const numeric = values.map((value, i) => {
    values[i] = value + h
    const above = objective(values)
    values[i] = value - h
    const below = objective(values)
    values[i] = value
    return (above - below) / (2 * h)
  })
  for (const { name, offset, size } of Parameters.layout(config)) {
    const truth = numeric.subarray(offset, offset + size)
    const error = Math.hypot(...truth.map((v, i) => v - gradient[offset + i]))
    expect(error / Math.hypot(...truth), name).toBeLessThan(2e-5)
  }
  engine.dispose()
})
