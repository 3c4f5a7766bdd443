/** File writes that happen completely or not at all, whatever kills the process in between. */
import { createHash } from "node:crypto"
import { open } from "node:fs/promises"
import { dirname } from "node:path"
import { RegularFile } from "@lpo/rollout"

/** Flushes a file or a folder to the disk. */
export const sync = async (path: string): Promise<void> => {
  const handle = await open(path, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes to a temporary name, flushes, renames, flushes the folder. */
export const writeAtomic = async (path: string, data: string | Uint8Array): Promise<void> => {
  const file = await RegularFile.draft(path)
  try {
    await file.append(data)
    await file.commit()
  } finally {
    await file.discard()
  }
  await sync(dirname(path))
}

/** SHA-256 of a file, in hexadecimal. */
export const sha256 = async (path: string): Promise<string> => {
  const hash = createHash("sha256")
  for await (const piece of RegularFile.pieces(path)) hash.update(piece)
  return hash.digest("hex")
}
