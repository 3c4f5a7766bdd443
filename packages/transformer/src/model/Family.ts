/**
 * The families that the engine runs, one entry each: what tells them apart. All are pre-norm decoders with RMSNorm, rotary
 * positions, grouped key and value heads and SwiGLU.
 */

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
  /** Whether every layer has the `sliding_window`, or those that the configuration names where it asks for one. */
  readonly slides: "always" | "asked"
}

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
  },
  qwen2: {
    architecture: "Qwen2ForCausalLM",
    fixed: { attention_bias: true, mlp_bias: false },
    defaults: { num_key_value_heads: 32, sliding_window: 4096 },
    attentionBias: "queries, keys and values",
    headNorm: false,
    slides: "asked",
  },
  qwen3: {
    architecture: "Qwen3ForCausalLM",
    fixed: { mlp_bias: false },
    defaults: { num_key_value_heads: 32, sliding_window: 4096, head_dim: 128 },
    attentionBias: "asked",
    headNorm: true,
    slides: "asked",
  },
})

/** @category models */
export type Name = keyof typeof byName

/** @category models */
export const names = Object.keys(byName) as ReadonlyArray<Name>
