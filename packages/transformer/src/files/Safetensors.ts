/**
 * Safetensors files on disk, read by range and in pieces, so that a file is never in memory beside the tensors it fills.
 *
 * @module
 */
import { createHash } from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import { RegularFile } from "@lpo/rollout"
import { Effect, type Scope } from "effect"
import type { ModelError } from "../TransformerError.ts"
import {
  bytesAs,
  bytesOf,
  convert,
  type DType,
  encodeHeader,
  type Entry,
  failIn,
  type Header,
  headerLength,
  type NamedTensor,
  parseHeader,
} from "./SafetensorsFormat.ts"

export {
  bytesOf,
  decode,
  type DType,
  encode,
  type Entry,
  type NamedTensor,
  type ReadType,
} from "./SafetensorsFormat.ts"

const pieceValues = 2 ** 20

/** An open file. @category models */
export interface OpenFile extends Header {
  readonly path: string
  /** Reads a tensor into `to`, of its size. */
  readonly read: (entry: Entry, to: Float32Array) => Effect.Effect<void, ModelError>
  /** A hash of a tensor's type, shape and bytes. */
  readonly digest: (entry: Entry) => Effect.Effect<string, ModelError>
}

const io = <A>(path: string, run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => failIn(path)((cause as Error).message) })

const readExactly = async (handle: FileHandle, to: Uint8Array, from: number): Promise<void> => {
  for (let done = 0; done < to.length;) {
    const { bytesRead } = await handle.read(to, done, to.length - done, from + done)
    if (bytesRead === 0) throw new Error(`ends at byte ${from + done}; it was cut while it was read`)
    done += bytesRead
  }
}

/** Opens a file and reads its header; it closes with the scope. @category decoding */
export const open = (path: string): Effect.Effect<OpenFile, ModelError, Scope.Scope> =>
  Effect.gen(function* () {
    const handle = yield* Effect.acquireRelease(
      io(path, () => RegularFile.open(path)),
      (file) => Effect.promise(() => file.close()),
    )
    const { size: fileSize } = yield* io(path, () => handle.stat())
    const first = new Uint8Array(Math.min(8, fileSize))
    yield* io(path, () => readExactly(handle, first, 0))
    const json = new Uint8Array(yield* headerLength(first, fileSize, path))
    yield* io(path, () => readExactly(handle, json, 8))
    const header = yield* parseHeader(json, fileSize, path)
    /** Bytes of a tensor, piece by piece, and the value that each piece begins with. */
    const pieces = ({ dtype, from, size }: Entry, use: (bytes: Uint8Array<ArrayBuffer>, at: number) => void) =>
      io(path, async () => {
        const width = bytesOf(dtype)
        const buffer = new Uint8Array(Math.min(pieceValues, size) * width)
        for (let at = 0; at < size; at += pieceValues) {
          const bytes = buffer.subarray(0, Math.min(pieceValues, size - at) * width)
          await readExactly(handle, bytes, from + at * width)
          use(bytes, at)
        }
      })
    return {
      ...header,
      path,
      read: (entry, to) =>
        pieces(entry, (bytes, at) =>
          convert(entry.dtype, bytes, to.subarray(at, at + bytes.length / bytesOf(entry.dtype))),
        ),
      digest: (entry) => {
        const hash = createHash("sha256").update(`${entry.dtype} ${entry.shape.join()}\n`)
        return Effect.map(
          pieces(entry, (bytes) => hash.update(bytes)),
          () => hash.digest("hex"),
        )
      },
    }
  })

/** Writes a file piece by piece, synced to the disk before it is done. @category encoding */
export const write = (
  path: string,
  tensors: ReadonlyArray<NamedTensor>,
  options: { readonly dtype?: DType; readonly metadata?: Record<string, string> } = {},
): Effect.Effect<void, ModelError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { dtype = "F32", metadata = {} } = options
      const handle = yield* Effect.acquireRelease(
        io(path, () => RegularFile.open(path, "w")),
        (file) => Effect.promise(() => file.close()),
      )
      yield* io(path, async () => {
        await handle.writeFile(encodeHeader(tensors, dtype, metadata))
        for (const { data } of tensors)
          for (let at = 0; at < data.length; at += pieceValues)
            await handle.writeFile(bytesAs(dtype, data.slice(at, at + pieceValues)))
        await handle.sync()
      })
    }),
  )
