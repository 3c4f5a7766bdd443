/** Typed arrays in Schemas: arrays of numbers in JSON, typed arrays in memory. A float32 survives the way through JSON to the bit. */
import "../SupportedNode.ts"
import { Schema, SchemaTransformation } from "effect"

export const Int32 = Schema.Array(Schema.Int).pipe(
  Schema.decodeTo(
    Schema.instanceOf(Int32Array<ArrayBufferLike>),
    SchemaTransformation.transform({ decode: (a): Int32Array => Int32Array.from(a), encode: (a) => Array.from(a) }),
  ),
)

export const Float32 = Schema.Array(Schema.Finite).pipe(
  Schema.decodeTo(
    Schema.instanceOf(Float32Array<ArrayBufferLike>),
    SchemaTransformation.transform({ decode: (a): Float32Array => Float32Array.from(a), encode: (a) => Array.from(a) }),
  ),
)

/** Bytes, base64 in JSON. */
export const Bytes = Schema.Uint8ArrayFromBase64
