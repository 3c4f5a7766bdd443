/**
 * The families that the engine runs, one entry each: what tells them apart. All are pre-norm decoders with RMSNorm, rotary
 * positions, grouped key and value heads and a gated MLP.
 */
import type { Activation } from "../ops/Ops.ts"

/** @category models */
export interface Family {
  /** The class of transformers. */
  readonly architecture: string
  /** Options of other families that would change this one's computation in some engine and not in another: the value it must have. */
  readonly fixed: Readonly<Record<string, unknown>>
  /** What transformers takes where `config.json` is silent. */
  readonly defaults: Readonly<Record<string, unknown>>
  /** Which attention maps have biases: those of q, k and v always, or all four where `attention_bias` asks for them. */
  readonly attentionBias: "queries, keys and values" | "asked"
  /** RMSNorm on every head of the queries and keys, before the rotary embedding. */
  readonly headNorm: boolean
  /**
   * Which layers have the `sliding_window`: all; those that the configuration names where it asks for one; or those that
   * `layer_types` names, where it is silent all but every n-th.
   */
  readonly slides: "always" | "asked" | { readonly allBut: number }
  /** Layers that do not turn queries and keys by position: where the configuration is silent every n-th; null: all turn. */
  readonly unturned: number | null
  /** Positions of sliding layers turn by `rope_local_base_freq`, without scaling. */
  readonly localRope: boolean
  /** What gates the MLP. */
  readonly activation: Activation
  /** Gemma's ways: gains are 1 + weight, embeddings count sqrt(hidden_size) times, and what attention and MLP give is normed too. */
  readonly gemma: boolean
}

/** What most families have. */
const plain = { unturned: null, localRope: false, activation: "silu", gemma: false } as const

/** Rules and defaults of both Gemmas. */
const gemma = {
  fixed: {
    hidden_act: "gelu_pytorch_tanh",
    hidden_activation: "gelu_pytorch_tanh",
    use_bidirectional_attention: false,
    mlp_bias: false,
    use_sliding_window: null,
    max_window_layers: null,
  },
  defaults: {
    num_key_value_heads: 4,
    head_dim: 256,
    sliding_window: 4096,
    query_pre_attn_scalar: 256,
    tie_word_embeddings: true,
  },
} as const

const define = <Name extends string>(families: Readonly<Record<Name, Family>>) => families

/** By `model_type`. @category models */
export const byName = define({
  llama: {
    architecture: "LlamaForCausalLM",
    fixed: { sliding_window: null, use_sliding_window: false, max_window_layers: null, layer_types: null },
    defaults: {},
    attentionBias: "asked",
    headNorm: false,
    slides: "asked",
    ...plain,
  },
  mistral: {
    architecture: "MistralForCausalLM",
    fixed: {
      attention_bias: false,
      mlp_bias: false,
      use_sliding_window: null,
      max_window_layers: null,
      layer_types: null,
    },
    defaults: { num_key_value_heads: 8, sliding_window: 4096 },
    attentionBias: "asked",
    headNorm: false,
    slides: "always",
    ...plain,
  },
  qwen2: {
    architecture: "Qwen2ForCausalLM",
    fixed: { attention_bias: true, mlp_bias: false },
    defaults: { num_key_value_heads: 32, sliding_window: 4096 },
    attentionBias: "queries, keys and values",
    headNorm: false,
    slides: "asked",
    ...plain,
  },
  qwen3: {
    architecture: "Qwen3ForCausalLM",
    fixed: { mlp_bias: false },
    defaults: { num_key_value_heads: 32, sliding_window: 4096, head_dim: 128 },
    attentionBias: "asked",
    headNorm: true,
    slides: "asked",
    ...plain,
  },
  smollm3: {
    architecture: "SmolLM3ForCausalLM",
    fixed: {},
    defaults: { num_key_value_heads: 4, tie_word_embeddings: true, rope_theta: 2_000_000 },
    attentionBias: "asked",
    headNorm: false,
    slides: "asked",
    ...plain,
    unturned: 4,
  },
  gemma2: {
    architecture: "Gemma2ForCausalLM",
    fixed: gemma.fixed,
    defaults: { ...gemma.defaults, attn_logit_softcapping: 50, final_logit_softcapping: 30 },
    attentionBias: "asked",
    headNorm: false,
    slides: { allBut: 2 },
    ...plain,
    activation: "gelu",
    gemma: true,
  },
  gemma3_text: {
    architecture: "Gemma3ForCausalLM",
    fixed: gemma.fixed,
    defaults: { ...gemma.defaults, rope_theta: 1_000_000, rope_local_base_freq: 10_000 },
    attentionBias: "asked",
    headNorm: true,
    slides: { allBut: 6 },
    ...plain,
    localRope: true,
    activation: "gelu",
    gemma: true,
  },
})

/** @category models */
export type Name = keyof typeof byName

/** @category models */
export const names = Object.keys(byName) as ReadonlyArray<Name>
