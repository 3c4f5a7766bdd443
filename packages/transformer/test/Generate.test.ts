import { afterAll, beforeAll, expect, it } from "vitest"
import { replica } from "./tiny.ts"

let p: Awaited<ReturnType<typeof replica>>
beforeAll(async () => {
  p = await replica("wasm")
})
afterAll(() => p.dispose())

const law = { stops: [10], temperature: 1, topK: 0, topP: 1 }
const prompts = [Int32Array.of(1, 2, 3), Int32Array.of(4), Int32Array.of(5, 6, 7, 8, 9)]
const requests = prompts.map((prompt, i) => ({ prompt, streams: [0, 1, 2, 3].map((k) => `s/${i}/${k}`) }))

it("records the log-probs that an uncached forward pass gives, for ragged prompts and early finishes", async () => {
  const sampled = await p.generate(requests, { ...law, maxTokens: 20 })
  const lengths = new Set(sampled.flat().map((s) => s.tokens.length))
  expect(lengths.size).toBeGreaterThan(2)
  for (const [i, group] of sampled.entries()) {
    const fresh = await p.logprobs(group.map((s) => ({ prompt: prompts[i], completion: s.tokens })))
    for (const [k, { logprobs }] of group.entries())
      for (const [t, v] of logprobs.entries()) expect(Math.abs(v - fresh[k][t])).toBeLessThan(1e-4)
  }
})

it("gives a sample that does not depend on the batch it rode in", async () => {
  const together = await p.generate(requests, { ...law, maxTokens: 12 })
  for (const [i, request] of requests.entries()) {
    for (const [k, stream] of request.streams.entries()) {
      const [[alone]] = await p.generate([{ prompt: request.prompt, streams: [stream] }], { ...law, maxTokens: 12 })
      expect(alone.tokens).toEqual(together[i][k].tokens)
    }
  }
})

it("stops at the stop token or at the limit, and says which", async () => {
  for (const { finish, tokens } of (await p.generate(requests, { ...law, maxTokens: 6 })).flat()) {
    expect(tokens.length).toBeLessThanOrEqual(6)
    expect(finish).toBe(tokens.at(-1) === 10 ? "stop" : "length")
  }
})

it("stops at whichever stop token comes first, and a sample is the one without them, cut there", async () => {
  const whole = (await p.generate(requests, { ...law, stops: [], maxTokens: 30 })).flat()
  const stops = [10, 3, 7]
  const seen = new Set<number>()
  for (const [i, { finish, tokens }] of (await p.generate(requests, { ...law, stops, maxTokens: 30 }))
    .flat()
    .entries()) {
    const at = whole[i].tokens.findIndex((token) => stops.includes(token))
    expect(tokens).toEqual(at < 0 ? whole[i].tokens : whole[i].tokens.slice(0, at + 1))
    expect(finish).toBe(at < 0 ? "length" : "stop")
    if (at >= 0) seen.add(tokens[at])
  }
  expect(seen.size).toBeGreaterThan(1)
})

it("draws tokens as often as the policy says", async () => {
  const n = 4000
  const [sampled] = await p.generate([{ prompt: prompts[0], streams: Array.from({ length: n }, (_, k) => `f/${k}`) }], {
    ...law,
    maxTokens: 1,
  })
  for (let token = 0; token < 11; token++) {
    const [[logprob]] = await p.logprobs([{ prompt: prompts[0], completion: Int32Array.of(token) }])
    const q = Math.exp(logprob)
    const share = sampled.filter((s) => s.tokens[0] === token).length / n
    expect(Math.abs(share - q)).toBeLessThan(5 * Math.sqrt((q * (1 - q)) / n) + 1e-3)
  }
})

it("greedy is top-1, and top-k and top-p keep only what they should", async () => {
  const greedy = (await p.generate(requests, { stops: [10], temperature: 0, topK: 0, topP: 1, maxTokens: 8 })).flat()
  const top1 = (await p.generate(requests, { stops: [10], temperature: 0.7, topK: 1, topP: 1, maxTokens: 8 })).flat()
  const nucleus = (
    await p.generate(requests, { stops: [10], temperature: 1, topK: 0, topP: 1e-9, maxTokens: 8 })
  ).flat()
  for (const [i, s] of greedy.entries()) {
    expect(top1[i].tokens).toEqual(s.tokens)
    expect(nucleus[i].tokens).toEqual(s.tokens)
  }
})
