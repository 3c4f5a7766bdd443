/** The protocol's binary messages by protobufjs, from a text of their definition: independent of the client's encoder. */
import protobuf from "protobufjs"

const { root } = protobuf.parse(
  `
syntax = "proto3";
enum DType { UNSPECIFIED = 0; FLOAT32 = 1; INT64 = 2; INT32 = 3; BFLOAT16 = 4; }
enum StopReason { STOP = 0; LENGTH = 1; }
message EncodedText { bytes tokens = 1; }
message Image { bytes data = 1; string format = 2; optional int32 expected_tokens = 3; }
message Chunk { oneof chunk { EncodedText encoded_text = 1; Image image = 2; } }
message Tensor { oneof encoding { bytes dense = 1; } DType dtype = 3; repeated int64 shape = 4; }
message Datum { repeated Chunk model_input = 1; map<string, Tensor> loss_fn_inputs = 2; }
message Request {
  string model_id = 1; int32 seq_id = 2; repeated Datum data = 3; string loss_fn = 4;
  map<string, double> loss_fn_config = 5; bool forward_only = 6;
}
message BatchedTensor { bytes data = 1; bytes offsets = 2; DType dtype = 3; repeated int64 trailing_shape = 4; }
message ArrayRecord { string type_tag = 1; map<string, BatchedTensor> fields = 2; int64 num_datums = 3; }
message Output { string loss_fn_output_type = 1; repeated ArrayRecord loss_fn_outputs = 2; map<string, double> metrics = 3; }
message Sequence { StopReason stop_reason = 1; bytes tokens = 2; optional bytes logprobs = 3; }
message TopK { bytes token_ids = 1; bytes logprobs = 2; uint32 k = 3; uint32 prompt_length = 4; }
message Samples { repeated Sequence sequences = 1; optional bytes prompt_logprobs = 2; optional TopK topk_prompt_logprobs = 3; }
`,
  { keepCase: true },
)

const types = { request: "Request", output: "Output", samples: "Samples" } as const
const lookup = (name: keyof typeof types) => root.lookupType(types[name])
const bytesOf = (array: ArrayBufferView) => Buffer.from(array.buffer, array.byteOffset, array.byteLength)

type Json = any

/** A request in the shape of its JSON. */
export const readRequest = (bytes: Uint8Array): Json => {
  const type = lookup("request")
  const message: Json = type.toObject(type.decode(bytes), { arrays: true, objects: true, longs: Number })
  const tensor = ({ dense, dtype, shape }: Json) => ({
    dtype: dtype === 2 ? "int64" : "float32",
    data:
      dtype === 2
        ? Array.from(new BigInt64Array(new Uint8Array(dense ?? []).buffer), Number)
        : Array.from(new Float32Array(new Uint8Array(dense ?? []).buffer)),
    shape,
  })
  return {
    model_id: message.model_id,
    seq_id: message.seq_id,
    forward_only: message.forward_only === true,
    input: {
      loss_fn: message.loss_fn,
      loss_fn_config: message.loss_fn_config,
      data: message.data.map((datum: Json) => ({
        model_input: {
          chunks: datum.model_input.map(({ encoded_text, image }: Json) =>
            encoded_text
              ? {
                  type: "encoded_text",
                  tokens: Array.from(new Int32Array(new Uint8Array(encoded_text.tokens ?? []).buffer)),
                }
              : { type: "image", ...image, data: Buffer.from(image.data ?? []).toString("base64") },
          ),
        },
        loss_fn_inputs: Object.fromEntries(
          Object.entries(datum.loss_fn_inputs).map(([name, value]) => [name, tensor(value)]),
        ),
      })),
    },
  }
}

/** A forward_backward answer, from its JSON. */
export const writeOutput = ({ loss_fn_outputs, metrics }: Json): Buffer => {
  const names = Object.keys(loss_fn_outputs[0] ?? {})
  const fields = Object.fromEntries(
    names.map((name) => {
      const arrays = loss_fn_outputs.map((o: Json) => bytesOf(Float32Array.from(o[name].data)))
      let at = 0
      const offsets = BigInt64Array.from([0n, ...arrays.map((a: Buffer) => BigInt((at += a.length)))])
      return [name, { data: Buffer.concat(arrays), offsets: bytesOf(offsets), dtype: 1 }]
    }),
  )
  const record = { fields, num_datums: loss_fn_outputs.length }
  const type = lookup("output")
  return Buffer.from(
    type.encode(type.create({ loss_fn_output_type: "double", loss_fn_outputs: [record], metrics })).finish(),
  )
}

/** An asample answer, from its JSON. */
export const writeSamples = ({ prompt_logprobs, sequences, topk_prompt_logprobs }: Json): Buffer => {
  const type = lookup("samples")
  const k = topk_prompt_logprobs?.[0]?.length ?? 0
  return Buffer.from(
    type
      .encode(
        type.create({
          sequences: sequences.map(({ logprobs, stop_reason, tokens }: Json) => ({
            stop_reason: stop_reason === "stop" ? 0 : 1,
            tokens: bytesOf(Int32Array.from(tokens)),
            ...(logprobs === null ? {} : { logprobs: bytesOf(Float32Array.from(logprobs)) }),
          })),
          ...(prompt_logprobs == null
            ? {}
            : { prompt_logprobs: bytesOf(Float32Array.from(prompt_logprobs, (x: number | null) => x ?? Number.NaN)) }),
          ...(topk_prompt_logprobs == null
            ? {}
            : {
                topk_prompt_logprobs: {
                  k,
                  prompt_length: topk_prompt_logprobs.length,
                  token_ids: bytesOf(Int32Array.from(topk_prompt_logprobs.flat().map(([id]: Json) => id))),
                  logprobs: bytesOf(Float32Array.from(topk_prompt_logprobs.flat().map(([, lp]: Json) => lp))),
                },
              }),
        }),
      )
      .finish(),
  )
}
