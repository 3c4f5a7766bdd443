/**
 * The records of a TensorBoard event file: a TFRecord frame (length, masked CRC-32C of it, data, masked CRC-32C of that) around a
 * protobuf `Event`. Only what a run needs of the messages: scalars, a text, the mark of a restart.
 */
import { masked } from "./crc32c.ts"

type Bytes = Uint8Array<ArrayBuffer>

const varint = (value: number): Bytes => {
  const out: Array<number> = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80)
  return Uint8Array.from([...out, rest])
}
const concat = (parts: ReadonlyArray<Uint8Array>): Bytes => new Uint8Array(Buffer.concat(parts))
const whole = (field: number, value: number): Bytes => concat([varint(field * 8), varint(value)])
const nested = (field: number, data: Uint8Array): Bytes => concat([varint(field * 8 + 2), varint(data.length), data])
const text = (field: number, value: string): Bytes => nested(field, Buffer.from(value))
const double = (field: number, value: number): Bytes => {
  const out = Buffer.alloc(8)
  out.writeDoubleLE(value)
  return concat([varint(field * 8 + 1), out])
}
const float = (field: number, value: number): Bytes => {
  const out = Buffer.alloc(4)
  out.writeFloatLE(value)
  return concat([varint(field * 8 + 5), out])
}

/** A record around data. */
const frame = (data: Uint8Array): Bytes => {
  const head = Buffer.alloc(12)
  head.writeBigUInt64LE(BigInt(data.length))
  head.writeUInt32LE(masked(head.subarray(0, 8)), 8)
  const tail = Buffer.alloc(4)
  tail.writeUInt32LE(masked(data))
  return concat([head, data, tail])
}

/** `time` in milliseconds since 1970. */
const event = (time: number, step: number, rest: Uint8Array): Bytes =>
  frame(concat([double(1, time / 1000), ...(step === 0 ? [] : [whole(2, step)]), rest]))

/** The first record of a file. */
export const version = (time: number): Bytes => event(time, 0, text(3, "brain.Event:2"))

/** Points of earlier files in this folder no longer count: this file repeats all of them. */
export const restart = (time: number): Bytes => event(time, 0, nested(7, whole(1, 1)))

/** Points of one step, by tag. */
export const scalars = (time: number, step: number, values: Readonly<Record<string, number>>): Bytes =>
  event(
    time,
    step,
    nested(5, concat(Object.entries(values).map(([tag, value]) => nested(1, concat([text(1, tag), float(2, value)]))))),
  )

/** A text in Markdown, as the text plugin reads it. */
export const note = (time: number, tag: string, markdown: string): Bytes => {
  const metadata = concat([nested(1, text(1, "text")), whole(4, 2)])
  const tensor = concat([whole(1, 7), nested(2, new Uint8Array()), text(8, markdown)])
  return event(time, 0, nested(5, nested(1, concat([text(1, tag), nested(9, metadata), nested(8, tensor)]))))
}

/** A record as it was read: its bytes, step and tags of scalars. */
export interface Read {
  readonly bytes: Uint8Array
  readonly step: number
  readonly tags: ReadonlyArray<string>
}

interface Field {
  readonly field: number
  /** Of a whole number. */
  readonly value: number
  /** Of anything with a length. */
  readonly data: Uint8Array
}

const none = new Uint8Array()
const fields = (data: Uint8Array): ReadonlyArray<Field> => {
  const out: Array<Field> = []
  let at = 0
  const number = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = data[at++] ?? 0
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  while (at < data.length) {
    const key = number()
    const field = Math.floor(key / 8)
    const wire = key % 8
    const length = wire === 0 ? 0 : wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? number() : data.length
    const value = wire === 0 ? number() : 0
    out.push({ field, value, data: length === 0 ? none : data.subarray(at, at + length) })
    at += length
  }
  return out
}

const tagsOf = (summary: Uint8Array): ReadonlyArray<string> =>
  fields(summary)
    .map(({ data }) => fields(data))
    .filter((value) => value.some(({ field }) => field === 2))
    .flatMap((value) => value.filter(({ field }) => field === 1).map(({ data }) => Buffer.from(data).toString()))

/** The records of scalars in a file, up to the first that is cut short or damaged. */
export const read = (file: Uint8Array): ReadonlyArray<Read> => {
  const out: Array<Read> = []
  const view = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  for (let at = 0; at + 16 <= view.length;) {
    const length = Number(view.readBigUInt64LE(at))
    const end = at + 12 + length + 4
    if (view.readUInt32LE(at + 8) !== masked(view.subarray(at, at + 8)) || end > view.length) break
    const data = view.subarray(at + 12, at + 12 + length)
    if (view.readUInt32LE(end - 4) !== masked(data)) break
    const all = fields(data)
    const tags = all.filter(({ field }) => field === 5).flatMap((summary) => tagsOf(summary.data))
    const step = all.find(({ field }) => field === 2)?.value ?? 0
    if (tags.length > 0) out.push({ bytes: view.subarray(at, end), step, tags })
    at = end
  }
  return out
}
