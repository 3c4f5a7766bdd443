/**
 * Offline data in a file; see {@link Offline}.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { RegularFile } from "@lpo/rollout"
import type { DatasetError } from "@lpo/rollout/RolloutError"
import { Effect } from "effect"
import * as Offline from "./Offline.ts"

/** @category models */
export interface File {
  readonly entries: ReadonlyArray<Offline.Entry>
  /** Hash of the bytes that were read, in hexadecimal. */
  readonly sha256: string
}

const newline = 0x0a

/** The lines of pieces of a file; fails at a line above the size limit. */
async function* linesOf(pieces: AsyncIterable<Buffer>, onPiece: (piece: Buffer) => void): AsyncGenerator<string> {
  let begun: Array<Buffer> = []
  let length = 0
  const taken = (last: Buffer): string => {
    const line = Buffer.concat([...begun, last]).toString("utf8")
    begun = []
    length = 0
    return line
  }
  for await (const piece of pieces) {
    onPiece(piece)
    let from = 0
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, from)) {
      yield taken(piece.subarray(from, end))
      from = end + 1
    }
    begun.push(piece.subarray(from))
    length += piece.length - from
    if (length > RegularFile.maxTextBytes) throw new Error(`a line is longer than ${RegularFile.maxTextBytes} bytes`)
  }
  if (length > 0) yield taken(Buffer.alloc(0))
}

/**
 * The groups of a file of JSON lines, read line by line. Fails with a `DatasetError` that names the line, or says why the file
 * cannot be read.
 *
 * @category constructors
 */
export const read = (path: string): Effect.Effect<File, DatasetError> =>
  Effect.suspend(() => {
    const hash = createHash("sha256")
    const lines = linesOf(RegularFile.pieces(path), (piece) => void hash.update(piece))
    return Effect.map(Offline.read(lines, path), (entries) => ({ entries, sha256: hash.digest("hex") }))
  })
