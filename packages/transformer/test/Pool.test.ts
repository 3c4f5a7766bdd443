import { Policy } from "@lpo/transformer"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { workerCounts } from "./counts.ts"
import { config, pairs, tokenizer, tokenWeights, values } from "./tiny.ts"

const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(effect)
const parts = pairs.map((pair) => [pair])
const weigh = (index: number) => [tokenWeights[index]]
const law = { maxTokens: 8, temperature: 1, topK: 0, topP: 1 }
const adam = { learningRate: 1e-2, maxGradNorm: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01 }
const requests = [0, 1, 2, 3, 4].map((i) => ({ prompt: Int32Array.of(i, 2), streams: [`a${i}`, `b${i}`] }))

/** What a policy with so many workers samples and learns, made once for the tests that compare it. */
const results = workerCounts.map((workers) => {
  let made: ReturnType<typeof result> | null = null
  return () => (made ??= result(workers))
})
const result = (workers: number) =>
  Effect.gen(function* () {
    const policy = yield* Policy.make(config, tokenizer, values(), { workers })
    yield* policy.accumulate(parts, weigh)
    const gradient = policy.gradient.slice()
    // All together, and the samples of one prompt: cut into as many pieces as there are workers.
    const group = { prompt: requests[0].prompt, streams: Array.from({ length: 7 }, (_, k) => `k${k}`) }
    const asked = [...requests.map((r) => [r]), requests, [group]]
    const sampled = yield* Effect.forEach(asked, (r) => policy.generate(r, law), { concurrency: "unbounded" })
    yield* policy.step(adam)
    for (let step = 1; step < 20; step++) {
      yield* policy.accumulate(parts, weigh)
      yield* policy.step(adam)
    }
    return { gradient, sampled, weights: policy.values.slice() }
  }).pipe(Effect.scoped, run)

it("samples and gradients are the same bits whatever the workers", async () => {
  const [one, ...others] = await Promise.all(results.map((get) => get()))
  expect(one.gradient.some((v) => v !== 0)).toBe(true)
  for (const { gradient, sampled } of others)
    expect({ gradient, sampled }).toEqual({ gradient: one.gradient, sampled: one.sampled })
})

it("weights after 20 steps are the same bits whatever the workers", async () => {
  const [one, ...others] = await Promise.all(results.map((get) => get()))
  expect(one.weights).not.toEqual(values())
  for (const { weights } of others) expect(weights).toEqual(one.weights)
})

it("a worker sees parameters that changed", async () => {
  const [before, after] = await Effect.gen(function* () {
    const policy = yield* Policy.make(config, tokenizer, values(), { workers: 1 })
    const first = yield* policy.logprobs(pairs)
    policy.values[3] += 0.5
    policy.changed()
    return [first, yield* policy.logprobs(pairs)]
  }).pipe(Effect.scoped, run)
  expect(after).not.toEqual(before)
})

it("an objective that throws is an error, and the worker goes on", async () => {
  const program = Effect.gen(function* () {
    const policy = yield* Policy.make(config, tokenizer, values(), { workers: 1 })
    const error = yield* Effect.flip(
      policy.accumulate(parts, () => {
        throw new RangeError("reward is NaN")
      }),
    )
    expect(error.message).toBe("reward is NaN")
    yield* policy.accumulate(parts, weigh)
    return policy.gradient.slice()
  }).pipe(Effect.scoped)
  expect((await run(program)).some((v) => v !== 0)).toBe(true)
})

it("a worker that dies is a typed error, for the job it had and for later ones", async () => {
  const program = Effect.gen(function* () {
    const policy = yield* Policy.make(config, tokenizer, values(), { workers: 2 })
    const job = policy.generate(requests, { ...law, maxTokens: 50 })
    const work = Effect.all([job, job, job], { concurrency: "unbounded" })
    const kill = Effect.promise(() => policy.pool.workers[0].terminate())
    const [failed] = yield* Effect.all([Effect.flip(work), kill], { concurrency: "unbounded" })
    const later = yield* Effect.flip(policy.logprobs(pairs))
    return [failed, later]
  }).pipe(Effect.scoped)
  for (const error of await run(program)) {
    expect(error._tag).toBe("EngineError")
    expect(error.message).toMatch(/worker thread died/)
  }
})

it("leaves no thread behind", async () => {
  const threads = await Effect.gen(function* () {
    const policy = yield* Policy.make(config, tokenizer, values(), { workers: 2 })
    yield* policy.logprobs(pairs)
    return policy.pool.workers
  }).pipe(Effect.scoped, run)
  expect(threads).toHaveLength(2)
  for (const worker of threads) expect(worker.threadId).toBe(-1)
})
