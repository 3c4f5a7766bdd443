/** Decoding with kernels and a cache against the full forward pass and against the decoder without either, over random models. */
import {
  Backend,
  composed,
  fused,
  Generate,
  type ModelConfig,
  Policy,
  Replica,
  TransformerError,
} from "@lpo/transformer"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import fc from "fast-check"
import { beforeAll, expect, it } from "vitest"
import { truncate } from "../src/Sampling.ts"
import { families, replica, tokenizer, values } from "./tiny.ts"

beforeAll(() => Effect.runPromise(Backend.start("wasm")))

const law = { stop: -1, temperature: 1, topK: 0, topP: 1 }
const size = (max: number, min = 1) => fc.integer({ min, max })

/** Sizes on and off the tile, grouped heads from 1 to 8, windows shorter and longer than the sequences. */
const config: fc.Arbitrary<ModelConfig.ModelConfig> = fc
  .record({
    family: fc.constantFrom(...Object.keys(families)),
    heads: fc.constantFrom([1, 1], [2, 1], [4, 2], [8, 1], [3, 3], [6, 2]),
    head_dim: size(20).map((half) => 2 * half),
    hidden_size: size(40, 2),
    intermediate_size: size(40),
    vocab_size: size(70, 5),
    sliding_window: size(40),
    tie_word_embeddings: fc.boolean(),
  })
  .map(({ family, heads: [num_attention_heads, num_key_value_heads], sliding_window, ...sizes }) => ({
    ...families[family],
    ...sizes,
    ...(families[family].sliding_window === undefined ? {} : { sliding_window }),
    num_attention_heads,
    num_key_value_heads,
  }))

/** Prompts from one token to three blocks of the cache. */
const prompts = fc.array(fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 })
const requestsOf = (
  lists: ReadonlyArray<ReadonlyArray<number>>,
  { vocab_size }: ModelConfig.ModelConfig,
  samples: number,
): ReadonlyArray<Generate.Request> =>
  lists.map((list, i) => ({
    prompt: Int32Array.from(list, (token) => token % vocab_size),
    streams: Array.from({ length: samples }, (_, k) => `decode/${i}/${k}`),
  }))

it("records the log-probs of the full forward pass, for all families, ragged prompts and early finishes", () =>
  fc.assert(
    fc.property(config, prompts, size(5), size(40), (of, lists, samples, maxTokens) => {
      const p = Replica.make(of, values(of))
      const requests = requestsOf(lists, of, samples)
      const sampled = p.generate(requests, { ...law, stop: 0, maxTokens })
      for (const [i, group] of sampled.entries()) {
        const fresh = p.logprobs(group.map(({ tokens }) => ({ prompt: requests[i].prompt, completion: tokens })))
        for (const [k, { finish, logprobs, tokens }] of group.entries()) {
          expect(finish).toBe(tokens.at(-1) === 0 ? "stop" : "length")
          for (const [t, v] of logprobs.entries()) expect(Math.abs(v - fresh[k][t])).toBeLessThan(1e-4)
        }
      }
      p.dispose()
    }),
    { numRuns: 60 },
  ))

it("draws what the decoder without cache and kernels draws, under every law", () => {
  const laws = fc.record({
    temperature: fc.constantFrom(0, 0.3, 1, 2.5),
    topK: fc.constantFrom(0, 1, 3, 200),
    topP: fc.constantFrom(1, 0.9, 0.3),
    minP: fc.constantFrom(0, 0.02, 0.5),
  })
  const n = 64
  const drawsOf = () => ({
    rows: new Int32Array(n),
    uniforms: Float64Array.from({ length: n }, (_, i) => (i + 0.5) / n),
    tokens: new Int32Array(n),
    logprobs: new Float32Array(n),
  })
  fc.assert(
    fc.property(config, prompts, laws, (of, lists, rule) => {
      const plan = { prompts: [requestsOf(lists, of, n)[0].prompt], samples: [n], maxTokens: 3 }
      const own = values(of)
      const results = [fused(), composed].map((ops) => {
        let drawn: ReadonlyArray<ReturnType<typeof drawsOf>> = []
        const spy = (model: Parameters<typeof ops.decoder>[0]) => {
          const session = ops.decoder(model).open(plan)
          const slots = session.prefill()
          const first = drawsOf()
          session.draw(rule, 1, n, first)
          session.advance(1, slots, Int32Array.of(1))
          const second = drawsOf()
          session.draw(rule, 1, n, second)
          session.dispose()
          drawn = [first, second]
          return ops.decoder(model)
        }
        Replica.make(of, own, { ops: { ...ops, decoder: spy } }).dispose()
        return drawn
      })
      for (const step of [0, 1]) {
        const [mine, oracle] = results.map((r) => r[step])
        // A uniform number within rounding of the border between two tokens may fall on either side.
        const apart = mine.tokens.filter((token, i) => token !== oracle.tokens[i]).length
        expect(apart).toBeLessThanOrEqual(1)
        for (const [i, v] of mine.logprobs.entries())
          if (mine.tokens[i] === oracle.tokens[i]) expect(Math.abs(v - oracle.logprobs[i])).toBeLessThan(1e-4)
      }
    }),
    { numRuns: 60 },
  )
})

it("gives every sample the bits it has alone, whatever shares its batch, history or prompt", () =>
  fc.assert(
    fc.property(config, prompts, size(7), fc.constantFrom(0.2, 1), (of, lists, samples, temperature) => {
      const p = Replica.make(of, values(of))
      // A low temperature makes samples share their beginnings.
      const options = { ...law, temperature, stop: 2, maxTokens: 24 }
      const requests = requestsOf(lists, of, samples)
      const together = p.generate(requests, options)
      for (const [i, { prompt, streams }] of requests.entries()) {
        for (const [k, stream] of streams.entries())
          expect(p.generate([{ prompt, streams: [stream] }], options)[0][0]).toEqual(together[i][k])
      }
      p.dispose()
    }),
    { numRuns: 25 },
  ))

it("gives the same bits in batches of any size", async () => {
  const of = families["qwen3"]
  const requests = requestsOf([[1, 2, 3], [4]], of, 9)
  const sample = (maxSequences?: number) =>
    Effect.gen(function* () {
      const policy = yield* Policy.make(of, tokenizer, values(of), { workers: 0 })
      return yield* policy.generate(requests, { ...law, maxTokens: 12, maxSequences })
    }).pipe(Effect.scoped, Effect.runPromise)
  const whole = await sample()
  expect(whole.map((group) => group.length)).toEqual([9, 9])
  for (const maxSequences of [1, 4, 7]) expect(await sample(maxSequences)).toEqual(whole)
})

it("top-k, top-p and min-p keep what their definitions say", () =>
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0, 1e-30, 0.001, 0.02, 0.02, 0.3, 0.7, 0.9), { minLength: 1, maxLength: 40 }),
      fc.constantFrom(0, 1, 2, 5, 100),
      fc.constantFrom(1, 0.99, 0.5, 1e-9),
      fc.constantFrom(0, 0.01, 0.5),
      (rest, topK, topP, minP) => {
        const row = Float32Array.of(...rest.slice(0, rest.length >> 1), 1, ...rest.slice(rest.length >> 1))
        const order = [...row.keys()].filter((i) => row[i] > 0).sort((a, b) => row[b] - row[a] || a - b)
        const top = topK > 0 ? order.slice(0, topK) : order
        const total = top.reduce((sum, i) => sum + row[i], 0)
        let before = 0
        const kept = top.filter((i, rank) => {
          const within = topP === 1 || rank === 0 || before < topP * total
          before += row[i]
          return within && row[i] >= minP
        })
        const expected = row.map((v, i) => (kept.includes(i) ? v : 0))
        const all = row.reduce((a, b) => a + b, 0)
        const left = truncate(row, all, { temperature: 1, topK, topP, minP })
        expect(row).toEqual(expected)
        expect(left).toBeCloseTo(
          expected.reduce((a, b) => a + b, 0),
          6,
        )
      },
    ),
    { numRuns: 300 },
  ))

it("says so when the weights are not numbers, and goes on with ones that are", async () => {
  const p = await replica("wasm")
  const request = [{ prompt: Int32Array.of(1, 2), streams: ["a"] }]
  const before = p.generate(request, { ...law, maxTokens: 4 })
  const held = p.values[20]
  p.values[20] = Number.NaN
  p.changed()
  expect(() => p.generate(request, { ...law, maxTokens: 4 })).toThrow(/logits are not finite.*go back to a checkpoint/)
  p.values[20] = held
  p.changed()
  expect(p.generate(request, { ...law, maxTokens: 4 })).toEqual(before)
  p.dispose()
})

it("leaves nothing in the heap, also when a cache does not fit", async () => {
  const p = await replica("wasm")
  const request = [{ prompt: Int32Array.of(1, 2), streams: ["a", "b"] }]
  const small = () => p.generate(request, { ...law, maxTokens: 4 })
  const before = small()
  const tensors = tf.memory().numTensors
  let error: unknown = null
  try {
    p.generate(request, { ...law, maxTokens: 40_000_000 })
  } catch (cause) {
    error = cause
  }
  expect(error).toBeInstanceOf(TransformerError.BackendError)
  expect((error as Error).message).toMatch(/keys and values of [0-9.]+ MiB.*4 GiB heap; lower maxTokens/)
  expect(small()).toEqual(before)
  expect(tf.memory().numTensors).toBe(tensors)
  p.dispose()
})
