/** The law at a temperature: log-probs and gradients of softmax(logits / T), against its definition in float64. */
import { Parameters } from "@lpo/transformer"
import { expect, it } from "vitest"
import { config, families, pairs, replica, tokenWeights } from "./tiny.ts"

type Engine = Awaited<ReturnType<typeof replica>>

/** Each sequence at a temperature of its own, one of them that of the policy. */
const temperatures = [0.6, 1, 1.7]
const tempered = pairs.map((pair, k) => ({ ...pair, temperature: temperatures[k] }))

/** Log-probs of a completion's tokens from the model's logits, by the definition of the law. */
const expected = async (engine: Engine, { completion, prompt }: (typeof pairs)[number], temperature: number) => {
  engine.changed()
  const [logits] = await engine.logits([Int32Array.from([...prompt, ...completion])])
  const size = logits.length / (prompt.length + completion.length)
  return Array.from(completion, (token, t) => {
    const at = (prompt.length + t - 1) * size
    const row = Array.from(logits.subarray(at, at + size), (x) => x / temperature)
    const max = Math.max(...row)
    return row[token] - max - Math.log(row.reduce((sum, x) => sum + Math.exp(x - max), 0))
  })
}

it.each([
  ["wasm", config],
  ["cpu", config],
  ["wasm", families["gemma2"]],
] as const)("the learner's log-probs on %s are the law's, temperatures side by side", async (backend, of) => {
  const engine = await replica(backend, of)
  const found = await engine.logprobs(tempered)
  for (const [k, pair] of pairs.entries())
    for (const [t, v] of (await expected(engine, pair, temperatures[k])).entries())
      expect(Math.abs(found[k][t] - v)).toBeLessThan(2e-5 * (1 + Math.abs(v)))
  engine.dispose()
})

it.each(["llama", "gemma2"])(
  "the gradient is the derivative of the law's log-probs (%s, central differences)",
  async (family) => {
    const of = families[family]
    const engine = await replica("cpu", of)
    const loss = async (): Promise<number> => {
      let sum = 0
      for (const [k, pair] of pairs.entries())
        for (const [t, v] of (await expected(engine, pair, temperatures[k])).entries()) sum += tokenWeights[k][t] * v
      return sum
    }
    const gradient = await (await engine.forward(tempered)).backward(tokenWeights)
    const h = 2e-3
    const layout = Parameters.layout(of)
    for (const slot of [layout[0], layout[3], layout[layout.length - 1]]) {
      const direction = Float32Array.from({ length: slot.size }, (_, i) => Math.sin(7 * i + slot.offset))
      const view = engine.values.subarray(slot.offset, slot.offset + slot.size)
      const start = view.slice()
      const at = (step: number): Promise<number> => {
        for (let i = 0; i < view.length; i++) view[i] = start[i] + step * direction[i]
        return loss()
      }
      const numeric = ((await at(h)) - (await at(-h))) / (2 * h)
      view.set(start)
      const analytic = direction.reduce((sum, d, i) => sum + d * gradient[slot.offset + i], 0)
      const size = Math.hypot(...gradient.subarray(slot.offset, slot.offset + slot.size))
      expect(size, slot.name).toBeGreaterThan(0)
      expect(Math.abs(numeric - analytic) / (Math.abs(analytic) + 0.1 * size), slot.name).toBeLessThan(0.01)
    }
    engine.dispose()
  },
)

it.each(["wasm", "cpu"] as const)(
  "samples on %s have the log-probs of the very law they were drawn from",
  async (backend) => {
    const engine = await replica(backend)
    const requests = pairs.map(({ prompt }, i) => ({ prompt, streams: [`t/${i}/0`, `t/${i}/1`] }))
    const law = { stops: [10], temperature: 0.6, topK: 0, topP: 1, maxTokens: 6 }
    const processed = await engine.generate(requests, { ...law, logprobsOf: "processed" })
    const raw = await engine.generate(requests, law)
    for (const [i, group] of processed.entries())
      for (const [k, { logprobs, tokens }] of group.entries()) {
        const { prompt } = pairs[i]
        const other = raw[i][k]
        expect(other.tokens).toEqual(tokens)
        const [own, policy] = [0.6, 1].map((temperature) =>
          expected(engine, { prompt, completion: tokens }, temperature),
        )
        for (const [t, v] of (await own).entries()) expect(Math.abs(logprobs[t] - v)).toBeLessThan(1e-4)
        for (const [t, v] of (await policy).entries()) expect(Math.abs(other.logprobs[t] - v)).toBeLessThan(1e-4)
        // And the learner agrees: no ratio but 1 on policy.
        const [learned] = await engine.logprobs([{ prompt, completion: tokens, temperature: 0.6 }])
        for (const [t, v] of learned.entries()) expect(Math.abs(logprobs[t] - v)).toBeLessThan(1e-4)
      }
    const greedy = await engine.generate(requests, { ...law, topK: 1, logprobsOf: "processed" })
    for (const { logprobs } of greedy.flat()) expect([...logprobs]).toEqual(Array.from(logprobs, () => 0))
    engine.dispose()
  },
)
