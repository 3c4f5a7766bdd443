/**
 * The text side of models that also see: their `config.json` as that of a model of text alone, which computes the same of a text, and
 * their tensors by its names. What is saved is that model of text.
 */

type Json = Readonly<Record<string, unknown>>

interface Side {
  /** The model of text. */
  readonly model_type: string
  readonly architecture: string
  /** What transformers takes where the text side's configuration is silent, and the model of text would take something else. */
  readonly defaults: Json
}

/** By `model_type`. */
const sides: Readonly<Record<string, Side>> = {
  // Positions in three dimensions (mrope) are the same number thrice for a text, which turns heads as Qwen2 does.
  qwen2_5_vl: {
    model_type: "qwen2",
    architecture: "Qwen2ForCausalLM",
    defaults: {
      num_key_value_heads: 8,
      rms_norm_eps: 1e-5,
      max_position_embeddings: 32_768,
      rope_theta: 1_000_000,
      sliding_window: 4096,
      max_window_layers: 80,
      tie_word_embeddings: false,
    },
  },
  gemma3: {
    model_type: "gemma3_text",
    architecture: "Gemma3ForCausalLM",
    defaults: {
      vocab_size: 262_208,
      hidden_size: 2304,
      intermediate_size: 9216,
      num_hidden_layers: 26,
      num_attention_heads: 8,
      max_position_embeddings: 131_072,
    },
  },
}

/** Options of the outer configuration that say how pictures are put into a text. */
const seeing =
  /^(vision_config|text_config|vision_(start|end|_?token).*|(image|video|boi|eoi)_token_(id|index)|mm_tokens_per_image)$/

const isObject = (value: unknown): value is Json => value !== null && typeof value === "object" && !Array.isArray(value)

const withoutSections = (rope: unknown): unknown => {
  if (!isObject(rope)) return rope
  const { mrope_section: _, ...rest } = rope
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, value === "mrope" ? "default" : value]))
}

/** A `config.json`, or that of its text side where the model also sees. @category decoding */
export const configOf = (raw: Json): Json => {
  const type = raw["model_type"]
  const side = typeof type === "string" && Object.hasOwn(sides, type) ? sides[type] : undefined
  if (side === undefined) return raw
  const outer = Object.fromEntries(Object.entries(raw).filter(([key]) => !seeing.test(key)))
  const text = isObject(raw["text_config"]) ? raw["text_config"] : {}
  const { tie_word_embeddings: tied } = raw
  const all: Json = {
    ...side.defaults,
    ...outer,
    ...text,
    ...(typeof tied === "boolean" ? { tie_word_embeddings: tied } : {}),
  }
  const ropes = ["rope_scaling", "rope_parameters"].filter((key) => key in all)
  return {
    ...all,
    ...Object.fromEntries(ropes.map((key) => [key, withoutSections(all[key])])),
    model_type: side.model_type,
    architectures: [side.architecture],
  }
}

/** Where checkpoints of such models have their text side: as transformers 4 wrote them, and as transformers 5 does. */
const prefixes = ["model.language_model.", "language_model.model."]
const unseen = /^(model\.)?(visual|vision_tower|vision_model|multi_modal_projector)\./

/** A tensor by its name in the model of text; null for one that only sees. @category decoding */
export const nameOf = (raw: Json, name: string): string | null => {
  const type = raw["model_type"]
  if (typeof type !== "string" || !Object.hasOwn(sides, type)) return name
  if (unseen.test(name)) return null
  const prefix = prefixes.find((known) => name.startsWith(known))
  if (prefix !== undefined) return `model.${name.slice(prefix.length)}`
  return name === "language_model.lm_head.weight" ? "lm_head.weight" : name
}
