import { expect, it } from "vitest"
import { checkDirections } from "./differences.ts"
import { weightedLogProb } from "./reference.ts"
import { config, families, pairs, replica, tokenWeights } from "./tiny.ts"

const models = Object.entries({ tied: config, ...families })

it.each(models)("%s: the objective agrees with a decoder in float64", async (_, of) => {
  const engine = await replica("wasm", of)
  const ours = (await engine.logprobs(pairs)).map((row, k) =>
    row.reduce((sum, v, t) => sum + v * tokenWeights[k][t], 0),
  )
  for (const [k, pair] of pairs.entries()) {
    expect(ours[k]).toBeCloseTo(weightedLogProb(of, Float64Array.from(engine.values), pair, tokenWeights[k]), 4)
  }
  engine.dispose()
})

it.each(models)("%s: the gradient agrees with float64 finite differences in every tensor", async (_, of) => {
  const engine = await replica("wasm", of)
  checkDirections(of, Float64Array.from(engine.values), await (await engine.forward(pairs)).backward(tokenWeights))
  engine.dispose()
})

it.each(models)("%s: activations computed again give the same bits as activations kept", async (_, of) => {
  const kept = await replica("wasm", of)
  const again = await replica("wasm", of, { checkpointActivations: true })
  const [a, b] = [await kept.forward(pairs), await again.forward(pairs)]
  expect(b.logprobs).toEqual(a.logprobs)
  expect(await b.backward(tokenWeights)).toEqual(await a.backward(tokenWeights))
  kept.dispose()
  again.dispose()
})

it("one micro-batch, two, or one sequence at a time add up to the same gradient", async () => {
  const engine = await replica("wasm", families["qwen3"])
  const many = [...pairs, ...pairs, pairs[0], pairs[2]]
  const weights = [...tokenWeights, ...tokenWeights, tokenWeights[0], tokenWeights[2]]
  const inParts = async (parts: number): Promise<Float32Array> => {
    const size = many.length / parts
    const sum = new Float32Array(engine.values.length)
    for (let i = 0; i < many.length; i += size) {
      const forward = await engine.forward(many.slice(i, i + size))
      const part = await forward.backward(weights.slice(i, i + size))
      for (const [j, v] of part.entries()) sum[j] += v
    }
    return sum
  }
  const one = await inParts(1)
  const scale = Math.hypot(...one)
  for (const parts of [2, 8]) {
    const sum = await inParts(parts)
    expect(Math.hypot(...one.map((v, i) => v - sum[i])) / scale, `${parts} parts`).toBeLessThan(1e-6)
  }
  engine.dispose()
})
