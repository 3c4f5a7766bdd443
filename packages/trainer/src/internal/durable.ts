/** File writes that either happened or did not, whatever kills the process in between. */
import { createHash } from "node:crypto"
import { mkdir, open, rename, stat } from "node:fs/promises"
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
  const temporary = `${path}.tmp-${process.pid}`
  const handle = await RegularFile.open(temporary, "w")
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
export const sha256 = async (path: string): Promise<string> => {
  const hash = createHash("sha256")
  for await (const piece of RegularFile.pieces(path)) hash.update(piece)
  return hash.digest("hex")
}

/**
 * Makes a folder and those above it, one by one. Node's recursive `mkdir` never returns where a parent exists that takes no folders,
 * such as /proc.
 */
export const makeFolder = async (path: string): Promise<void> => {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null
    throw cause
  })
  if (found?.isDirectory()) return
  if (found === null && dirname(path) !== path) await makeFolder(dirname(path))
  await mkdir(path).catch(async (cause: NodeJS.ErrnoException) => {
    // Another process may have made it meanwhile.
    if (cause.code !== "EEXIST" || !(await stat(path)).isDirectory()) throw cause
  })
}
