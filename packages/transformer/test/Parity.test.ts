/** Every family against float32 PyTorch, on the checkpoints that transformers wrote (fixtures/make/make.py). */
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { AdamW, Lora, LoraFiles, ModelConfig, Parameters, Replica, Safetensors } from "@lpo/transformer"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { expectedOf, folderOf, gap, openFixture, pairOf, relative } from "./fixtures.ts"

const families = ["llama2", "llama3", "mistral", "qwen2", "qwen3", "qwen2_5_vl", "smollm3", "gemma2", "gemma3"]

describe.each(families)("%s", (name) => {
  it("gives PyTorch's logits and log-probs within 1e-4, for prompts of different lengths", async () => {
    const { facts, tensor } = await expectedOf(name)
    const { checkpoint, replica } = await openFixture(name)
    const logprobs = await replica.logprobs(facts.cases.map(pairOf))
    for (const [i, { completion, prompt }] of facts.cases.entries()) {
      const [logits] = await replica.logits([Int32Array.from([...prompt, ...completion])])
      const expected = tensor(`logits.${i}`)
      expect(logits.length).toBe((prompt.length + completion.length) * checkpoint.config.vocab_size)
      expect(gap(logits.subarray(-expected.length), expected), `logits ${i}`).toBeLessThan(1e-4)
      expect(gap(logprobs[i], tensor(`logprobs.${i}`)), `log-probs ${i}`).toBeLessThan(1e-4)
    }
    replica.dispose()
  })

  it("continues greedily with the same 64 tokens", async () => {
    const { facts } = await expectedOf(name)
    const { replica } = await openFixture(name)
    const law = { temperature: 0, topK: 0, topP: 1, maxTokens: 64, stops: [] }
    const [[sampled]] = await replica.generate(
      [{ prompt: Int32Array.from(facts.greedy.prompt), streams: ["greedy"] }],
      law,
    )
    expect([...sampled.tokens]).toEqual(facts.greedy.tokens)
    replica.dispose()
  })

  it("gives PyTorch's gradient within 1e-3 in every parameter, and its weights after one AdamW step", async () => {
    const { facts, names, tensor } = await expectedOf(name)
    const { checkpoint, replica } = await openFixture(name)
    const forward = await replica.forward(facts.cases.map(pairOf))
    const gradient = await forward.backward(facts.cases.map((c) => Float32Array.from(c.weights)))
    const slots = Parameters.layout(checkpoint.config)
    expect(slots.map((slot) => `gradient.${slot.name}`).sort()).toEqual(
      names.filter((key) => key.startsWith("gradient.")).sort(),
    )
    for (const { name: key, offset, size } of slots) {
      const truth = tensor(`gradient.${key}`)
      expect(relative(gradient.subarray(offset, offset + size), truth), key).toBeLessThan(1e-3)
    }
    const values = checkpoint.values.slice()
    const before = values.slice()
    AdamW.step(values, gradient, AdamW.init(values.length), facts.adamw)
    for (const { name: key, offset, size } of slots) {
      const moved = values.subarray(offset, offset + size)
      expect(gap(moved, tensor(`adamw.${key}`)), key).toBeLessThan(2e-5)
      expect(gap(moved, before.subarray(offset, offset + size)), key).toBeGreaterThan(1e-3)
    }
    replica.dispose()
  })
})

it("turns positions like transformers for every kind of scaling, below and above the trained length", async () => {
  const { facts, tensor } = await expectedOf("ropes")
  const { checkpoint, replica } = await openFixture("llama2")
  replica.dispose()
  for (const [i, rope_parameters] of facts.ropes.entries()) {
    const raw = { ...checkpoint.raw.config, rope_parameters, max_position_embeddings: 40 }
    const config = await Effect.runPromise(ModelConfig.decode(raw))
    const scaled = Replica.make(config, checkpoint.values)
    for (const [j, sequence] of facts.sequences.entries()) {
      const expected = tensor(`logits.${i}.${j}`)
      const [logits] = await scaled.logits([Int32Array.from(sequence)])
      expect(gap(logits.subarray(-expected.length), expected), JSON.stringify([rope_parameters, j])).toBeLessThan(1e-4)
    }
    scaled.dispose()
  }
})

it("refuses to learn where dynamic scaling would turn a sequence otherwise than it was sampled", async () => {
  const { checkpoint, replica } = await openFixture("llama2")
  replica.dispose()
  const rope_scaling = { rope_type: "dynamic", factor: 2 } as const
  const dynamic = Replica.make({ ...checkpoint.config, rope_scaling, max_position_embeddings: 8 }, checkpoint.values)
  const pair = { prompt: Int32Array.of(1, 2, 3, 4, 5), completion: Int32Array.of(6, 7, 8, 9) }
  expect((await dynamic.logprobs([pair]))[0]).toHaveLength(4)
  await expect(dynamic.logprobs([{ ...pair, completion: Int32Array.of(6, 7, 8, 9, 1) }])).rejects.toThrow(
    /9 tokens is above max_position_embeddings 8/,
  )
  dynamic.dispose()
})

it.each([
  ["lora-regex", { rank: 4, targets: ["q_proj", "down_proj"] }],
  ["lora-layers", { rank: 2, alpha: 3, targets: ["q_proj", "v_proj", "up_proj"] }],
])(
  "computes with an adapter of PEFT whose maps differ what PEFT computes, and fills none up as it learns: %s",
  async (name, shape) => {
    const { facts } = await expectedOf("qwen2")
    const { tensor } = await expectedOf(name)
    const { checkpoint } = await openFixture("qwen2")
    const adapter = await Effect.runPromise(LoraFiles.read(checkpoint.config, folderOf(name)))
    expect(adapter.config).toMatchObject(shape)
    const { replica } = await openFixture("qwen2", { adapter })
    for (const [i, { completion, prompt }] of facts.cases.entries()) {
      const [logits] = await replica.logits([Int32Array.from([...prompt, ...completion])])
      const expected = tensor(`logits.${i}`)
      expect(gap(logits.subarray(-expected.length), expected)).toBeLessThan(1e-4)
    }
    const forward = await replica.forward(facts.cases.map(pairOf))
    const gradient = await forward.backward(facts.cases.map((c) => Float32Array.from(c.weights)))
    const moved = gradient.filter((slope, i) => slope !== 0 && adapter.values[i] === 0)
    expect(moved).toHaveLength(0)
    expect(gradient.some((slope) => slope !== 0)).toBe(true)
    replica.dispose()
  },
)

it("computes with an adapter of PEFT what PEFT computes, and its gradient", async () => {
  const { facts } = await expectedOf("qwen2")
  const { names, tensor } = await expectedOf("lora")
  const { checkpoint } = await openFixture("qwen2")
  const adapter = await Effect.runPromise(LoraFiles.read(checkpoint.config, folderOf("lora")))
  expect(adapter.config).toEqual({ rank: 2, alpha: 3, targets: ["q_proj", "v_proj", "down_proj"] })
  const { replica } = await openFixture("qwen2", { adapter })
  for (const [i, { completion, prompt }] of facts.cases.entries()) {
    const [logits] = await replica.logits([Int32Array.from([...prompt, ...completion])])
    const expected = tensor(`logits.${i}`)
    expect(gap(logits.subarray(-expected.length), expected)).toBeLessThan(1e-4)
  }
  const forward = await replica.forward(facts.cases.map(pairOf))
  const gradient = await forward.backward(facts.cases.map((c) => Float32Array.from(c.weights)))
  const slots = Lora.layout(checkpoint.config, adapter.config)
  expect(slots.map((slot) => `gradient.${slot.name}`).sort()).toEqual(
    names.filter((key) => key.startsWith("gradient.")).sort(),
  )
  for (const { name, offset, size } of slots)
    expect(relative(gradient.subarray(offset, offset + size), tensor(`gradient.${name}`)), name).toBeLessThan(1e-3)
  replica.dispose()
})

it.each(["lora-ends", "lora-whole", "lora-tied", "lora-dora"])(
  "computes with an adapter on head and embedding, whole modules and DoRA what PEFT computes, and its gradient: %s",
  async (name) => {
    const { base } = (await expectedOf(name)).facts
    const { facts } = await expectedOf(base)
    const { names, tensor } = await expectedOf(name)
    const { checkpoint } = await openFixture(base)
    const { config, values } = checkpoint
    const adapter = await Effect.runPromise(LoraFiles.read(config, folderOf(name), { base: values }))
    const { replica } = await openFixture(base, { adapter })
    const merged = Replica.make(config, Lora.merge(config, values, adapter))
    const rows = async (of: Replica.Replica, { completion, prompt }: (typeof facts.cases)[number]) =>
      (await of.logits([Int32Array.from([...prompt, ...completion])]))[0]
    for (const [i, one] of facts.cases.entries()) {
      const expected = tensor(`logits.${i}`)
      for (const of of [replica, merged])
        expect(gap((await rows(of, one)).subarray(-expected.length), expected)).toBeLessThan(1e-4)
    }
    // What decodes token by token reads the same matrices.
    const request = { prompt: Int32Array.from(facts.cases[2].prompt), streams: ["greedy"] }
    const law = { temperature: 0, topK: 0, topP: 1, maxTokens: 8, stops: [] }
    const [[sampled]] = await replica.generate([request], law)
    const [again] = await replica.logprobs([{ prompt: request.prompt, completion: sampled.tokens }])
    expect(gap(sampled.logprobs, again)).toBeLessThan(1e-4)
    const forward = await replica.forward(facts.cases.map(pairOf))
    const gradient = await forward.backward(facts.cases.map((c) => Float32Array.from(c.weights)))
    const folder = await mkdtemp(join(tmpdir(), "lpo-lora-"))
    try {
      // The gradient, written as if it were an adapter, has PEFT's names and layouts.
      await Effect.runPromise(LoraFiles.write(config, { config: adapter.config, values: gradient }, folder))
      const path = join(folder, "adapter_model.safetensors")
      const { tensors } = await Effect.runPromise(Safetensors.decode(await readFile(path), path))
      const wanted = names.filter((key) => key.startsWith("gradient."))
      for (const key of wanted) {
        const own = key
          .replace(/^gradient\./, "base_model.model.")
          .replace("magnitude_vector.weight", "magnitude_vector")
        expect(relative(tensors.get(own)?.data ?? new Float32Array(), tensor(key)), key).toBeLessThan(1e-3)
      }
      expect(tensors.size).toBe(wanted.length + (name === "lora-tied" ? 1 : 0))
      await Effect.runPromise(LoraFiles.write(config, adapter, folder))
      expect(await Effect.runPromise(LoraFiles.read(config, folder))).toEqual(adapter)
    } finally {
      await rm(folder, { recursive: true })
    }
    for (const of of [replica, merged]) of.dispose()
  },
)
