/**
 * The answers of a Tinker server as schemas. Unknown keys pass, since servers add their own; numbers come as arrays (JSON)
 * or typed arrays (protobuf) and leave as typed arrays.
 *
 * @module
 */
import { Received } from "@lpo/rollout"
import { Effect, Schema, SchemaIssue } from "effect"

/** An array of finite numbers of which a typed one is made; the path of the first that is not one is reported. */
const numbers = <A extends Float32Array | Int32Array>(
  make: new (length: number) => A,
  isRight: (x: unknown) => boolean,
  expected: string,
) =>
  Schema.declareConstructor<A, ReadonlyArray<number> | A>()([], () => (input, ast, options) => {
    const isMade = input instanceof make
    if (!isMade && !Array.isArray(input)) return Effect.fail(new SchemaIssue.InvalidType(ast, input, options))
    const out = isMade ? input : new make(input.length)
    for (let i = 0; i < input.length; i++) {
      if (!isRight(input[i])) {
        const wrong = new SchemaIssue.InvalidValue({ message: `Expected ${expected}` }, input[i], options)
        return Effect.fail(new SchemaIssue.Pointer([i], wrong))
      }
      out[i] = input[i] as number
    }
    return Effect.succeed(out)
  })

const isToken = (x: unknown): boolean => Number.isInteger(x) && Math.abs(x as number) < 2 ** 31

/** @category schemas */
export const Floats = numbers(
  Float32Array,
  (x) => typeof x === "number" && Number.isFinite(Math.fround(x)),
  "a number that is finite in 32 bits",
)
/** @category schemas */
export const Tokens = numbers(Int32Array, isToken, "an integer of 32 bits")

/** @category schemas */
export const OutputTensor = Schema.Union([
  Schema.Struct({ dtype: Schema.Literal("float32"), data: Floats }),
  Schema.Struct({ dtype: Schema.Literal("int64"), data: Tokens }),
])

const Metrics = Schema.Record(Schema.String, Schema.NullOr(Schema.Number))
const Text = Schema.optionalKey(Schema.NullOr(Schema.String))

/** @category schemas */
export const Output = Schema.Struct({
  loss_fn_outputs: Schema.Array(Schema.Record(Schema.String, OutputTensor)),
  metrics: Schema.optionalKey(Schema.NullOr(Metrics)),
})
/** What forward and forward_backward give: one record of tensors per datum, in order. @category models */
export type Output = typeof Output.Type

/** @category schemas */
export const StepOutput = Schema.Struct({ metrics: Schema.optionalKey(Schema.NullOr(Metrics)) })

const Sampled = Schema.Union([Received.Numbers, Schema.instanceOf(Int32Array), Schema.instanceOf(Float32Array)])

/** The numbers of a sequence are checked one by one, by `Received`. @category schemas */
export const Samples = Schema.Struct({
  sequences: Schema.Array(
    Schema.Struct({
      stop_reason: Schema.Union([Schema.String, Schema.Number]),
      tokens: Sampled,
      logprobs: Schema.optionalKey(Schema.NullOr(Sampled)),
    }),
  ),
  prompt_logprobs: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.NullOr(Schema.Number)))),
  topk_prompt_logprobs: Schema.optionalKey(
    Schema.NullOr(Schema.Array(Schema.NullOr(Schema.Array(Schema.Tuple([Schema.Int, Schema.Number]))))),
  ),
})
/** What asample gives; log-probs in nats. @category models */
export type Samples = typeof Samples.Type

/** @category schemas */
export const Accepted = Schema.Struct({ request_id: Schema.String })
/** @category schemas */
export const Session = Schema.Struct({
  session_id: Schema.String,
  info_message: Text,
  warning_message: Text,
  error_message: Text,
})
/** @category schemas */
export const Model = Schema.Struct({ model_id: Schema.String })
/** @category schemas */
export const Saved = Schema.Struct({ path: Text, sampling_session_id: Text })
/** @category schemas */
export const SamplingSession = Schema.Struct({ sampling_session_id: Schema.String })
/** @category schemas */
export const WeightsInfo = Schema.Struct({
  base_model: Schema.String,
  is_lora: Schema.Boolean,
  lora_rank: Schema.optionalKey(Schema.NullOr(Schema.Int)),
})
/** @category schemas */
export const ModelInfo = Schema.Struct({
  model_id: Schema.String,
  model_data: Schema.Struct({ arch: Text, model_name: Text, tokenizer_id: Text }),
  is_lora: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  lora_rank: Schema.optionalKey(Schema.NullOr(Schema.Int)),
})
/** @category schemas */
export const Capabilities = Schema.Struct({
  supported_models: Schema.Array(
    Schema.Struct({ model_name: Schema.String, max_context_length: Schema.optionalKey(Schema.NullOr(Schema.Int)) }),
  ),
})
/** @category schemas */
export const Checkpoints = Schema.Struct({
  checkpoints: Schema.Array(
    Schema.Struct({
      checkpoint_id: Schema.String,
      checkpoint_type: Schema.Literals(["training", "sampler"]),
      time: Schema.String,
      tinker_path: Schema.String,
    }),
  ),
})
/** @category schemas */
export const ServerConfig = Schema.Struct({
  pjwt_auth_enabled: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  fwdbwd_max_chunk_len: Schema.optionalKey(Schema.NullOr(Schema.Int)),
  fwdbwd_max_chunk_bytes_count: Schema.optionalKey(Schema.NullOr(Schema.Int)),
  sample_max_concurrent_requests: Schema.optionalKey(Schema.NullOr(Schema.Int)),
})
/** @category schemas */
export const Token = Schema.Struct({ jwt: Schema.String })
/** Any object; for answers whose content is of no use. @category schemas */
export const Anything = Schema.Record(Schema.String, Schema.Unknown)

/** What a poll says when it does not say the result. @category schemas */
export const TryAgain = Schema.Struct({
  type: Schema.Literal("try_again"),
  queue_state: Schema.optionalKey(Schema.NullOr(Schema.String)),
  queue_state_reason: Text,
})
/** @category schemas */
export const Failed = Schema.Struct({ error: Schema.String, category: Text })
/** An error's body: `detail` as text, or one entry per field. @category schemas */
export const Detail = Schema.Struct({
  detail: Schema.Union([
    Schema.String,
    Schema.Array(
      Schema.Struct({ loc: Schema.Array(Schema.Union([Schema.String, Schema.Number])), msg: Schema.String }),
    ),
  ]),
})
