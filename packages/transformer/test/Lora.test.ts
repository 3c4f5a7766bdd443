import { Lora, Parameters, Policy } from "@lpo/transformer"
import { Seed } from "@lpo/rollout"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { objective } from "./differences.ts"
import { gap } from "./fixtures.ts"
import { slope } from "./reference.ts"
import { families, pairs, replica, tokenizer, tokenWeights, values } from "./tiny.ts"

const config = families["qwen3"]
const lora: Lora.LoraConfig = { rank: 2, alpha: 3, targets: [...Lora.modules] }

/** An adapter with both factors away from 0, so that each has a gradient. */
const trained = (of: Lora.LoraConfig = lora): Lora.Adapter => {
  const random = Seed.stream("adapter")
  return { config: of, values: Lora.initialise(config, of, "x").values.map(() => 0.1 * random.normal()) }
}

const adam = { learningRate: 0.1, maxGradNorm: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01 }

it("a fresh adapter changes nothing; a trained one computes what the merged model computes", async () => {
  const plain = await replica("wasm", config)
  const fresh = await replica("wasm", config, { adapter: Lora.initialise(config, lora, "s") })
  expect(await fresh.logprobs(pairs)).toEqual(await plain.logprobs(pairs))
  const own = await replica("wasm", config, { adapter: trained() })
  const merged = await replica("wasm", config)
  merged.values.set(Lora.merge(config, plain.values, trained()))
  merged.changed()
  expect(await own.logprobs(pairs)).toEqual(await merged.logprobs(pairs))
  expect(await own.logprobs(pairs)).not.toEqual(await plain.logprobs(pairs))
  for (const r of [plain, fresh, own, merged]) r.dispose()
})

it.each<[string, Lora.LoraConfig]>([
  ["on the maps of layers", lora],
  ["on head and embedding", { ...lora, targets: ["q_proj", "embed_tokens", "lm_head"], saved: ["norm"] }],
  ["beside whole modules", { ...lora, targets: ["v_proj"], saved: ["lm_head", "embed_tokens", "mlp"] }],
  ["with lengths of rows", { ...lora, targets: ["k_proj", "down_proj", "lm_head"], dora: true }],
])("the gradient agrees with float64 finite differences of the model with its adapter: %s", async (_, of) => {
  const random = Seed.stream("adapter")
  const fresh = Lora.initialise(config, of, "x", values(config))
  const adapter = { ...fresh, values: fresh.values.map((v) => v + 0.1 * random.normal()) }
  const engine = await replica("wasm", config, { adapter })
  const gradient = await (await engine.forward(pairs)).backward(tokenWeights)
  expect(gradient.length).toBe(adapter.values.length)
  const base = Float64Array.from(engine.values)
  const slots = new Map(Lora.layout(config, of).map((slot) => [slot.name, slot]))
  /** Of every adapted row, the length that the adapter of the test itself gives it: a constant of the gradient. */
  const lengths = new Map<string, number>()
  const merged = (values: Float64Array): Float64Array => {
    // By the definition, in float64.
    const out = base.slice()
    for (const { name, offset, shape, size } of Parameters.layout(config)) {
      const whole = slots.get(name)
      if (whole !== undefined) out.set(values.subarray(whole.offset, whole.offset + size), offset)
      const stem = name.replace(/weight$/, "")
      const [a, b] = ["A", "B"].map((side) => slots.get(`${stem}lora_${side}.weight`))
      const magnitudes = slots.get(`${stem}lora_magnitude_vector`)
      if (a === undefined || b === undefined) continue
      const [rows, columns] = shape as [number, number]
      for (let o = 0; o < rows; o++) {
        const row = out.subarray(offset + o * columns, offset + (o + 1) * columns)
        for (let i = 0; i < columns; i++)
          for (let r = 0; r < 2; r++)
            row[i] += (3 / 2) * values[b.offset + o * 2 + r] * values[a.offset + r * columns + i]
        if (magnitudes === undefined) continue
        const length = lengths.get(`${name} ${o}`) ?? Math.hypot(...row)
        lengths.set(`${name} ${o}`, length)
        for (let i = 0; i < columns; i++) row[i] *= values[magnitudes.offset + o] / length
      }
    }
    return out
  }
  const flat = Float64Array.from(adapter.values)
  merged(flat)
  for (const { name, offset, size } of slots.values()) {
    const random = Seed.stream(name)
    const direction = Array.from({ length: size }, random.normal)
    const truth = slope((v) => objective(config, merged(v)), flat, offset, direction)
    const ours = direction.reduce((sum, d, i) => sum + d * gradient[offset + i], 0)
    const length = Math.hypot(...gradient.subarray(offset, offset + size))
    expect(length, name).toBeGreaterThan(0)
    expect(Math.abs(ours - truth) / length, name).toBeLessThan(1e-4)
  }
  engine.dispose()
})

it("the gradient is the full gradient of the merged model, projected on the factors", async () => {
  const adapter = trained()
  const engine = await replica("wasm", config, { adapter })
  const gradient = await (await engine.forward(pairs)).backward(tokenWeights)
  const whole = await replica("wasm", config)
  whole.values.set(Lora.merge(config, engine.values, adapter))
  whole.changed()
  const full = await (await whole.forward(pairs)).backward(tokenWeights)
  const slots = new Map(Lora.layout(config, lora).map((slot) => [slot.name, slot]))
  for (const { name, offset, shape } of Parameters.layout(config)) {
    const { pair } = Lora.reader(config, engine.values, adapter)(name)
    if (pair === null) continue
    const [rows, columns] = shape as [number, number]
    const a = slots.get(name.replace(/weight$/, "lora_A.weight"))
    const expected = new Float64Array(2 * columns)
    for (let r = 0; r < 2; r++)
      for (let o = 0; o < rows; o++)
        for (let i = 0; i < columns; i++)
          expected[r * columns + i] += (3 / 2) * pair.b[o * 2 + r] * full[offset + o * columns + i]
    const ours = gradient.subarray(a?.offset ?? 0, (a?.offset ?? 0) + expected.length)
    expect(Math.hypot(...expected.map((v, i) => v - ours[i])) / Math.hypot(...expected), name).toBeLessThan(1e-5)
  }
  engine.dispose()
  whole.dispose()
})

it("trains the adapter alone behind a policy, to the same bits with and without workers", async () => {
  const targets: Lora.LoraConfig = { rank: 3, alpha: 6, targets: ["q_proj", "down_proj"] }
  const train = (workers: number) =>
    Effect.gen(function* () {
      const policy = yield* Policy.make(config, tokenizer, values(config), {
        workers,
        lora: Lora.initialise(config, targets, "s"),
        checkpointActivations: workers > 0,
      })
      const sum = (rows: ReadonlyArray<Float32Array>) => rows.reduce((a, row) => a + row.reduce((x, y) => x + y, 0), 0)
      const before = sum(yield* policy.logprobs(pairs))
      for (let step = 0; step < 10; step++) {
        yield* policy.accumulate([pairs], (_, logprobs) => logprobs.map((row) => row.map(() => 1)))
        yield* policy.step(adam)
      }
      expect(sum(yield* policy.logprobs(pairs))).toBeGreaterThan(before + 5)
      expect(policy.lora?.base).toEqual(values(config))
      expect(policy.optimizer.m.length).toBe(policy.values.length)
      const law = { maxTokens: 4, temperature: 1, topK: 0, topP: 1 }
      const [[sampled]] = yield* policy.generate([{ prompt: pairs[0].prompt, streams: ["a"] }], law)
      const [fresh] = yield* policy.logprobs([{ prompt: pairs[0].prompt, completion: sampled.tokens }])
      for (const [t, v] of fresh.entries()) expect(sampled.logprobs[t]).toBeCloseTo(v, 4)
      return policy.values.slice()
    }).pipe(Effect.scoped, Effect.runPromise)
  expect(await train(1)).toEqual(await train(0))
})

it("refuses an adapter of another shape", async () => {
  const wrong = { config: { ...lora, rank: 4 }, values: trained().values }
  const error = await Policy.make(config, tokenizer, values(config), { workers: 0, lora: wrong }).pipe(
    Effect.scoped,
    Effect.flip,
    Effect.runPromise,
  )
  expect(error.message).toMatch(/rank 4 on q_proj.* has \d+ parameters, got \d+/)
})

it("a fresh adapter beside whole modules changes nothing, and begins where the model is", async () => {
  const of: Lora.LoraConfig = { ...lora, targets: ["q_proj", "lm_head"], saved: ["embed_tokens"], dora: true }
  const plain = await replica("wasm", config)
  const fresh = await replica("wasm", config, { adapter: Lora.initialise(config, of, "s", values(config)) })
  const [a, b] = [await fresh.logprobs(pairs), await plain.logprobs(pairs)]
  for (const [i, row] of a.entries()) expect(gap(row, b[i])).toBeLessThan(1e-5)
  for (const r of [plain, fresh]) r.dispose()
  expect(() => Lora.initialise(config, of, "s")).toThrow(/give the model's parameters as base/)
})

it.each<[string, Partial<Lora.LoraConfig>, RegExp]>([
  [
    "the head of a tied model",
    { targets: ["lm_head"] },
    /adapter on lm_head would change only one of two tied tensors/,
  ],
  [
    "the embedding of a tied model",
    { targets: ["embed_tokens"] },
    /adapter on embed_tokens would change only one of two/,
  ],
  [
    "a tied head whole",
    { saved: ["lm_head"] },
    /saved names lm_head, which is not a module.*trains both as embed_tokens/,
  ],
  ["a module that is not there", { saved: ["score"] }, /saved names score, which is not a module of the model$/],
  ["a map that is both", { saved: ["self_attn"] }, /q_proj is listed both for an adapter and for full training/],
])("refuses %s", (_, more, message) => {
  const of: Lora.LoraConfig = { ...lora, targets: ["q_proj"], ...more }
  expect(Lora.configRefusal({ ...config, tie_word_embeddings: true }, of)).toMatch(message)
})
