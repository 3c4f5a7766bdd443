/**
 * An append-only log whose length and checksum a checkpoint can refer to: rows that a checkpoint refers to are on the disk before
 * it is, and a log that was later changed or cut short is detected.
 */
import { createHash, type Hash } from "node:crypto"
import { truncate } from "node:fs/promises"
import { RegularFile } from "@lpo/rollout"
import { Schema } from "effect"
import * as Durable from "./durable.ts"

/** The part of a log that a checkpoint refers to. */
export const Mark = Schema.Struct({ bytes: Schema.Int, sha256: Schema.String })
export interface Mark extends Schema.Schema.Type<typeof Mark> {}

/** The mark of an empty log. */
export const none: Mark = { bytes: 0, sha256: createHash("sha256").digest("hex") }

export interface AppendLog {
  readonly append: (text: string) => Promise<void>
  /** Flushes the log to the disk; returns what has been written so far. */
  readonly mark: () => Promise<Mark>
}

/** The checksum of the first `bytes` of a file, and their actual number. */
const hashOf = async (path: string, bytes: number): Promise<{ readonly hash: Hash; readonly bytes: number }> => {
  const hash = createHash("sha256")
  let seen = 0
  if (bytes > 0)
    try {
      for await (const piece of RegularFile.pieces(path, { end: bytes })) {
        hash.update(piece)
        seen += piece.length
      }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause
    }
  return { hash, bytes: seen }
}

/** Why a log does not match a checkpoint; null if it does. */
export const refusal = async (path: string, mark: Mark): Promise<string | null> => {
  const { bytes, hash } = await hashOf(path, mark.bytes)
  if (bytes < mark.bytes) return `has ${bytes} bytes, but the checkpoint refers to ${mark.bytes}`
  return hash.digest("hex") === mark.sha256 ? null : `differs from what it was at the checkpoint`
}

/** Opens a log at a mark that it matches, and cuts off what comes after. */
export const make = async (path: string, mark: Mark): Promise<AppendLog> => {
  // Created before anything refers to it.
  await (await RegularFile.open(path, "a")).close()
  await truncate(path, mark.bytes)
  const { hash } = await hashOf(path, mark.bytes)
  let { bytes } = mark
  return {
    append: async (text) => {
      const data = Buffer.from(text)
      const handle = await RegularFile.open(path, "a")
      try {
        await handle.writeFile(data)
      } finally {
        await handle.close()
      }
      hash.update(data)
      bytes += data.length
    },
    mark: async () => {
      await Durable.sync(path)
      return { bytes, sha256: hash.copy().digest("hex") }
    },
  }
}
