/** What is too large is refused before it takes memory, and chats reach the model through its template. */
import { type Problem, Sampler } from "@lpo/rollout"
import {
  Checkpoint,
  Lora,
  Memory,
  ModelConfig,
  Parameters,
  Policy,
  Tokenizer,
  TransformerSampler,
} from "@lpo/transformer"
import { Effect, Layer, Stream } from "effect"
import { expect, it } from "vitest"
import { folderOf } from "./fixtures.ts"
import { config, tokenizer } from "./tiny.ts"

/** A Llama of about so many millions of parameters. */
const llama = (millions: number): ModelConfig.ModelConfig => {
  const width = 64 * Math.round(Math.sqrt((millions * 1e6) / (12 * 16)) / 64)
  return {
    ...config,
    vocab_size: 2048,
    hidden_size: width,
    intermediate_size: Math.round((8 / 3) * width),
    num_hidden_layers: 16,
    num_attention_heads: width / 64,
    num_key_value_heads: width / 64,
  }
}

it("counts what the parts take", () => {
  const of = llama(100)
  const parameters = Parameters.count(Parameters.layout(of))
  const lora: Lora.LoraConfig = { rank: 8, alpha: 16, targets: ["q_proj", "v_proj"] }
  const trained = 16 * 2 * 8 * 2 * of.hidden_size
  const head = 4 * 2048 * of.hidden_size
  const full = Memory.estimate(of, { purpose: "train", tokens: 0, sequences: 0 })
  expect(full).toEqual({
    parameters,
    trained: parameters,
    heap: 2 ** 26 + 12 * parameters + head,
    shared: 16 * parameters,
  })
  const adapter = Memory.estimate(of, { purpose: "train", lora, tokens: 0, sequences: 0 })
  expect(adapter.trained).toBe(trained)
  expect(adapter.heap).toBe(2 ** 26 + 8 * parameters + 4 * trained + head)
  expect(adapter.shared).toBe(4 * parameters + 12 * trained)
  const plain = Memory.estimate(of, { purpose: "train", tokens: 4096 })
  expect(Memory.estimate(of, { purpose: "train", tokens: 4096, checkpointActivations: true }).heap).toBeLessThan(
    plain.heap - 1e9,
  )
})

it("refuses what does not fit, and says what would", () => {
  expect(Memory.refusal(llama(100), { purpose: "train" })).toBe(null)
  const full = Memory.refusal(llama(400), { purpose: "train", tokens: 64, sequences: 1 })
  expect(full).toMatch(
    /parameters need 4\.\d GiB to train in full, and a WASM heap ends at 4 GiB; ways out: train an adapter/,
  )
  expect(full).toMatch(/at most about 352 M parameters/)
  expect(Memory.refusal(llama(300), { purpose: "sample", sequences: 1 })).toBe(null)
  expect(Memory.refusal(llama(1500), { purpose: "sample" })).toMatch(/to sample.*fewer sequences at once.*1056 M/)
})

it("a policy refuses a model that cannot even be sampled, without allocating it", async () => {
  const error = await Policy.make(llama(1500), tokenizer, new Float32Array(1), { workers: 1 }).pipe(
    Effect.scoped,
    Effect.flip,
    Effect.runPromise,
  )
  expect(error._tag).toBe("EngineError")
  expect(error.message).toMatch(/GiB to sample, and a WASM heap ends at 4 GiB/)
})

const problem = (prompt: Problem.Problem["prompt"]): Problem.Problem => ({ id: "p", task: "t", prompt, answer: null })

it("samples a chat from its template's tokens, and keeps them with the group", async () => {
  const program = Effect.gen(function* () {
    const { config: of, tokenizer: hf, values } = yield* Checkpoint.open(folderOf("qwen3"))
    if (hf === null) throw new TypeError("no tokenizer")
    const policy = yield* Policy.make(of, hf, values, { workers: 1 })
    const messages = [
      {
        role: "user",
        content: [
          { type: "text", text: "What is " },
          { type: "text", text: "2 + 2?" },
        ],
      },
    ] as const
    const sample = (tokenizer: Tokenizer.TokenizerService) =>
      Effect.gen(function* () {
        const sampler = yield* Sampler.Sampler
        const options = { groupSize: 4, maxTokens: 12, seed: "s" }
        return yield* Stream.runCollect(sampler.sample([problem(messages)], options))
      }).pipe(
        Effect.provide(
          TransformerSampler.layer().pipe(Layer.provide(Layer.succeed(Policy.Policy, { ...policy, tokenizer }))),
        ),
      )
    const [group] = yield* sample(hf)
    expect(hf.decodeAll(group.promptTokens)).toBe("<|im_start|>user\nWhat is 2 + 2?<|im_end|>\n<|im_start|>assistant\n")
    // Tokens as sampled: what a random model writes is rarely what the tokenizer would make of its text.
    const retokenised = group.completions.filter(
      (c) => Effect.runSync(hf.encodeBare(c.text)).join() !== c.tokens.join(),
    )
    expect(retokenised.length).toBeGreaterThan(0)
    const pairs = group.completions.map((c) => ({ prompt: group.promptTokens, completion: c.tokens }))
    const fresh = yield* policy.logprobs(pairs)
    for (const [k, { logprobs }] of group.completions.entries())
      for (const [t, v] of logprobs.entries()) expect(Math.abs(v - fresh[k][t])).toBeLessThan(1e-4)
    const plain = yield* Effect.flip(sample(tokenizer))
    expect(plain.message).toMatch(/has chat messages; this model takes plain text prompts/)
  })
  await Effect.runPromise(Effect.scoped(program))
})
