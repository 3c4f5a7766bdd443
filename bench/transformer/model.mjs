/** The model and the batches that the benchmark gives to both sides. */
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ModelConfig, ModelFiles, Parameters, Tokenizer } from "@lpo/transformer"
import { Effect } from "effect"

export const config = await Effect.runPromise(
  ModelConfig.decode({
    model_type: "llama",
    vocab_size: 64,
    hidden_size: 128,
    intermediate_size: 352,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    max_position_embeddings: 128,
    rope_theta: 10_000,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
  }),
)

/** The words `w0` to `w63`. The stop token, 64, is outside the model's vocabulary: every response has its full length. */
export const words = Array.from({ length: config.vocab_size }, (_, i) => `w${i}`)
export const tokenizer = Tokenizer.words(words)

export const values = Parameters.initialise(config, "bench")

/** A folder with config.json and model.safetensors, as a Hugging Face model is stored. */
export const writeModel = async () => {
  const folder = mkdtempSync(join(tmpdir(), "lpo-bench-"))
  await Effect.runPromise(ModelFiles.save({ config, tokenizer, values, lora: null }, folder, { optimizer: false }))
  return folder
}

/** Some token, without pattern enough to learn in a few steps; the first one is shared by eight rows, a group. */
const token = (row, position) =>
  (position === 0 ? Math.floor(row / 8) : row * 7 + position * position * 3 + row * position) % config.vocab_size

/** `rows` sequences of `length` tokens. */
export const sequences = (rows, length) =>
  Array.from({ length: rows }, (_, row) => Int32Array.from({ length }, (_, position) => token(row, position)))

/** One weight per token, of both signs, as the coefficients of an update have. */
export const weights = (rows, length) =>
  Array.from({ length: rows }, (_, row) =>
    Float32Array.from({ length }, (_, t) => (((row * 31 + t * 17) % 13) - 6) / (6 * rows)),
  )

/** The problems of the whole step: `count` prompts of `length` words. */
export const problems = (count, length) =>
  sequences(count, length).map((tokens, i) => ({
    id: `p${i}`,
    task: "bench",
    prompt: tokenizer.decode(tokens),
    answer: null,
  }))
