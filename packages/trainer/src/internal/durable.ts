/** File writes that either happened or did not, whatever kills the process in between. */
import { createHash } from "node:crypto"
import { open, readFile, rename } from "node:fs/promises"
import { dirname } from "node:path"

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
  const temporary = `${path}.tmp-${process.pid}`
  const handle = await open(temporary, "w")
  try {
    await handle.writeFile(data)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, path)
  await sync(dirname(path))
}

/** SHA-256 of a file, in hexadecimal. */
export const sha256 = async (path: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex")
