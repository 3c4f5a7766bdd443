/** Random models: the small one of the first preset, a Llama of 109 million parameters, and one for software adapters. */
import { ModelConfig, Parameters, Tokenizer } from "@lpo/transformer"
import { Effect } from "effect"

const shape = (options) =>
  Effect.runSync(
    ModelConfig.decode({
      model_type: "llama",
      rope_theta: 10_000,
      rms_norm_eps: 1e-5,
      tie_word_embeddings: true,
      max_position_embeddings: 1024,
      ...options,
    }),
  )

export const small = shape({
  vocab_size: 64,
  hidden_size: 128,
  intermediate_size: 352,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 4,
})

export const large = shape({
  vocab_size: 32_000,
  hidden_size: 768,
  intermediate_size: 2048,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  num_key_value_heads: 12,
})

export const tiny = shape({
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 2,
})

export const initialise = (config) => Parameters.initialise(config, "gpu")

/** Words `w0`, `w1`, ...: the stop token comes after them, outside the vocabulary, so that every response has its full length. */
export const tokenizerOf = (config) => Tokenizer.words(Array.from({ length: config.vocab_size }, (_, i) => `w${i}`))

/** `count` sequences of `length` tokens without much of a pattern. */
export const sequences = (config, count, length) =>
  Array.from({ length: count }, (_, row) =>
    Int32Array.from({ length }, (_, t) => (row * 7 + t * t * 3 + row * t) % config.vocab_size),
  )
