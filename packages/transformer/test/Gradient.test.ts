import { type Backend, Parameters } from "@lpo/transformer"
import * as tf from "@tensorflow/tfjs-core"
import { expect, it } from "vitest"
import { config, pairs, replica, tokenWeights } from "./tiny.ts"

type Engine = Awaited<ReturnType<typeof replica>>

const objective = async (engine: Engine): Promise<number> => {
  engine.changed()
  return (await engine.logprobs(pairs)).reduce(
    (sum, row, k) => row.reduce((s, v, t) => s + v * tokenWeights[k][t], sum),
    0,
  )
}

const gradientOn = async (backend: Backend.BackendName): Promise<Float32Array> => {
  const engine = await replica(backend)
  const gradient = await (await engine.forward(pairs)).backward(tokenWeights)
  engine.dispose()
  return gradient
}

it("is the derivative of sum(weight * log-prob), in every parameter tensor (central differences)", async () => {
  const p = await replica("cpu")
  const gradient = await (await p.forward(pairs)).backward(tokenWeights)
  const h = 2e-3
  for (const slot of Parameters.layout(config)) {
    // The derivative along a random direction of the tensor: one number that every entry takes part in.
    const direction = Float32Array.from({ length: slot.size }, (_, i) => Math.sin(7 * i + slot.offset))
    const view = p.values.subarray(slot.offset, slot.offset + slot.size)
    const start = view.slice()
    const at = (step: number): Promise<number> => {
      for (let i = 0; i < view.length; i++) view[i] = start[i] + step * direction[i]
      return objective(p)
    }
    const numeric = ((await at(h)) - (await at(-h))) / (2 * h)
    view.set(start)
    const analytic = direction.reduce((sum, d, i) => sum + d * gradient[slot.offset + i], 0)
    const size = Math.hypot(...gradient.subarray(slot.offset, slot.offset + slot.size))
    expect(size, slot.name).toBeGreaterThan(0)
    expect(Math.abs(numeric - analytic) / (Math.abs(analytic) + 0.1 * size), slot.name).toBeLessThan(0.01)
  }
  p.dispose()
})

it("agrees between the WASM and the pure JavaScript backend", async () => {
  const cpu = await gradientOn("cpu")
  const wasm = await gradientOn("wasm")
  for (const slot of Parameters.layout(config)) {
    const a = cpu.subarray(slot.offset, slot.offset + slot.size)
    const b = wasm.subarray(slot.offset, slot.offset + slot.size)
    expect(Math.hypot(...a.map((v, i) => v - b[i])) / Math.hypot(...a), slot.name).toBeLessThan(1e-5)
  }
})

it("adds up: one micro-batch or one sequence at a time give the same gradient", async () => {
  const together = await gradientOn("wasm")
  const p = await replica("wasm")
  const sum = new Float32Array(together.length)
  for (const [k, pair] of pairs.entries()) {
    const part = await (await p.forward([pair])).backward([tokenWeights[k]])
    for (const [i, v] of part.entries()) sum[i] += v
  }
  const scale = Math.hypot(...together)
  for (const [i, v] of together.entries()) expect(Math.abs(v - sum[i])).toBeLessThan(1e-5 * scale)
  p.dispose()
})

it("leaves no tensor behind", async () => {
  const p = await replica("wasm")
  const request = [{ prompt: Int32Array.of(1, 2), streams: ["a", "b"] }]
  const round = async () => {
    await (await p.forward(pairs)).backward(tokenWeights)
    ;(await p.forward(pairs)).drop()
    await p.generate(request, { stops: [10], maxTokens: 5, temperature: 1, topK: 0, topP: 1 })
    p.changed()
    return tf.memory().numTensors
  }
  const first = await round()
  for (let i = 0; i < 20; i++) expect(await round()).toBe(first)
  p.dispose()
})
