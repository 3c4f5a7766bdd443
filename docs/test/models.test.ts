/** The examples of the guide to models, on a tiny checkpoint. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Checkpoint, LoraFiles, Memory, type ModelConfig } from "@lpo/transformer"
import { Effect } from "effect"
import { expect, it } from "vitest"
import * as Blocks from "./Blocks.ts"

const source = fileURLToPath(new URL("../../packages/transformer/test/fixtures/qwen3", import.meta.url))
const page = "docs/guides/models.md"
const [open, lora] = Blocks.of(page).filter(Blocks.isCode)
const fits = (config: ModelConfig.ModelConfig) =>
  Memory.refusal(config, { purpose: "train", sequences: 8, positions: 512 })

it("models: the example opens a checkpoint and answers a chat, the same for the same stream", async () => {
  const [[answer], [again]] = await Blocks.run(page, [open, open], { "Qwen/Qwen3-0.6B": source })
  expect(answer.length).toBeGreaterThan(0)
  expect(again).toBe(answer)
})

it("models: the example trains an adapter, and saves it alone and merged", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lpo-model-"))
  try {
    const places = { '"adapter"': `"${folder}/adapter"`, '"merged"': `"${folder}/merged"` }
    const [[said]] = await Blocks.run(page, [lora], { "Qwen/Qwen3-0.6B": source, ...places })
    const program = Effect.gen(function* () {
      const base = yield* Checkpoint.open(source)
      const adapter = yield* LoraFiles.read(base.config, join(folder, "adapter"))
      expect(said).toBe(`${adapter.values.length} parameters learned`)
      const merged = yield* Checkpoint.open(join(folder, "merged"))
      expect(merged.tokenizer?.files).toEqual(base.tokenizer?.files)
      const expected = Checkpoint.merged(base, adapter).values
      const change = Math.hypot(...expected.map((v, i) => v - base.values[i]))
      const rounding = Math.hypot(...expected.map((v, i) => v - merged.values[i]))
      expect(change).toBeGreaterThan(0.1)
      expect(rounding).toBeLessThan(2 ** -8 * Math.hypot(...expected))
    })
    await Effect.runPromise(program)
  } finally {
    await rm(folder, { recursive: true })
  }
})

it("models: the table of sizes is what the engine reckons, and a model beyond it is refused with advice", () => {
  const millions = (purpose: Memory.Purpose, lora: boolean) => Memory.largest(purpose, lora) / 1e6
  expect(Math.floor(millions("sample", false) / 10) * 10).toBe(1050)
  expect(Math.floor(millions("train", true) / 10) * 10).toBe(520)
  expect(Math.floor(millions("train", false) / 10) * 10).toBe(350)
  const qwen: ModelConfig.ModelConfig = {
    model_type: "qwen2",
    vocab_size: 151_936,
    hidden_size: 896,
    intermediate_size: 4864,
    num_hidden_layers: 24,
    num_attention_heads: 14,
    num_key_value_heads: 2,
    max_position_embeddings: 32_768,
    rope_theta: 1_000_000,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: true,
  }
  expect(fits(qwen)).toMatch(/494,032,768 parameters need \d\.\d GiB to train in full, and a WASM heap ends at 4 GiB/)
  expect(Memory.refusal(qwen, { purpose: "sample", sequences: 8 })).toBe(null)
  expect(fits({ ...qwen, vocab_size: 8192, num_hidden_layers: 6 })).toBe(null)
})
