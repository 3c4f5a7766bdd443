/** The models of the benchmark, and the batches that it gives to both sides. */
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ModelConfig, ModelFiles, Parameters, Tokenizer } from "@lpo/transformer"
import { Effect } from "effect"

/**
 * What is measured by the name of the model: a training step over `train`, decoding of each of `decode` (eight samples to a
 * prompt), and a whole step of a run, or null for none. `little` is for backends that would take minutes.
 */
const presets = {
  small: {
    config: {
      vocab_size: 64,
      hidden_size: 128,
      intermediate_size: 352,
      num_hidden_layers: 4,
      num_attention_heads: 4,
      num_key_value_heads: 4,
      max_position_embeddings: 128,
    },
    rounds: 7,
    train: { rows: 256, time: 64 },
    decode: [
      { rows: 256, promptTokens: 1, newTokens: 63 },
      { rows: 8, promptTokens: 1, newTokens: 63 },
    ],
    step: { prompts: 32, groupSize: 8, promptTokens: 16, newTokens: 48 },
    little: { train: { rows: 8, time: 8 }, decode: { rows: 8, promptTokens: 1, newTokens: 8 } },
    roofline: { repeats: 9, train: { rows: 16, time: 64 }, decode: { samples: [16, 4], newTokens: 48 } },
  },
  // As large as trains in full in a WASM heap with room to spare.
  "llama-100m": {
    config: {
      vocab_size: 32_000,
      hidden_size: 768,
      intermediate_size: 2048,
      num_hidden_layers: 12,
      num_attention_heads: 12,
      num_key_value_heads: 4,
      max_position_embeddings: 1024,
    },
    rounds: 5,
    train: { rows: 16, time: 64 },
    decode: [
      { rows: 32, promptTokens: 16, newTokens: 32 },
      { rows: 8, promptTokens: 16, newTokens: 32 },
    ],
    step: null,
    little: { train: { rows: 8, time: 16 }, decode: { rows: 8, promptTokens: 8, newTokens: 8 } },
    roofline: { repeats: 2, train: { rows: 8, time: 128 }, decode: { samples: [16, 4], newTokens: 16 } },
  },
}

/** @type {ReadonlyArray<string>} */
export const names = Object.keys(presets)

/** A model by its name, with random parameters, and batches for it. */
export const open = async (name) => {
  const { config: sizes, ...work } = presets[name]
  const config = await Effect.runPromise(
    ModelConfig.decode({
      model_type: "llama",
      rope_theta: 10_000,
      rms_norm_eps: 1e-5,
      tie_word_embeddings: true,
      ...sizes,
    }),
  )
  /** The words `w0` and on. The stop token comes after them, outside the model's vocabulary: every response has its full length. */
  const words = Array.from({ length: config.vocab_size }, (_, i) => `w${i}`)
  const tokenizer = Tokenizer.words(words)
  const initial = Parameters.initialise(config, "bench")
  // In shared memory, where a policy takes them as they are.
  const values = new Float32Array(new SharedArrayBuffer(initial.byteLength))
  values.set(initial)

  /** Some token, without pattern enough to learn in a few steps; the first one is shared by eight rows, a group. */
  const token = (row, position) =>
    (position === 0 ? Math.floor(row / 8) : row * 7 + position * position * 3 + row * position) % config.vocab_size

  /** `rows` sequences of `length` tokens. */
  const sequences = (rows, length) =>
    Array.from({ length: rows }, (_, row) => Int32Array.from({ length }, (_, position) => token(row, position)))

  /** `count` different prompts of `length` tokens. */
  const prompts = (count, length) =>
    Array.from({ length: count }, (_, i) => Int32Array.from({ length }, (_, position) => token(8 * i, position)))

  return {
    name,
    ...work,
    config,
    words,
    tokenizer,
    values,
    sequences,
    prompts,
    /** The prompts as problems. */
    problems: (count, length) =>
      prompts(count, length).map((tokens, i) => ({
        id: `p${i}`,
        task: "bench",
        prompt: tokenizer.decode(tokens),
        answer: null,
      })),
    /** A folder with config.json and model.safetensors, as a Hugging Face model is stored. */
    write: async () => {
      const folder = mkdtempSync(join(tmpdir(), "lpo-bench-"))
      await Effect.runPromise(ModelFiles.save({ config, tokenizer, values, lora: null }, folder, { optimizer: false }))
      return folder
    },
  }
}

/** One weight per token, of both signs, as the coefficients of an update have. */
export const weights = (rows, length) =>
  Array.from({ length: rows }, (_, row) =>
    Float32Array.from({ length }, (_, t) => (((row * 31 + t * 17) % 13) - 6) / (6 * rows)),
  )
