/** What is known of the options of a `config.json` beyond those that `ModelConfig` keeps. */
import type * as Family from "./Family.ts"

/** Options with one value that is implemented; null and absent are fine too. */
export const fixed: Readonly<Record<string, unknown>> = {
  hidden_act: "silu",
  hidden_activation: null,
  attention_dropout: 0,
  partial_rotary_factor: 1,
  quantization_config: null,
  use_mrope: false,
  is_encoder_decoder: false,
  rope_interleaved: false,
}

/** Options that say nothing about the computation. */
export const inert = new Set(
  (
    "architectures bos_token_id eos_token_id pad_token_id unk_token_id sep_token_id torch_dtype dtype transformers_version " +
    "use_cache initializer_range pretraining_tp return_dict output_attentions output_hidden_states torchscript id2label label2id " +
    "num_labels problem_type is_decoder add_cross_attention chunk_size_feed_forward task_specific_params tokenizer_class prefix " +
    "name_or_path"
  ).split(" "),
)

/** Options that trainers and converters leave behind: what transformers' forward pass never reads, and why; `ModelConfig.notice` names them. */
export const harmless: Readonly<Record<string, string>> = {
  is_llama_config: "says where a converter took the model from",
  unsloth_fixed: "a mark of the trainer",
  unsloth_version: "a mark of the trainer",
  neftune_noise_alpha: "noise on embeddings in training by another trainer",
  gradient_checkpointing: "how another trainer saves memory",
  attn_implementation: "which kernel computes the same attention",
  max_length: "a default of generate, which a sampler's options replace",
  min_length: "a default of generate, which a sampler's options replace",
  do_sample: "a default of generate, which a sampler's options replace",
  temperature: "a default of generate, which a sampler's options replace",
  top_k: "a default of generate, which a sampler's options replace",
  top_p: "a default of generate, which a sampler's options replace",
  num_beams: "a default of generate, which a sampler's options replace",
  repetition_penalty: "a default of generate, which a sampler's options replace",
  max_new_tokens: "a default of generate, which a sampler's options replace",
  finetuning_task: "says what the model was trained for",
  model_name: "a name",
  cache_implementation: "which cache transformers keeps in generate",
  use_bfloat16: "says what the weights were stored as",
}

/** Options that only some families have. */
export const owned: Readonly<Record<string, (family: Family.Family) => boolean>> = {
  no_rope_layers: ({ unturned }) => unturned !== null,
  no_rope_layer_interval: ({ unturned }) => unturned !== null,
  query_pre_attn_scalar: ({ gemma }) => gemma,
  attn_logit_softcapping: ({ gemma }) => gemma,
  final_logit_softcapping: ({ gemma }) => gemma,
  rope_local_base_freq: ({ localRope }) => localRope,
  sliding_window_pattern: ({ slides }) => typeof slides === "object",
}

/** Options for which null is a value of its own, and not the default. */
export const nullable = new Set(["sliding_window", "attn_logit_softcapping", "final_logit_softcapping"])

export const same = (a: unknown, b: unknown): boolean => a === b || (a ?? null) === (b ?? null)

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  value !== null && typeof value === "object" && !Array.isArray(value)
