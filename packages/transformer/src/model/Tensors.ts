/**
 * The table of a decoder's tensors: what each is called in code and in a Hugging Face checkpoint, its shape, what it is made of at
 * first, and when it is there. The flat vector, fresh parameters, uploads, adapters and packed weights all follow it.
 */
import { featuresOf, gainOffset, headSize, type ModelConfig } from "./ModelConfig.ts"

/** The sizes that shapes are made of. */
const widthsOf = (config: ModelConfig) => ({
  hidden: config.hidden_size,
  queries: config.num_attention_heads * headSize(config),
  keys: config.num_key_value_heads * headSize(config),
  head: headSize(config),
  feedForward: config.intermediate_size,
})

type Width = keyof ReturnType<typeof widthsOf>
type Feature = keyof ReturnType<typeof featuresOf>

interface Norm {
  readonly kind: "norm"
  /** Within a layer, without `.weight`; `sandwiched` where what comes out is normed too. */
  readonly name: string
  readonly sandwiched?: string
  readonly size: Width
  /** Only with this feature. */
  readonly when?: Feature
}

interface Linear {
  readonly kind: "linear"
  readonly name: string
  readonly out: Width
  readonly in: Width
  /** A bias [out], with this feature. */
  readonly bias: Feature
  /** Whether it writes to the residual stream, and so starts smaller. */
  readonly residual?: true
}

/** The tensors of a layer, in the order of the flat vector; a linear map's bias follows its weight. @category models */
export const ofLayer = {
  inputNorm: { kind: "norm", name: "input_layernorm", size: "hidden" },
  q: { kind: "linear", name: "self_attn.q_proj", out: "queries", in: "hidden", bias: "projectionBias" },
  k: { kind: "linear", name: "self_attn.k_proj", out: "keys", in: "hidden", bias: "projectionBias" },
  v: { kind: "linear", name: "self_attn.v_proj", out: "keys", in: "hidden", bias: "projectionBias" },
  o: { kind: "linear", name: "self_attn.o_proj", out: "hidden", in: "queries", bias: "outputBias", residual: true },
  /** Of what attention gave, before it is added to the stream. */
  attentionNorm: { kind: "norm", name: "post_attention_layernorm", size: "hidden", when: "sandwich" },
  /** Before the MLP. */
  postNorm: {
    kind: "norm",
    name: "post_attention_layernorm",
    sandwiched: "pre_feedforward_layernorm",
    size: "hidden",
  },
  gate: { kind: "linear", name: "mlp.gate_proj", out: "feedForward", in: "hidden", bias: "mlpBias" },
  up: { kind: "linear", name: "mlp.up_proj", out: "feedForward", in: "hidden", bias: "mlpBias" },
  down: { kind: "linear", name: "mlp.down_proj", out: "hidden", in: "feedForward", bias: "mlpBias", residual: true },
  /** Of what the MLP gave. */
  feedForwardNorm: { kind: "norm", name: "post_feedforward_layernorm", size: "hidden", when: "sandwich" },
  qNorm: { kind: "norm", name: "self_attn.q_norm", size: "head", when: "headNorm" },
  kNorm: { kind: "norm", name: "self_attn.k_norm", size: "head", when: "headNorm" },
} as const satisfies Readonly<Record<string, Norm | Linear>>

type Table = typeof ofLayer

/** @category models */
export type Key = keyof Table
/** @category models */
export type LinearKey = { readonly [K in Key]: Table[K] extends Linear ? K : never }[Key]
/** @category models */
export type NormKey = Exclude<Key, LinearKey>
/** Norms that some families lack. @category models */
export type OptionalKey = { readonly [K in Key]: Table[K] extends { readonly when: Feature } ? K : never }[Key]

const keys = Object.keys(ofLayer) as ReadonlyArray<Key>

/** @category models */
export const linearKeys = keys.filter((key): key is LinearKey => ofLayer[key].kind === "linear")
/** @category models */
export const normKeys = keys.filter((key): key is NormKey => ofLayer[key].kind === "norm")

/** Names outside of the layers, without `.weight`. @category models */
export const embedding = "model.embed_tokens"
/** @category models */
export const lastNorm = "model.norm"

/** The head's name: the embedding itself where the two are tied. @category combinators */
export const head = (config: ModelConfig): string => (config.tie_word_embeddings ? embedding : "lm_head")

/** A layer's tensor by its name in the checkpoint, without `.weight` or `.bias`. @category combinators */
export const nameOf = (config: ModelConfig, layer: number, key: Key): string => {
  const { name, sandwiched }: { readonly name: string; readonly sandwiched?: string } = ofLayer[key]
  return `model.layers.${layer}.${featuresOf(config).sandwich ? (sandwiched ?? name) : name}`
}

/** Whether a model has a norm. @category combinators */
export const has = (config: ModelConfig, key: NormKey): boolean => {
  const { when }: Norm = ofLayer[key]
  return when === undefined || featuresOf(config)[when]
}

/** Whether a model's linear map has a bias. @category combinators */
export const biased = (config: ModelConfig, key: LinearKey): boolean => featuresOf(config)[ofLayer[key].bias]

/** The shape of a linear map's weight, [out, in]. @category combinators */
export const shapeOf = (config: ModelConfig, key: LinearKey): readonly [number, number] => {
  const widths = widthsOf(config)
  const { in: from, out } = ofLayer[key]
  return [widths[out], widths[from]]
}

/** @category models */
export interface Tensor {
  /** In the checkpoint. */
  readonly name: string
  readonly shape: readonly [number] | readonly [number, number]
  /** How it starts: normal with this mean and deviation. */
  readonly start: { readonly mean: number; readonly std: number }
}

/** Every tensor of a model, in the order of the flat vector. @category combinators */
export const all = (config: ModelConfig): ReadonlyArray<Tensor> => {
  const { num_hidden_layers: layers, vocab_size } = config
  const widths = widthsOf(config)
  const norm = (name: string, size: Width): Tensor => ({
    name: `${name}.weight`,
    shape: [widths[size]],
    start: { mean: 1 - gainOffset(config), std: 0 },
  })
  const table = (name: string): Tensor => ({
    name: `${name}.weight`,
    shape: [vocab_size, widths.hidden],
    start: { mean: 0, std: 0.02 },
  })
  const linear = (layer: number, key: LinearKey): ReadonlyArray<Tensor> => {
    const shape = shapeOf(config, key)
    const { residual }: Linear = ofLayer[key]
    const std = 0.6 / Math.sqrt(shape[1]) / (residual ? Math.sqrt(2 * layers) : 1)
    const weight: Tensor = { name: `${nameOf(config, layer, key)}.weight`, shape, start: { mean: 0, std } }
    const bias: Tensor = { name: `${nameOf(config, layer, key)}.bias`, shape: [shape[0]], start: { mean: 0, std: 0 } }
    return biased(config, key) ? [weight, bias] : [weight]
  }
  const isLinear = (key: Key): key is LinearKey => ofLayer[key].kind === "linear"
  const ofOne = (layer: number): ReadonlyArray<Tensor> =>
    keys.flatMap((key) => {
      if (isLinear(key)) return linear(layer, key)
      return has(config, key) ? [norm(nameOf(config, layer, key), ofLayer[key].size)] : []
    })
  return [
    table(embedding),
    ...Array.from({ length: layers }, (_, layer) => ofOne(layer)).flat(),
    norm(lastNorm, "hidden"),
    ...(config.tie_word_embeddings ? [] : [table("lm_head")]),
  ]
}
