/** JSON lines and JSON arrays: one pass finds where each row begins and ends, and rows are read from there. */
import { createWriteStream } from "node:fs"
import { mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import { Effect, Option, Result, Stream } from "effect"
import * as RegularFile from "../RegularFile.ts"
import { DatasetError } from "../RolloutError.ts"
import * as Json from "./Json.ts"
import { fault, io, type Row, type Rows, sha256 } from "./Rows.ts"

/** Where each row begins and ends, bytes; a row of JSON lines has a number of its own, which counts blank lines too. */
interface Index {
  readonly starts: ReadonlyArray<number>
  readonly ends: ReadonlyArray<number>
}

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d

/** Every line that is not blank. */
const lines = async (path: string, from: number): Promise<Index> => {
  const starts: Array<number> = []
  const ends: Array<number> = []
  let start = from
  let inked = false
  let offset = from
  const close = (end: number): void => {
    if (inked) {
      starts.push(start)
      ends.push(end)
    }
    start = end + 1
    inked = false
  }
  for await (const bytes of RegularFile.pieces(path, { start: from })) {
    for (let i = 0; i < bytes.length;) {
      if (!inked && isBlank(bytes[i])) {
        if (bytes[i] === 0x0a) close(offset + i)
        i++
        continue
      }
      inked = true
      const end = bytes.indexOf(0x0a, i)
      if (end < 0) break
      close(offset + end)
      i = end + 1
    }
    offset += bytes.length
  }
  close(offset)
  return { starts, ends }
}

/** Every element of the list that the file is. What stands inside an element is looked at when the row is read. */
const elements = async (path: string, from: number): Promise<Index> => {
  const starts: Array<number> = []
  const ends: Array<number> = []
  let offset = from
  let depth = 0
  let quoted = false
  let escaped = false
  /** Begin of the element, and the end of what is known of it; -1 between elements. */
  let start = -1
  let end = -1
  let ended = false
  const broken = (at: number, reason: string): never => {
    throw new Broken(at, reason)
  }
  const close = (at: number): void => {
    if (start < 0) broken(at, "is not JSON: a value is missing between two commas")
    starts.push(start)
    ends.push(end)
    start = -1
  }
  for await (const bytes of RegularFile.pieces(path, { start: from })) {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]
      const at = offset + i
      if (quoted) {
        if (escaped) escaped = false
        else if (byte === 0x5c) escaped = true
        else if (byte === 0x22) quoted = false
        end = at + 1
        continue
      }
      if (isBlank(byte)) continue
      if (ended) broken(at, "is not JSON: something follows the end of the list")
      const opens = byte === 0x7b || byte === 0x5b
      const closes = byte === 0x7d || byte === 0x5d
      if (depth === 0) {
        // The first byte is the bracket that made it a list.
        depth = 1
        continue
      }
      if (depth === 1 && byte === 0x2c) {
        close(at)
        continue
      }
      if (depth === 1 && closes) {
        if (byte === 0x7d) broken(at, "is not JSON: the list is closed by }")
        if (start >= 0) close(at)
        else if (starts.length > 0) broken(at, "is not JSON: a comma stands before the end of the list")
        ended = true
        continue
      }
      if (start < 0) start = at
      end = at + 1
      if (byte === 0x22) quoted = true
      else if (opens) depth++
      else if (closes) depth--
    }
    offset += bytes.length
  }
  if (!ended) broken(offset, "ends before its list does; it was cut off, get the whole file")
  return { starts, ends }
}

/** The file breaks at this byte. */
class Broken extends Error {
  readonly at: number
  constructor(at: number, reason: string) {
    super(reason)
    this.at = at
  }
}

/** Line and column (from 1, in characters) of a byte of the file. */
const placeOf = async (path: string, at: number): Promise<{ readonly line: number; readonly column: number }> => {
  let line = 1
  let rest: Buffer = Buffer.alloc(0)
  if (at > 0)
    for await (const part of RegularFile.pieces(path, { end: at })) {
      let from = 0
      for (let i = part.indexOf(0x0a); i >= 0; i = part.indexOf(0x0a, from)) {
        line++
        from = i + 1
      }
      rest = from > 0 ? part.subarray(from) : Buffer.concat([rest, part])
    }
  return { line, column: rest.toString("utf8").length + 1 }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** How many times its size a gzip file may unpack to, where that is more than `least` bytes: rows come to some 20. */
const most = { times: 200, least: 2 ** 26 } as const

/** The same bytes; throws where they are more than `limit`. */
const bounded = (limit: number) =>
  async function* (parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let size = 0
    for await (const part of parts) {
      size += part.length
      if (size > limit)
        throw new TooLarge(
          `unpacks to more than ${limit} bytes, too many for rows; unpack it yourself if that is right`,
        )
      yield part
    }
  }
class TooLarge extends Error {}

/** A text of its own for as long as the scope: gzip has no way to begin in the middle. */
const unpacked = (source: string, path: string) =>
  Effect.acquireRelease(
    io(source, () => mkdtemp(join(tmpdir(), "lpo-rows-"))),
    // What cannot be removed is left to the system, like all in that folder.
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }).catch(() => undefined)),
  ).pipe(
    Effect.map((folder) => join(folder, "rows")),
    Effect.tap((to) =>
      Effect.tryPromise({
        try: async () => {
          const { size } = await stat(path)
          const limit = Math.max(most.least, most.times * size)
          await pipeline(RegularFile.pieces(path), createGunzip(), bounded(limit), createWriteStream(to))
        },
        catch: (cause) =>
          fault(
            source,
            cause instanceof TooLarge
              ? cause.message
              : (cause as NodeJS.ErrnoException).syscall === "write"
                ? `cannot be unpacked to ${to} (${(cause as Error).message}); free space there, or set TMPDIR`
                : `is not a complete gzip file (${(cause as Error).message}); get it again`,
          ),
      }),
    ),
  )

/** Bytes that are read at once when all rows are. */
const batchBytes = 1 << 20

/** The rows of a text file; `gzip` where it is packed. The file must stay as it is while the scope lasts. */
export const make = Effect.fn("Text.make")(function* (path: string, gzip: boolean) {
  const source = path
  const text = gzip ? yield* unpacked(source, path) : path
  const hash = yield* sha256(path)
  const file = yield* Effect.acquireRelease(
    io(source, () => RegularFile.open(text)),
    (handle) => Effect.promise(() => handle.close()),
  )
  const [head, made] = yield* io(source, async () => {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(1 << 16), 0, 1 << 16, 0)
    return [buffer.subarray(0, bytesRead), await file.stat()] as const
  })
  const mark = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0
  const isList = head.subarray(mark).find((byte) => !isBlank(byte)) === 0x5b
  const located = (at: number, row: number | null, reason: string) =>
    Effect.map(
      // A file that is gone meanwhile has no lines to count.
      Effect.promise(() => placeOf(text, at).catch(() => ({ line: null, column: null }))),
      (place) => new DatasetError({ source, row, ...place, reason }),
    )
  const { ends, starts } = yield* Effect.tryPromise({
    try: () => (isList ? elements : lines)(text, mark),
    catch: (cause) => ({ cause: cause as Error }),
  }).pipe(
    Effect.catch(({ cause }) =>
      cause instanceof Broken
        ? Effect.flatMap(located(cause.at, null, cause.message), Effect.fail)
        : Effect.fail(fault(source, `cannot be read (${cause.message})`)),
    ),
  )
  /** Rows of JSON lines are called by their lines. */
  const failed = (index: number, offset: number, reason: string) =>
    Effect.map(
      located(starts[index] + offset, index + 1, reason),
      (error) => new DatasetError({ ...error, row: isList ? index + 1 : error.line }),
    )
  const parse = (index: number, bytes: Uint8Array): Effect.Effect<Result.Result<unknown, DatasetError>> => {
    let row: string
    try {
      row = utf8.decode(bytes)
    } catch {
      return Effect.map(failed(index, 0, "is not UTF-8; convert the file"), Result.fail)
    }
    const value = Json.parse(row)
    if (Result.isSuccess(value)) return Effect.succeed(Result.succeed(value.success))
    const { at, reason } = value.failure
    return Effect.map(failed(index, Buffer.byteLength(row.slice(0, at)), reason), Result.fail)
  }
  /** The bytes from the begin of one row to the end of another. */
  const bytesOf = (from: number, to: number) =>
    io(source, async () => {
      const { mtimeMs, size } = await file.stat()
      if (size !== made.size || mtimeMs !== made.mtimeMs)
        throw fault(source, "changed while it was being read; start again, or restore the old file")
      const bytes = Buffer.alloc(ends[to] - starts[from])
      const { bytesRead } = await file.read(bytes, 0, bytes.length, starts[from])
      return bytes.subarray(0, bytesRead)
    })
  const batch = (from: number): number => {
    let to = from
    while (to + 1 < starts.length && ends[to + 1] - starts[from] <= batchBytes) to++
    return to
  }
  const rows: Rows = {
    source,
    files: [path],
    format: isList ? "json-array" : "json-lines",
    fingerprint: { rows: starts.length, sha256: hash },
    length: starts.length,
    read: (indices) =>
      Effect.forEach(indices, (index) =>
        bytesOf(index, index).pipe(
          Effect.flatMap((bytes) => parse(index, bytes)),
          Effect.flatMap((value) => Effect.fromResult(value)),
        ),
      ),
    stream: Stream.paginate(0, (from: number) =>
      Effect.gen(function* () {
        if (from >= starts.length) return [[], Option.none()] as const
        const to = batch(from)
        const bytes = yield* bytesOf(from, to)
        const out: Array<Row> = []
        for (let index = from; index <= to; index++) {
          const value = yield* parse(index, bytes.subarray(starts[index] - starts[from], ends[index] - starts[from]))
          out.push({ index, value })
        }
        return [out, Option.some(to + 1)] as const
      }),
    ),
    error: (index, reason) =>
      failed(index, 0, reason).pipe(Effect.map((error) => new DatasetError({ ...error, column: null }))),
  }
  return rows
})
