/**
 * The shape of a decoder, in the names of a Hugging Face `config.json`: those of `Family.ts`.
 *
 * What an option means follows transformers; an option that is not implemented
 * is refused by name, never ignored.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import type { Activation } from "../ops/Ops.ts"
import { ModelError } from "../TransformerError.ts"
import * as Family from "./Family.ts"
import * as KnownOptions from "./KnownOptions.ts"
import * as RopeOptions from "./RopeOptions.ts"
import * as TextSide from "./TextSide.ts"

const Size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000_000 }))
// Every layer costs memory before a weight is read; the deepest models have some hundred.
const Layers = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1024 }))
const Positive = Schema.Finite.check(Schema.isGreaterThan(0))
const Factor = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1))

/** Scaled rotary positions, by `rope_type`; `RotaryTables.ts` has the formulas. @category models */
export const RopeScaling = Schema.Union([
  Schema.Struct({ rope_type: Schema.Literal("linear"), factor: Factor }),
  Schema.Struct({ rope_type: Schema.Literal("dynamic"), factor: Factor }),
  Schema.Struct({
    rope_type: Schema.Literal("llama3"),
    factor: Factor,
    low_freq_factor: Positive,
    high_freq_factor: Positive,
    original_max_position_embeddings: Size,
  }),
  Schema.Struct({
    rope_type: Schema.Literal("yarn"),
    factor: Factor,
    original_max_position_embeddings: Size,
    attention_factor: Schema.optionalKey(Positive),
    beta_fast: Schema.optionalKey(Positive),
    beta_slow: Schema.optionalKey(Positive),
    mscale: Schema.optionalKey(Schema.Finite),
    mscale_all_dim: Schema.optionalKey(Schema.Finite),
    truncate: Schema.optionalKey(Schema.Boolean),
  }),
])
/** @category models */
export type RopeScaling = typeof RopeScaling.Type

/** @category models */
export const ModelConfig = Schema.Struct({
  model_type: Schema.Literals(Family.names),
  vocab_size: Size,
  hidden_size: Size,
  intermediate_size: Size,
  num_hidden_layers: Layers,
  num_attention_heads: Size,
  /** Query heads share key and value heads in groups of `num_attention_heads / num_key_value_heads`. */
  num_key_value_heads: Size,
  max_position_embeddings: Size,
  rope_theta: Positive,
  rms_norm_eps: Positive,
  /** Whether the head is the embedding; otherwise it is `lm_head.weight`. */
  tie_word_embeddings: Schema.Boolean,
  /** Default: `hidden_size / num_attention_heads`. */
  head_dim: Schema.optionalKey(Size),
  /** Biases of the q, k, v and o projections (llama, qwen3); qwen2 always has those of q, k and v. Default false. */
  attention_bias: Schema.optionalKey(Schema.Boolean),
  /** Biases of the three maps of the MLP (llama). Default false. */
  mlp_bias: Schema.optionalKey(Schema.Boolean),
  rope_scaling: Schema.optionalKey(Schema.NullOr(RopeScaling)),
  /** A position sees itself and the `sliding_window - 1` before it: every layer of mistral, some of qwen. Default null, all. */
  sliding_window: Schema.optionalKey(Schema.NullOr(Size)),
  /** qwen: whether `sliding_window` counts. Default false. */
  use_sliding_window: Schema.optionalKey(Schema.Boolean),
  /** qwen: layers before this one see everything. Default 28. */
  max_window_layers: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  /** qwen: said layer by layer, it overrides `max_window_layers`. */
  layer_types: Schema.optionalKey(Schema.Array(Schema.Literals(["full_attention", "sliding_attention"]))),
  /** smollm3: 0 for a layer that does not turn queries and keys by position, 1 for one that does. */
  no_rope_layers: Schema.optionalKey(Schema.Array(Schema.Literals([0, 1]))),
  /** gemma: scores are scaled by this to the power of -1/2. Elsewhere by that of the size of a head. */
  query_pre_attn_scalar: Schema.optionalKey(Positive),
  /** gemma: scores and logits become `cap * tanh(x / cap)`; null leaves them. */
  attn_logit_softcapping: Schema.optionalKey(Schema.NullOr(Positive)),
  final_logit_softcapping: Schema.optionalKey(Schema.NullOr(Positive)),
  /** gemma3: the base of positions in sliding layers, which are not scaled. */
  rope_local_base_freq: Schema.optionalKey(Positive),
})
/** @category models */
export type ModelConfig = typeof ModelConfig.Type

/** The harmless options of a `config.json` in one line, or null where it has none. @category combinators */
export const notice = (input: Readonly<Record<string, unknown>>): string | null => {
  const found = Object.keys(input).filter((key) => Object.hasOwn(KnownOptions.harmless, key))
  return found.length === 0
    ? null
    : `config.json: without effect here: ${found.map((key) => `${key} (${KnownOptions.harmless[key]})`).join(", ")}`
}

/** What transformers makes of options that say it briefly. */
const spelledOut = (
  known: Record<string, unknown>,
  input: Readonly<Record<string, unknown>>,
  family: Family.Family,
) => {
  const layers = known["num_hidden_layers"]
  if (typeof layers !== "number" || !(layers <= 1024)) return
  const every = (n: unknown, layer: number): boolean => (layer + 1) % Number(n) === 0
  const indices = Array.from({ length: layers }, (_, layer) => layer)
  const { slides, unturned } = family
  if (unturned !== null)
    known["no_rope_layers"] ??= indices.map((l) => (every(input["no_rope_layer_interval"] ?? unturned, l) ? 0 : 1))
  const bare = known["no_rope_layers"]
  if (unturned !== null && Array.isArray(bare))
    // Where layers slide at all, it is those without positions.
    known["layer_types"] ??= indices.map((l) =>
      known["use_sliding_window"] === true && bare[l] === 0 ? "sliding_attention" : "full_attention",
    )
  if (typeof slides === "object")
    known["layer_types"] ??= indices.map((l) =>
      every(input["sliding_window_pattern"] ?? slides.allBut, l) ? "full_attention" : "sliding_attention",
    )
}

const decodeSchema = Schema.decodeUnknownEffect(ModelConfig, { errors: "all", onExcessProperty: "error" })

/**
 * Decodes and checks a `config.json`. Fails with a `ModelError` that names the architecture or every offending option; an option
 * that this engine does not know and that you know to be harmless can be named in `ignore`.
 *
 * @category constructors
 */
export const decode = Effect.fn("ModelConfig.decode")(function* (
  raw: unknown,
  { ignore = [] }: { readonly ignore?: ReadonlyArray<string> } = {},
) {
  const fail = (reason: string) => new ModelError({ reason: `model config: ${reason}` })
  if (!KnownOptions.isObject(raw)) return yield* fail("is not a JSON object")
  const text = TextSide.configOf(raw)
  const local = RopeOptions.readLocal(text)
  if (typeof local === "string") return yield* fail(local)
  const { input } = local
  const name = Family.names.find((known) => known === input["model_type"])
  if (name === undefined) {
    return yield* fail(
      `architecture ${JSON.stringify(input["model_type"] ?? null)} is not implemented; the engine runs ${Family.names.join(", ")}`,
    )
  }
  const family: Family.Family = Family.byName[name]
  const architectures = input["architectures"]
  if (Array.isArray(architectures) && architectures.length > 0 && !architectures.includes(family.architecture)) {
    return yield* fail(`architectures is ${JSON.stringify(architectures)}; ${name} models are ${family.architecture}`)
  }
  const rope = RopeOptions.read(input, family.defaults["rope_theta"])
  if (typeof rope === "string") return yield* fail(rope)
  const { num_attention_heads: attentionHeads } = input
  const known: Record<string, unknown> = {
    num_key_value_heads: attentionHeads,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: false,
    ...family.defaults,
  }
  for (const [key, value] of Object.entries(input)) {
    if (
      ignore.includes(key) ||
      KnownOptions.inert.has(key) ||
      Object.hasOwn(KnownOptions.harmless, key) ||
      key.startsWith("_")
    )
      continue
    if (["rope_scaling", "rope_parameters", "rope_theta", "original_max_position_embeddings"].includes(key)) continue
    if (Object.hasOwn(KnownOptions.owned, key) && !KnownOptions.owned[key](family)) {
      if (value === null) continue
      return yield* fail(`${key} is ${JSON.stringify(value)}, which is not implemented for ${name}; leave it out`)
    }
    if (["sliding_window_pattern", "no_rope_layer_interval"].includes(key)) continue
    const rules = { ...KnownOptions.fixed, ...family.fixed }
    if (key in rules) {
      if (value !== null && !KnownOptions.same(value, rules[key])) {
        return yield* fail(
          `${key} is ${JSON.stringify(value)}, which is not implemented for ${name}; it must be ${JSON.stringify(rules[key])} or absent`,
        )
      }
      continue
    }
    if (!(key in ModelConfig.fields)) {
      return yield* fail(
        `has the option ${key}, which is not implemented; if it does not change what the model computes, name it in \`ignore\` (--ignore ${key})`,
      )
    }
    if (value !== null || KnownOptions.nullable.has(key)) known[key] = value
  }
  spelledOut(known, input, family)
  known["rope_theta"] = rope.theta
  if (rope.scaling !== null) known["rope_scaling"] = rope.scaling
  const config = yield* decodeSchema(known).pipe(Effect.mapError((error) => fail(error.message)))
  const refusal = check(config)
  return refusal === null ? config : yield* fail(refusal)
})

/** Why sizes do not fit each other, or null. */
const check = (config: ModelConfig): string | null => {
  const { head_dim, hidden_size, layer_types, num_attention_heads, num_key_value_heads, rope_scaling } = config
  if (head_dim === undefined && hidden_size % (2 * num_attention_heads) !== 0)
    return `hidden_size ${hidden_size} must be an even multiple of num_attention_heads ${num_attention_heads}`
  if (headSize(config) % 2 !== 0) return `head_dim ${head_dim} must be even`
  if (num_attention_heads % num_key_value_heads !== 0)
    return `num_attention_heads ${num_attention_heads} must be a multiple of num_key_value_heads ${num_key_value_heads}`
  if (layer_types !== undefined && layer_types.length !== config.num_hidden_layers)
    return `layer_types names ${layer_types.length} layers of ${config.num_hidden_layers}`
  if (layer_types?.includes("sliding_attention") && slidingWindow(config) === null)
    return "layer_types has a sliding_attention layer, but there is no sliding_window"
  if (config.no_rope_layers !== undefined && config.no_rope_layers.length < config.num_hidden_layers)
    return `no_rope_layers names ${config.no_rope_layers.length} layers of ${config.num_hidden_layers}`
  if (rope_scaling?.rope_type === "llama3" && rope_scaling.high_freq_factor <= rope_scaling.low_freq_factor)
    return `rope_scaling: high_freq_factor ${rope_scaling.high_freq_factor} must be above low_freq_factor ${rope_scaling.low_freq_factor}`
  if (rope_scaling?.rope_type === "dynamic" && headSize(config) < 4)
    return `dynamic rope_scaling needs a head_dim of at least 4, got ${headSize(config)}`
  return null
}

/** Size of one attention head. @category combinators */
export const headSize = (config: ModelConfig): number =>
  config.head_dim ?? config.hidden_size / config.num_attention_heads

/** Which optional tensors a layer has. @category combinators */
export const featuresOf = ({ attention_bias, mlp_bias, model_type }: ModelConfig) => {
  const { attentionBias, gemma, headNorm }: Family.Family = Family.byName[model_type]
  const asked = attention_bias === true
  return {
    /** Biases of q, k and v. */
    projectionBias: asked || attentionBias !== "asked",
    /** Bias of o. */
    outputBias: asked && attentionBias === "asked",
    mlpBias: mlp_bias === true,
    /** RMSNorm on every head of the queries and keys, before the rotary embedding. */
    headNorm,
    /** Norms of what attention and MLP give. */
    sandwich: gemma,
  }
}

/** What is added to a norm's weight to make its gain. @category combinators */
export const gainOffset = ({ model_type }: ModelConfig): number => (Family.byName[model_type].gemma ? 1 : 0)

/** What embeddings are multiplied with before the first layer. @category combinators */
export const embeddingScale = ({ hidden_size, model_type }: ModelConfig): number =>
  Family.byName[model_type].gemma ? Math.fround(Math.sqrt(hidden_size)) : 1

/** What products of queries and keys are multiplied with. @category combinators */
export const scoreScale = (config: ModelConfig): number =>
  1 / Math.sqrt(config.query_pre_attn_scalar ?? headSize(config))

/** What gates the MLP. @category combinators */
export const activationOf = ({ model_type }: ModelConfig): Activation => Family.byName[model_type].activation

/** By which positions a layer turns queries and keys: the model's, or its own of sliding layers; null turns nothing. @category combinators */
export const turnOf = (config: ModelConfig, layer: number): "global" | "local" | null => {
  if (config.no_rope_layers?.[layer] === 0) return null
  const local = Family.byName[config.model_type].localRope && config.layer_types?.[layer] === "sliding_attention"
  return local ? "local" : "global"
}

const slidesOf = ({ model_type }: ModelConfig): Family.Family["slides"] => Family.byName[model_type].slides

const slidingWindow = (config: ModelConfig): number | null =>
  slidesOf(config) !== "asked" || config.use_sliding_window === true ? (config.sliding_window ?? null) : null

/** How many positions a position of this layer sees, itself included; null is all before it. @category combinators */
export const windowOf = (config: ModelConfig, layer: number): number | null => {
  if (slidesOf(config) === "always") return slidingWindow(config)
  const slides =
    config.layer_types === undefined
      ? layer >= (config.max_window_layers ?? 28)
      : config.layer_types[layer] === "sliding_attention"
  return slides ? slidingWindow(config) : null
}
