/** The shape of a Llama-style decoder, in the names of a Hugging Face `config.json`. */
import { Effect, Schema } from "effect"
import { ModelError } from "./TransformerError.ts"

const Size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))

/** @category models */
export const ModelConfig = Schema.Struct({
  model_type: Schema.Literal("llama"),
  vocab_size: Size,
  hidden_size: Size,
  intermediate_size: Size,
  num_hidden_layers: Size,
  num_attention_heads: Size,
  /** Query heads share key and value heads in groups of `num_attention_heads / num_key_value_heads`. */
  num_key_value_heads: Size,
  max_position_embeddings: Size,
  rope_theta: Schema.Finite,
  rms_norm_eps: Schema.Finite,
  tie_word_embeddings: Schema.Literal(true),
})
/** @category models */
export type ModelConfig = typeof ModelConfig.Type

const decodeSchema = Schema.decodeUnknownEffect(ModelConfig, { errors: "all", onExcessProperty: "error" })

/** Decodes and checks a configuration; fails with a `ModelError` that names every offending value. @category constructors */
export const decode = Effect.fn("ModelConfig.decode")(function* (input: unknown) {
  const config = yield* decodeSchema(input).pipe(
    Effect.mapError((error) => new ModelError({ reason: `model config: ${error.message}` })),
  )
  const { hidden_size, num_attention_heads, num_key_value_heads } = config
  const fail = (reason: string) => new ModelError({ reason: `model config: ${reason}` })
  if (hidden_size % (2 * num_attention_heads) !== 0) {
    return yield* fail(
      `hidden_size ${hidden_size} must be an even multiple of num_attention_heads ${num_attention_heads}`,
    )
  }
  if (num_attention_heads % num_key_value_heads !== 0) {
    return yield* fail(
      `num_attention_heads ${num_attention_heads} must be a multiple of num_key_value_heads ${num_key_value_heads}`,
    )
  }
  return config
})

/** Size of one attention head. @category combinators */
export const headSize = (config: ModelConfig): number => config.hidden_size / config.num_attention_heads
