import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  AdamW,
  Backend,
  ModelConfig,
  ModelFiles,
  Parameters,
  Policy,
  Safetensors,
  Supervised,
  Tokenizer,
} from "@lpo/transformer"
import { Effect } from "effect"
import fc from "fast-check"
import { expect, it } from "vitest"
import { workerCounts } from "./counts.ts"
import { config, pairs, tokenizer, values } from "./tiny.ts"

const flip = <A, E>(effect: Effect.Effect<A, E>): Promise<E> => Effect.runPromise(Effect.flip(effect))

it("AdamW: the first step is the learning rate against the sign of the gradient, the second follows the closed form", () => {
  const options = { learningRate: 0.1, maxGradNorm: 100, beta1: 0.9, beta2: 0.95, epsilon: 0, weightDecay: 0.5 }
  const values = Float32Array.of(1, 1)
  const state = AdamW.init(2)
  expect(AdamW.step(values, Float32Array.of(-3, 4), state, options)).toBeCloseTo(5, 6)
  expect(values[0]).toBeCloseTo(1 - 0.1 - 0.05, 6)
  expect(values[1]).toBeCloseTo(1 + 0.1 - 0.05, 6)
  AdamW.step(values, Float32Array.of(-1, 0), state, options)
  const m = (0.9 * 0.1 * 3 + 0.1 * 1) / (1 - 0.81)
  const v = (0.95 * 0.05 * 9 + 0.05 * 1) / (1 - 0.9025)
  expect(values[0]).toBeCloseTo(0.85 - 0.1 * (m / Math.sqrt(v) + 0.5 * 0.85), 5)
})

it("AdamW: clips to the global norm, and leaves everything alone when the gradient is not finite", () => {
  const options = { learningRate: 1, maxGradNorm: 1, beta1: 0, beta2: 0, epsilon: 1, weightDecay: 0 }
  const values = Float32Array.of(0, 0)
  AdamW.step(values, Float32Array.of(-30, -40), AdamW.init(2), options)
  expect(values[0]).toBeCloseTo(-0.6 / 1.6, 6)
  const before = values.slice()
  expect(AdamW.step(values, Float32Array.of(Number.NaN, 1), AdamW.init(2), options)).toBeNaN()
  expect(values).toEqual(before)
})

it("AdamW: the parts of a long vector make the step that the whole makes", () => {
  const size = 2 ** 21 + 5
  const options = { learningRate: 0.1, maxGradNorm: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.5 }
  const of = (phase: number) => new Float32Array(size).map((_, i) => ((i * 7 + phase) % 13) - 6)
  const gradient = of(1)
  const whole = { values: of(0), state: AdamW.init(size) }
  const norm = AdamW.step(whole.values, gradient, whole.state, options)
  expect(norm).toBeCloseTo(Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0)), 8)
  const { m, v, ...state } = AdamW.init(size)
  const vectors = { values: of(0), gradient, m, v }
  expect(AdamW.chunks(size)).toBe(3)
  const sums = [AdamW.squares(gradient, 0, 1), AdamW.squares(gradient, 1, 3)].flatMap((part) => Array.from(part))
  expect(AdamW.normOf(sums)).toBe(norm)
  const pace = AdamW.begin(norm, { m, v, ...state }, options)
  if (pace === null) throw new Error("the norm is finite")
  AdamW.move(vectors, 1, 3, pace)
  AdamW.move(vectors, 0, 1, pace)
  expect(Buffer.compare(Buffer.from(vectors.values.buffer), Buffer.from(whole.values.buffer))).toBe(0)
  expect(Buffer.compare(Buffer.from(m.buffer), Buffer.from(whole.state.m.buffer))).toBe(0)
})

it("a long step is the same bits in this thread and in two", async () => {
  const config = await Effect.runPromise(
    ModelConfig.decode({
      model_type: "llama",
      vocab_size: 4,
      hidden_size: 512,
      intermediate_size: 512,
      num_hidden_layers: 1,
      num_attention_heads: 4,
      num_key_value_heads: 4,
      max_position_embeddings: 32,
      rope_theta: 10_000,
      rms_norm_eps: 1e-5,
      tie_word_embeddings: true,
    }),
  )
  const adam = { learningRate: 1e-2, maxGradNorm: 1, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.01 }
  const words = Tokenizer.words(["a", "b", "c"])
  const moved = (workers: number) =>
    Effect.gen(function* () {
      const policy = yield* Policy.make(config, words, Parameters.initialise(config, "long"), { workers })
      const wave = new Float32Array(policy.values.length).map((_, i) => (i % 7) - 3)
      const fill = () => policy.gradient.set(wave)
      fill()
      const norms = [yield* policy.step(adam)]
      expect(policy.gradient.indexOf(3)).toBe(-1)
      fill()
      policy.gradient[7] = Number.NaN
      norms.push(yield* policy.step(adam))
      return { norms, steps: policy.optimizer.steps, values: Buffer.from(policy.values.slice().buffer) }
    }).pipe(Effect.scoped, Effect.runPromise)
  await Effect.runPromise(Backend.start("wasm"))
  const [here, there] = [await moved(0), await moved(2)]
  expect(there.norms).toEqual(here.norms)
  expect([here.steps, there.steps, here.norms[1]]).toEqual([1, 1, Number.NaN])
  expect(Buffer.compare(here.values, there.values)).toBe(0)
})

it("learns a demonstration by heart, to the same bits whatever the workers", async () => {
  const learn = (workers: number, steps: number) =>
    Effect.gen(function* () {
      yield* Backend.start("wasm")
      const p = yield* Policy.make(config, tokenizer, Parameters.initialise(config, "learn"), { workers })
      const losses: Array<number> = []
      yield* Supervised.train(p, {
        steps,
        learningRate: 0.02,
        warmupSteps: 5,
        decayShare: 0.3,
        maxGradNorm: 1,
        rowsPerMicroBatch: 6,
        batch: () => pairs,
        onStep: ({ loss }) => Effect.sync(() => losses.push(loss)),
      })
      return { losses, values: p.values.slice() }
    }).pipe(Effect.scoped, Effect.runPromise)
  const { losses } = await learn(0, 60)
  expect(losses[0]).toBeGreaterThan(2)
  expect(losses.at(-1)).toBeLessThan(0.1)
  const first = await learn(0, 20)
  for (const workers of [0, ...workerCounts])
    expect((await learn(workers, 20)).values, `${workers} workers`).toEqual(first.values)
})

it("saves and restores parameters and optimiser bit for bit", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lpo-model-"))
  const program = Effect.gen(function* () {
    yield* Backend.start("wasm")
    const p = yield* Policy.make(config, tokenizer, values(), { workers: 0 })
    p.optimizer.m.fill(0.25)
    p.optimizer.steps = 7
    p.version = 3
    yield* ModelFiles.save(p, folder, { optimizer: true })
    const q = yield* Policy.make(config, tokenizer, new Float32Array(p.values.length), { workers: 0 })
    yield* ModelFiles.restore(q, folder, { optimizer: true })
    expect(q.values).toEqual(p.values)
    expect([q.optimizer.m, q.optimizer.steps, q.version]).toEqual([p.optimizer.m, 7, 3])
    const path = join(folder, "model.safetensors")
    const bytes = yield* Effect.promise(() => readFile(path))
    yield* Effect.promise(() => writeFile(path, bytes.subarray(0, bytes.length - 4)))
    const cut = yield* Effect.flip(ModelFiles.restore(q, folder, { optimizer: true }))
    expect(cut.message).toMatch(/model\.norm\.weight.*claims bytes/)
    yield* Effect.promise(() => writeFile(path, bytes))
    const wider = yield* Effect.flip(ModelFiles.readModel({ ...config, vocab_size: 12 }, path))
    expect(wider.message).toMatch(/embed_tokens.weight is \[11, 16\], the model wants \[12, 16\]/)
  })
  try {
    await Effect.runPromise(Effect.scoped(program))
  } finally {
    await rm(folder, { recursive: true })
  }
})

it("safetensors: never throws on a hostile file, and reads back what it wrote", async () => {
  const good = Safetensors.encode([{ name: "a", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }], { k: "v" })
  const { metadata, tensors } = await Effect.runPromise(Safetensors.decode(good, "x"))
  expect([metadata["k"], tensors.get("a")?.data]).toEqual(["v", Float32Array.of(1, 2, 3, 4)])
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), async (at, byte) => {
      const bad = good.slice()
      bad[at] = byte
      const exit = await Effect.runPromiseExit(Safetensors.decode(bad, "x"))
      if (exit._tag === "Failure") expect(exit.cause.reasons[0]._tag).toBe("Fail")
    }),
  )
  const huge = new Uint8Array(16).fill(255)
  expect((await flip(Safetensors.decode(huge, "x"))).message).toMatch(/truncated or not a safetensors/)
})

it("refuses a model whose sizes do not fit, by name", async () => {
  expect((await flip(ModelConfig.decode({ ...config, num_key_value_heads: 3 }))).message).toMatch(
    /num_attention_heads 4/,
  )
  expect((await flip(ModelConfig.decode({ ...config, model_type: "gpt2" }))).message).toMatch(/architecture "gpt2"/)
  expect((await flip(ModelConfig.decode({ ...config, hidden: 3 }))).message).toMatch(/has the option hidden/)
})

it("tokenizes words and symbols, and names what it does not know", async () => {
  const t = Tokenizer.words(["1", "12", "+", "->", ":"])
  const ids = await Effect.runPromise(t.encode("12+1 -> 12 :"))
  expect([...ids]).toEqual([1, 2, 0, 3, 1, 4])
  expect(t.decode(Int32Array.of(1, 2, 0, t.stops[0]))).toBe("12 + 1")
  expect((await flip(t.encode("1 ? 1"))).message).toMatch(/"\?" in "1 \? 1"/)
})

it("leaves the process's listeners as they were", async () => {
  const before = process.listeners("uncaughtException").length
  await Effect.runPromise(Backend.start("wasm"))
  expect(process.listeners("uncaughtException").length).toBe(before)
})
