/**
 * The protocol's binary bodies (proto3): forward_backward requests out; forward_backward and asample answers in.
 *
 * Tokens are little-endian int32, log-probs float32; an answer's `BatchedTensor` holds the values of all datums with int64
 * byte offsets. Answers leave in the shape of their JSON, so that one schema serves both. Sparse and bfloat16 tensors are
 * left out.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import type { Chunk, Datum, Tensor } from "./Datum.ts"

/** @category constants */
export const contentType = "application/x-protobuf"

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
if (!isLittleEndian) throw new Error("@lpo/tinker needs a little-endian machine: it sends typed arrays as they are")

const delimited = (field: number): [number, WireType] => [field, WireType.LengthDelimited]
const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

const int64Bytes = (values: Int32Array): Uint8Array => {
  const out = new Int32Array(2 * values.length)
  for (let i = 0; i < values.length; i++) {
    out[2 * i] = values[i]
    out[2 * i + 1] = values[i] < 0 ? -1 : 0
  }
  return bytesOf(out)
}

const writeChunk = (writer: BinaryWriter, chunk: Chunk): void => {
  if (chunk.type === "encoded_text") {
    writer.tag(...delimited(1)).fork()
    writer.tag(...delimited(1)).bytes(bytesOf(chunk.tokens))
  } else if (chunk.type === "image") {
    writer.tag(...delimited(2)).fork()
    writer.tag(...delimited(1)).bytes(chunk.data)
    writer.tag(...delimited(2)).string(chunk.format)
    if (chunk.expectedTokens !== undefined) writer.tag(3, WireType.Varint).int32(chunk.expectedTokens)
  } else {
    throw new RangeError(`an ${chunk.type} chunk has no protobuf form; send the image's bytes, or use JSON bodies`)
  }
  writer.join()
}

const writeTensor = (writer: BinaryWriter, tensor: Tensor): void => {
  writer.tag(...delimited(1)).bytes(tensor.dtype === "int64" ? int64Bytes(tensor.data) : bytesOf(tensor.data))
  writer.tag(3, WireType.Varint).int32(tensor.dtype === "int64" ? 2 : 1)
  writer.tag(...delimited(4)).fork()
  for (const size of tensor.shape ?? [tensor.data.length]) writer.int64(size)
  writer.join()
}

/** A datum's bytes, without its field number. @category encoding */
export const datum = ({ lossInputs, modelInput }: Datum): Uint8Array => {
  const writer = new BinaryWriter()
  for (const chunk of modelInput) {
    writer.tag(...delimited(1)).fork()
    writeChunk(writer, chunk)
    writer.join()
  }
  for (const [name, tensor] of Object.entries(lossInputs)) {
    writer.tag(...delimited(2)).fork()
    writer.tag(...delimited(1)).string(name)
    writer.tag(...delimited(2)).fork()
    writeTensor(writer, tensor)
    writer.join().join()
  }
  return writer.finish()
}

/** A ForwardBackwardRequest of encoded datums. @category encoding */
export const request = (options: {
  readonly modelId: string
  readonly seqId: number
  readonly datums: ReadonlyArray<Uint8Array>
  readonly lossFn: string
  readonly lossConfig?: Readonly<Record<string, number>>
  readonly forwardOnly: boolean
}): Uint8Array => {
  const writer = new BinaryWriter()
  writer.tag(...delimited(1)).string(options.modelId)
  writer.tag(2, WireType.Varint).int32(options.seqId)
  for (const bytes of options.datums) writer.tag(...delimited(3)).bytes(bytes)
  writer.tag(...delimited(4)).string(options.lossFn)
  for (const [key, value] of Object.entries(options.lossConfig ?? {})) {
    writer.tag(...delimited(5)).fork()
    writer.tag(...delimited(1)).string(key)
    writer.tag(2, WireType.Bit64).double(value).join()
  }
  if (options.forwardOnly) writer.tag(6, WireType.Varint).bool(true)
  return writer.finish()
}

/** Calls `field` for each field of a message of `length` bytes; what it does not read is skipped. */
const readMessage = (reader: BinaryReader, length: number, field: (number: number) => boolean): void => {
  const end = reader.pos + length
  while (reader.pos < end) {
    const [number, wireType] = reader.tag()
    if (!field(number)) reader.skip(wireType)
  }
  if (reader.pos !== end) throw new RangeError("a field runs over the end of its message")
}

// A typed array needs an aligned start, so the bytes are copied (`slice` would not copy a Buffer).
const copied = (bytes: Uint8Array, size: number): ArrayBuffer => {
  if (bytes.length % size !== 0) throw new RangeError(`${bytes.length} bytes do not hold whole values of ${size} bytes`)
  return new Uint8Array(bytes).buffer
}
const floats = (bytes: Uint8Array): Float32Array => new Float32Array(copied(bytes, 4))
const ints = (bytes: Uint8Array): Int32Array => new Int32Array(copied(bytes, 4))
const longs = (bytes: Uint8Array): Int32Array => Int32Array.from(new BigInt64Array(copied(bytes, 8)), Number)

const dtypes: Readonly<
  Record<number, readonly ["float32" | "int64", (bytes: Uint8Array) => Float32Array | Int32Array]>
> = {
  1: ["float32", floats],
  2: ["int64", longs],
  3: ["int64", ints],
}

const readBatchedTensor = (reader: BinaryReader): ReadonlyArray<unknown> => {
  let data = new Uint8Array()
  let offsets = new Int32Array()
  let dtype = 0
  readMessage(reader, reader.uint32(), (field) => {
    if (field === 1) data = reader.bytes() as Uint8Array<ArrayBuffer>
    else if (field === 2) offsets = longs(reader.bytes()) as Int32Array<ArrayBuffer>
    else if (field === 3) dtype = reader.int32()
    else return false
    return true
  })
  const read = dtypes[dtype]
  if (read === undefined) throw new RangeError(`dtype ${dtype} is not known`)
  return Array.from({ length: Math.max(0, offsets.length - 1) }, (_, i) => ({
    dtype: read[0],
    data: read[1](data.subarray(offsets[i], offsets[i + 1])),
  }))
}

/** A ForwardBackwardOutput as its JSON would be. Throws a RangeError where the bytes are none. @category decoding */
export const output = (bytes: Uint8Array): unknown => {
  const reader = new BinaryReader(bytes)
  const outputs: Array<Record<string, unknown>> = []
  const metrics: Record<string, number> = {}
  /** A record: `count` datums, each a slice of every field's tensor. */
  const readRecord = (): void => {
    const fields: Array<[string, ReadonlyArray<unknown>]> = []
    let count = 0
    readMessage(reader, reader.uint32(), (field) => {
      if (field === 2) {
        let name = ""
        let tensors: ReadonlyArray<unknown> = []
        readMessage(reader, reader.uint32(), (f) => {
          if (f === 1) name = reader.string()
          else if (f === 2) tensors = readBatchedTensor(reader)
          else return false
          return true
        })
        fields.push([name, tensors])
      } else if (field === 3) count = Number(reader.int64())
      else return false
      return true
    })
    for (let i = 0; i < count; i++) outputs.push(Object.fromEntries(fields.map(([name, of]) => [name, of[i]])))
  }
  readMessage(reader, bytes.length, (field) => {
    if (field === 2) readRecord()
    else if (field === 3) {
      let key = ""
      let value = 0
      readMessage(reader, reader.uint32(), (f) => {
        if (f === 1) key = reader.string()
        else if (f === 2) value = reader.double()
        else return false
        return true
      })
      metrics[key] = value
    } else return false
    return true
  })
  return { loss_fn_outputs: outputs, metrics }
}

/** A SampleResponse as its JSON would be. Throws a RangeError where the bytes are none. @category decoding */
export const samples = (bytes: Uint8Array): unknown => {
  const reader = new BinaryReader(bytes)
  const sequences: Array<unknown> = []
  let prompt: ReadonlyArray<number | null> | null = null
  let topk: ReadonlyArray<ReadonlyArray<readonly [number, number]> | null> | null = null
  readMessage(reader, bytes.length, (field) => {
    if (field === 1) {
      let reason = 0
      let tokens = new Int32Array()
      let logprobs: Float32Array | null = null
      readMessage(reader, reader.uint32(), (f) => {
        if (f === 1) reason = reader.int32()
        else if (f === 2) tokens = ints(reader.bytes()) as Int32Array<ArrayBuffer>
        else if (f === 3) logprobs = floats(reader.bytes())
        else return false
        return true
      })
      sequences.push({ stop_reason: ["stop", "length"][reason] ?? reason, tokens, logprobs })
    } else if (field === 2) prompt = Array.from(floats(reader.bytes()), (v) => (Number.isNaN(v) ? null : v))
    else if (field === 3) {
      let ids = new Int32Array()
      let values = new Float32Array()
      let k = 0
      let length = 0
      readMessage(reader, reader.uint32(), (f) => {
        if (f === 1) ids = ints(reader.bytes()) as Int32Array<ArrayBuffer>
        else if (f === 2) values = floats(reader.bytes()) as Float32Array<ArrayBuffer>
        else if (f === 3) k = reader.uint32()
        else if (f === 4) length = reader.uint32()
        else return false
        return true
      })
      topk = Array.from({ length }, (_, i) => {
        const row = Array.from({ length: k }, (_, j) => [ids[i * k + j], values[i * k + j]] as const)
        // The wire's filler for places without candidates.
        const kept = row.filter(([, logprob]) => logprob > -99999)
        return kept.length === 0 ? null : kept
      })
    } else return false
    return true
  })
  return { sequences, prompt_logprobs: prompt, topk_prompt_logprobs: topk }
}
