/**
 * The safetensors file format, float32 tensors only: eight bytes of header length, a JSON header, the data. A file that is
 * truncated, overlapping or not what it says is refused with the tensor's name.
 */
import { Effect, Schema } from "effect"
import { ModelError } from "./TransformerError.ts"

/** A named float32 tensor. @category models */
export interface NamedTensor {
  readonly name: string
  readonly shape: ReadonlyArray<number>
  readonly data: Float32Array
}

const maxHeader = 100_000_000

/** @category encoding */
export const encode = (tensors: ReadonlyArray<NamedTensor>, metadata: Record<string, string> = {}): Uint8Array => {
  let at = 0
  const header: Record<string, unknown> = { __metadata__: metadata }
  for (const { data, name, shape } of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [at, at + data.byteLength] }
    at += data.byteLength
  }
  let json = JSON.stringify(header)
  json += " ".repeat((8 - (new TextEncoder().encode(json).length % 8)) % 8)
  const head = new TextEncoder().encode(json)
  const out = new Uint8Array(8 + head.length + at)
  new DataView(out.buffer).setBigUint64(0, BigInt(head.length), true)
  out.set(head, 8)
  let to = 8 + head.length
  for (const { data } of tensors) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), to)
    to += data.byteLength
  }
  return out
}

const Entry = Schema.Struct({
  dtype: Schema.String,
  shape: Schema.Array(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  data_offsets: Schema.Tuple([Schema.Int, Schema.Int]),
})
const decodeMetadata = Schema.decodeUnknownEffect(Schema.Record(Schema.String, Schema.String))
const decodeEntry = Schema.decodeUnknownEffect(Entry)

/** Decodes a whole file; fails with a `ModelError`. @category decoding */
export const decode = Effect.fn("Safetensors.decode")(function* (bytes: Uint8Array, source: string) {
  const fail = (reason: string) => new ModelError({ reason: `${source}: ${reason}` })
  if (bytes.length < 8) return yield* fail(`has ${bytes.length} bytes, too few for a safetensors file`)
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (length > BigInt(Math.min(maxHeader, bytes.length - 8))) {
    return yield* fail(
      `says its header has ${length} bytes, but the file has ${bytes.length}; it is truncated or no safetensors file`,
    )
  }
  const start = 8 + Number(length)
  const header = yield* Effect.try({
    try: () =>
      JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start))) as Record<string, unknown>,
    catch: (cause) => fail(`has a header that is not JSON: ${(cause as Error).message}`),
  })
  const { __metadata__, ...entries } = header
  const metadata = yield* decodeMetadata(__metadata__ ?? {}).pipe(
    Effect.mapError((e) => fail(`metadata: ${e.message}`)),
  )
  const tensors: Array<NamedTensor> = []
  let at = 0
  const decoded = yield* Effect.forEach(Object.entries(entries), ([name, value]) =>
    decodeEntry(value).pipe(
      Effect.map((entry) => ({ name, ...entry })),
      Effect.mapError((e) => fail(`tensor ${name}: ${e.message}`)),
    ),
  )
  for (const { data_offsets, dtype, name, shape } of decoded.sort((a, b) => a.data_offsets[0] - b.data_offsets[0])) {
    const [from, to] = data_offsets
    if (dtype !== "F32") return yield* fail(`tensor ${name} is ${dtype}; only F32 is read`)
    const size = shape.reduce((a, b) => a * b, 1)
    if (from !== at || to - from !== 4 * size || start + to > bytes.length) {
      return yield* fail(
        `tensor ${name} of shape [${shape.join(", ")}] claims bytes ${from} to ${to}; it needs ${4 * size} from ${at}, and the data has ${bytes.length - start}`,
      )
    }
    at = to
    tensors.push({
      name,
      shape,
      data: new Float32Array(new Uint8Array(bytes.subarray(start + from, start + to)).buffer),
    })
  }
  return { metadata, tensors: new Map(tensors.map((t) => [t.name, t])) }
})
