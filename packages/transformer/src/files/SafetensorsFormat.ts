/**
 * The safetensors file format: eight bytes of header length, a JSON header, the data. Tensors of F64, F32, F16 and BF16 are read into
 * float32. Nothing here opens a file.
 *
 * A file that is truncated, has holes or overlaps, or is not what it says is refused with the tensor's name and numbers; nothing
 * of a header is believed before it is checked against the file's size.
 */
import * as Received from "@lpo/rollout/Received"
import { Effect, Schema } from "effect"
import { narrow, widen } from "./Half.ts"
import { ModelError } from "../TransformerError.ts"

/** A named float32 tensor. @category models */
export interface NamedTensor {
  readonly name: string
  readonly shape: ReadonlyArray<number>
  readonly data: Float32Array
}

/** @category models */
export type DType = "F32" | "F16" | "BF16"

/** What is read; F64 is rounded to float32. @category models */
export type ReadType = DType | "F64"

/** Where a tensor lies in a file. @category models */
export interface Entry {
  readonly name: string
  readonly dtype: ReadType
  readonly shape: ReadonlyArray<number>
  /** Number of values. */
  readonly size: number
  /** First byte in the file. */
  readonly from: number
}

/** @category models */
export interface Header {
  readonly metadata: Readonly<Record<string, string>>
  readonly entries: ReadonlyMap<string, Entry>
}

/** Bytes of one value. @category combinators */
export const bytesOf = (dtype: ReadType): number => (dtype === "F64" ? 8 : dtype === "F32" ? 4 : 2)

/** The format's own limit. */
const maxHeader = 100_000_000
/** The largest models have as many in all their files together. */
const maxTensors = 100_000

const RawEntry = Schema.Struct({
  dtype: Schema.String,
  shape: Schema.Array(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  data_offsets: Schema.Tuple([Schema.Int, Schema.Int]),
})
const decodeMetadata = Schema.decodeUnknownEffect(Schema.Record(Schema.String, Schema.String))
const decodeEntry = Schema.decodeUnknownEffect(RawEntry)
const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value)

export const failIn = (source: string) => (reason: string) => new ModelError({ reason: `${source}: ${reason}` })

/** The header's length from the first eight bytes, checked against the file's size. */
export const headerLength = (first: Uint8Array, fileSize: number, source: string) => {
  const fail = failIn(source)
  if (first.length < 8) return Effect.fail(fail(`has ${fileSize} bytes, too few for a safetensors file`))
  const length = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true)
  if (length > BigInt(Math.min(maxHeader, fileSize - 8))) {
    return Effect.fail(
      fail(
        `says its header has ${length} bytes, but the file has ${fileSize}; it is truncated or not a safetensors file`,
      ),
    )
  }
  return Effect.succeed(Number(length))
}

/** Checks a header: every tensor of a known type, of its size, one after the other, to the end of the file. */
export const parseHeader = Effect.fn("Safetensors.header")(function* (
  json: Uint8Array,
  fileSize: number,
  source: string,
) {
  const fail = failIn(source)
  const header = yield* Effect.try({
    try: () => Received.parse(new TextDecoder("utf-8", { fatal: true }).decode(json)),
    catch: (cause) => fail(`has a header that is not JSON: ${(cause as Error).message}`),
  })
  if (!isObject(header)) return yield* fail("has a header that is not a JSON object")
  const { __metadata__, ...raw } = header
  const metadata = yield* decodeMetadata(__metadata__ ?? {}).pipe(
    Effect.mapError((e) => fail(`metadata: ${e.message}`)),
  )
  const count = Object.keys(raw).length
  if (count > maxTensors) return yield* fail(`has ${count} tensors, the most is ${maxTensors}`)
  const decoded = yield* Effect.forEach(Object.entries(raw), ([name, value]) =>
    decodeEntry(value).pipe(
      Effect.map((entry) => ({ name, ...entry })),
      Effect.mapError((e) => fail(`tensor ${name}: ${e.message}`)),
    ),
  )
  const start = 8 + json.length
  const entries = new Map<string, Entry>()
  let at = 0
  // By offset, and where that is the same the empty ones first.
  decoded.sort((a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1])
  for (const { data_offsets, dtype, name, shape } of decoded) {
    const [from, to] = data_offsets
    if (dtype !== "F64" && dtype !== "F32" && dtype !== "F16" && dtype !== "BF16")
      return yield* fail(`tensor ${name} is ${dtype}; F64, F32, F16 and BF16 are read`)
    const size = shape.reduce((a, b) => a * b, 1)
    const bytes = bytesOf(dtype) * size
    if (from !== at || to - from !== bytes || start + to > fileSize) {
      return yield* fail(
        `tensor ${name} of type ${dtype} and shape [${shape.join(", ")}] claims bytes ${from} to ${to}; it needs ${bytes} from ${at}, and the data has ${fileSize - start}`,
      )
    }
    at = to
    entries.set(name, { name, dtype, shape, size, from: start + from })
  }
  if (start + at !== fileSize)
    return yield* fail(`has ${fileSize - start - at} bytes after its last tensor; it is damaged or hides something`)
  return { metadata, entries } satisfies Header
})

/** Values of `dtype` in `bytes`, as float32, into `to`. */
export const convert = (dtype: ReadType, bytes: Uint8Array<ArrayBuffer>, to: Float32Array): void => {
  if (dtype === "F32") to.set(new Float32Array(bytes.buffer, bytes.byteOffset, to.length))
  else if (dtype === "F64") to.set(new Float64Array(bytes.buffer, bytes.byteOffset, to.length))
  else widen(dtype, new Uint16Array(bytes.buffer, bytes.byteOffset, to.length), to)
}

/** Decodes a whole file that is in memory; fails with a `ModelError`. @category decoding */
export const decode = Effect.fn("Safetensors.decode")(function* (bytes: Uint8Array, source: string) {
  const length = yield* headerLength(bytes.subarray(0, 8), bytes.length, source)
  const { entries, metadata } = yield* parseHeader(bytes.subarray(8, 8 + length), bytes.length, source)
  const tensors = new Map<string, NamedTensor>()
  for (const { dtype, from, name, shape, size } of entries.values()) {
    const data = new Float32Array(size)
    convert(dtype, new Uint8Array(bytes.subarray(from, from + size * bytesOf(dtype))), data)
    tensors.set(name, { name, shape, data })
  }
  return { metadata, tensors }
})

/** The eight bytes and the header of a file with these tensors, one after the other. */
export const encodeHeader = (
  tensors: ReadonlyArray<Omit<NamedTensor, "data">>,
  dtype: DType,
  metadata: Record<string, string>,
): Uint8Array => {
  let at = 0
  const header: Record<string, unknown> = { __metadata__: metadata }
  for (const { name, shape } of tensors) {
    const bytes = bytesOf(dtype) * shape.reduce((a, b) => a * b, 1)
    header[name] = { dtype, shape, data_offsets: [at, at + bytes] }
    at += bytes
  }
  let json = JSON.stringify(header)
  json += " ".repeat((8 - (new TextEncoder().encode(json).length % 8)) % 8)
  const text = new TextEncoder().encode(json)
  const out = new Uint8Array(8 + text.length)
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true)
  out.set(text, 8)
  return out
}

/** Values as bytes of `dtype`: a view where nothing changes. */
export const bytesAs = (dtype: DType, values: Float32Array): Uint8Array => {
  if (dtype === "F32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  const halves = new Uint16Array(values.length)
  narrow(dtype, values, halves)
  return new Uint8Array(halves.buffer)
}

/** A small file in memory, F32. @category encoding */
export const encode = (tensors: ReadonlyArray<NamedTensor>, metadata: Record<string, string> = {}): Uint8Array => {
  const head = encodeHeader(tensors, "F32", metadata)
  const out = new Uint8Array(tensors.reduce((sum, t) => sum + t.data.byteLength, head.length))
  out.set(head)
  let at = head.length
  for (const { data } of tensors) {
    out.set(bytesAs("F32", data), at)
    at += data.byteLength
  }
  return out
}
