/** Decoding with kernels and a cache against the full forward pass and against the decoder without either, over random models. */
import { Backend, Engine, type ModelConfig, Policy, Replica, TransformerError } from "@lpo/transformer"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import fc from "fast-check"
import { beforeAll, expect, it } from "vitest"
import type { Model } from "../src/decode/Decoder.ts"
import type * as Generate from "../src/decode/Generate.ts"
import { times } from "./counts.ts"
import { bounds } from "./rounding.ts"
import { families, replica, tokenizer, values } from "./tiny.ts"

beforeAll(() => Effect.runPromise(Backend.start("wasm")))

/** The same models and prompts in every run. */
const seed = 20261128
const law = { stops: [], temperature: 1, topK: 0, topP: 1 }
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
  .map(({ family, heads: [num_attention_heads, num_key_value_heads], sliding_window, ...sizes }) =>
    Object.assign(
      {},
      families[family],
      sizes,
      { num_attention_heads, num_key_value_heads },
      families[family].sliding_window === undefined ? {} : { sliding_window },
    ),
  )

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
    fc.asyncProperty(config, prompts, size(5), size(40), async (of, lists, samples, maxTokens) => {
      const own = values(of)
      const p = Replica.make(of, own)
      const requests = requestsOf(lists, of, samples)
      const sampled = await p.generate(requests, { ...law, stops: [0], maxTokens })
      const sequences = sampled.flatMap((group, i) =>
        group.map(({ tokens }) => ({ prompt: requests[i].prompt, completion: tokens })),
      )
      const fresh = await p.logprobs(sequences)
      const allowed = await bounds(of, own, sequences)
      for (const [k, { finish, logprobs, tokens }] of sampled.flat().entries()) {
        expect(finish).toBe(tokens.at(-1) === 0 ? "stop" : "length")
        for (const [t, v] of logprobs.entries()) expect(Math.abs(v - fresh[k][t])).toBeLessThan(allowed[k][t])
      }
      p.dispose()
    }),
    { seed, numRuns: times(25, 60) },
  ))

it("draws what the decoder of stock operations draws, under every law", async () => {
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
  await fc.assert(
    fc.asyncProperty(config, prompts, laws, async (of, lists, rule) => {
      const plan = { prompts: [requestsOf(lists, of, n)[0].prompt], samples: [n], maxTokens: 3 }
      const own = values(of)
      const results: Array<ReadonlyArray<ReturnType<typeof drawsOf>>> = []
      for (const engine of [Engine.fused(), Engine.stock]) {
        let model: Model | null = null
        const spy = (given: Model) => engine.decoder((model = given))
        const p = Replica.make(of, own, { engine: { ...engine, decoder: spy } })
        if (model === null) throw new TypeError("the replica made no decoder")
        const session = engine.decoder(model).open(plan)
        const slots = session.prefill()
        const [first, second] = [drawsOf(), drawsOf()]
        await session.draw(rule, 1, n, first)
        session.advance(1, slots, Int32Array.of(1))
        await session.draw(rule, 1, n, second)
        session.dispose()
        p.dispose()
        results.push([first, second])
      }
      const drawn = [...new Set(results.flat().flatMap(({ tokens }) => Array.from(tokens)))]
      const sequences = drawn
        .flatMap((token) => [Int32Array.of(token), Int32Array.of(1, token)])
        .map((completion) => ({ prompt: plan.prompts[0], completion }))
      const allowed = await bounds(of, own, sequences)
      for (const step of [0, 1]) {
        const [mine, oracle] = results.map((r) => r[step])
        // A uniform number within rounding of the border between two tokens may fall on either side.
        const apart = mine.tokens.filter((token, i) => token !== oracle.tokens[i]).length
        expect(apart).toBeLessThanOrEqual(1)
        for (const [i, v] of mine.logprobs.entries()) {
          const bound = allowed[2 * drawn.indexOf(mine.tokens[i]) + step][step]
          if (mine.tokens[i] === oracle.tokens[i]) expect(Math.abs(v - oracle.logprobs[i])).toBeLessThan(bound)
        }
      }
    }),
    { seed, numRuns: times(25, 60) },
  )
})

it("gives every sample the bits it has alone, whatever shares its batch, history or prompt", () =>
  fc.assert(
    fc.asyncProperty(config, prompts, size(7), fc.constantFrom(0.2, 1), async (of, lists, samples, temperature) => {
      const p = Replica.make(of, values(of))
      // A low temperature makes samples share their beginnings.
      const options = { ...law, temperature, stops: [2], maxTokens: 24 }
      const requests = requestsOf(lists, of, samples)
      const together = await p.generate(requests, options)
      for (const [i, { prompt, streams }] of requests.entries()) {
        for (const [k, stream] of streams.entries())
          expect((await p.generate([{ prompt, streams: [stream] }], options))[0][0]).toEqual(together[i][k])
      }
      p.dispose()
    }),
    { seed, numRuns: times(12, 25) },
  ))

it("computes what samples of a prompt have in common once", async () => {
  const of = families["llama"]
  const own = values(of)
  const rows: Array<number> = []
  const engine = Engine.fused()
  const decoder = (model: Model) => {
    const inner = engine.decoder(model)
    return {
      ...inner,
      open: (plan: Parameters<typeof inner.open>[0]) => {
        const session = inner.open(plan)
        return {
          ...session,
          advance: (...args: Parameters<typeof session.advance>) => (rows.push(args[0]), session.advance(...args)),
        }
      },
    }
  }
  const p = Replica.make(of, own, { engine: { ...engine, decoder } })
  const requests = requestsOf([[1, 2, 3], [4]], of, 8)
  await p.generate(requests, { ...law, temperature: 0, maxTokens: 5 })
  expect(rows.splice(0)).toEqual([2, 2, 2, 2])
  await p.generate(requests, { ...law, maxTokens: 30 })
  for (const [i, n] of rows.entries()) expect(n).toBeGreaterThanOrEqual(rows[i - 1] ?? 3)
  expect(rows.at(-1)).toBe(16)
  p.dispose()
})

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

it("says so when the weights are not numbers, and goes on with ones that are", async () => {
  const p = await replica("wasm")
  const request = [{ prompt: Int32Array.of(1, 2), streams: ["a"] }]
  const before = await p.generate(request, { ...law, maxTokens: 4 })
  const held = p.values[20]
  p.values[20] = Number.NaN
  p.changed()
  await expect(p.generate(request, { ...law, maxTokens: 4 })).rejects.toThrow(
    /logits are not finite.*go back to a checkpoint/,
  )
  p.values[20] = held
  p.changed()
  expect(await p.generate(request, { ...law, maxTokens: 4 })).toEqual(before)
  p.dispose()
})

it("leaves nothing in the heap, also when a cache does not fit", async () => {
  const p = await replica("wasm")
  const request = [{ prompt: Int32Array.of(1, 2), streams: ["a", "b"] }]
  const small = () => p.generate(request, { ...law, maxTokens: 4 })
  const before = await small()
  const tensors = tf.memory().numTensors
  let error: unknown = null
  try {
    await p.generate(request, { ...law, maxTokens: 40_000_000 })
  } catch (cause) {
    error = cause
  }
  expect(error).toBeInstanceOf(TransformerError.BackendError)
  expect((error as Error).message).toMatch(/keys and values of [0-9.]+ MiB.*4 GiB heap; lower maxTokens/)
  expect(await small()).toEqual(before)
  expect(tf.memory().numTensors).toBe(tensors)
  p.dispose()
})
