/** A tiny random model for tests: 2 layers, 4 query heads on 2 key and value heads. */
import type { Sequence } from "@lpo/rollout"
import { Backend, type ModelConfig, Parameters, Replica, Tokenizer } from "@lpo/transformer"
import { Effect } from "effect"

export const config: ModelConfig.ModelConfig = {
  model_type: "llama",
  vocab_size: 11,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
}

export const tokenizer = Tokenizer.words(Array.from("0123456789"))

/** One of each family: biases, norms of heads, windows shorter than the sequences, heads of another size, untied heads. */
export const families: Readonly<Record<string, ModelConfig.ModelConfig>> = {
  llama: { ...config, attention_bias: true, mlp_bias: true, head_dim: 6 },
  mistral: { ...config, model_type: "mistral", sliding_window: 3, tie_word_embeddings: false },
  qwen2: { ...config, model_type: "qwen2", use_sliding_window: true, sliding_window: 2, max_window_layers: 1 },
  qwen3: {
    ...config,
    model_type: "qwen3",
    head_dim: 8,
    tie_word_embeddings: false,
    use_sliding_window: true,
    sliding_window: 4,
    layer_types: ["sliding_attention", "full_attention"],
  },
  smollm3: { ...config, model_type: "smollm3", no_rope_layers: [1, 0], use_sliding_window: false },
  gemma2: {
    ...config,
    model_type: "gemma2",
    head_dim: 6,
    sliding_window: 2,
    layer_types: ["sliding_attention", "full_attention"],
    query_pre_attn_scalar: 10,
    attn_logit_softcapping: 1.5,
    final_logit_softcapping: 3,
  },
  gemma3: {
    ...config,
    model_type: "gemma3_text",
    head_dim: 8,
    tie_word_embeddings: false,
    sliding_window: 3,
    layer_types: ["sliding_attention", "full_attention"],
    query_pre_attn_scalar: 12,
    rope_local_base_freq: 50,
    rope_scaling: { rope_type: "linear", factor: 3 },
  },
}

/** Large enough weights that every path of the gradient matters. */
export const values = (of: ModelConfig.ModelConfig = config): Float32Array => {
  const out = Parameters.initialise(of, "tiny")
  for (const slot of Parameters.layout(of)) {
    const view = out.subarray(slot.offset, slot.offset + slot.size)
    const middle = slot.name.endsWith(".bias") || of.model_type.startsWith("gemma") ? 0 : 1
    for (let i = 0; i < view.length; i++) view[i] = slot.shape.length === 1 ? middle + 0.2 * Math.sin(i) : 3 * view[i]
    if (/embed|lm_head/.test(slot.name))
      // Gemma multiplies its embeddings itself.
      for (let i = 0; i < view.length; i++)
        view[i] *= of.model_type.startsWith("gemma") && slot.name !== "lm_head.weight" ? 4 : 10
  }
  return out
}

/** A replica on a backend, and the parameters it works on. */
export const replica = async (
  backend: Backend.BackendName,
  of: ModelConfig.ModelConfig = config,
  options: Replica.Options = {},
) => {
  await Effect.runPromise(Backend.start(backend))
  const own = values(of)
  return { values: own, ...Replica.make(of, own, options) }
}

/** Ragged prompts and completions, one of them a single token. */
export const pairs: ReadonlyArray<Sequence.Sequence> = [
  { prompt: Int32Array.of(1, 2, 3), completion: Int32Array.of(4, 5, 10) },
  { prompt: Int32Array.of(7), completion: Int32Array.of(10) },
  { prompt: Int32Array.of(9, 9, 8, 1, 0), completion: Int32Array.of(2, 2, 6, 10) },
]
export const tokenWeights = [Float32Array.of(0.5, -1, 2), Float32Array.of(1.5), Float32Array.of(-0.7, 0.2, 1, -0.3)]
