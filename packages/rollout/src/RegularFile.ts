/**
 * Files whose names others give: opened only where they are regular files. A named pipe, a socket or a device in the place of one
 * would keep its reader waiting, or feed it for ever. Every reader of a configuration, checkpoint, dataset or run opens through here.
 *
 * Links are followed to read, never to write: a run that came from elsewhere must not lead to your other files. What is refused is an `Error` that names the path.
 *
 * @module
 */
import "./SupportedNode.ts"
import { constants } from "node:fs"
import { type FileHandle, mkdir, open as openFile, rename, rm, stat } from "node:fs/promises"
import type { Stats } from "node:fs"
import { dirname } from "node:path"

/** Largest file that is read whole as text, unless told otherwise: the longest configurations and tokenizers have half of it. */
export const maxTextBytes = 2 ** 26

const modes = {
  r: constants.O_RDONLY,
  a: constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT,
  w: constants.O_WRONLY | constants.O_TRUNC | constants.O_CREAT,
} as const
// Windows has neither, nor such files.
const { O_NOFOLLOW: noLink = 0, O_NONBLOCK: noWait = 0 } = constants as { O_NOFOLLOW?: number; O_NONBLOCK?: number }

const kindOf = (stats: Stats): string => {
  if (stats.isDirectory()) return "a folder"
  if (stats.isFIFO()) return "a named pipe"
  if (stats.isSocket()) return "a socket"
  return "a device"
}

const refused = (path: string, kind: string, code = "ENOTREG"): Error =>
  Object.assign(new Error(`'${path}' is ${kind}; give a regular file`), { code })

/** Why a file was not read, after its path: `there is no such file`, or what went wrong. @category io */
export const unread = (cause: unknown): string =>
  (cause as NodeJS.ErrnoException).code === "ENOENT"
    ? "there is no such file"
    : `cannot be read (${(cause as Error).message})`

/**
 * Opens a file to read (`r`), to append to it (`a`) or to write it anew (`w`); never waits for what is at the other end of a pipe.
 *
 * @category io
 */
export const open = async (path: string, mode: keyof typeof modes = "r"): Promise<FileHandle> => {
  const flags = modes[mode] | noWait | (mode === "r" ? 0 : noLink)
  const handle = await openFile(path, flags, 0o666).catch((cause: NodeJS.ErrnoException) => {
    if (mode !== "r" && cause.code === "ELOOP") throw refused(path, "a link")
    // A pipe that nobody reads, or a socket.
    if (cause.code === "ENXIO") throw refused(path, "a pipe or a socket")
    throw cause
  })
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw refused(path, kindOf(stats), stats.isDirectory() ? "EISDIR" : "ENOTREG")
    return handle
  } catch (cause) {
    await handle.close()
    throw cause
  }
}

/** The bytes of a file from `start` to `end` (exclusive) in pieces; it is closed when they end or nobody wants more. @category io */
export async function* pieces(
  path: string,
  options: { readonly start?: number; readonly end?: number; readonly pieceBytes?: number } = {},
): AsyncGenerator<Buffer> {
  const { end = Number.POSITIVE_INFINITY, pieceBytes = 2 ** 20, start = 0 } = options
  const handle = await open(path)
  try {
    for (let at = start; at < end;) {
      const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, end - at))
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
      at += bytesRead
    }
  } finally {
    await handle.close()
  }
}

/** A whole file; fails where it has more than `maxBytes`. @category io */
export const bytes = async (path: string, maxBytes = Number.POSITIVE_INFINITY): Promise<Buffer> => {
  const handle = await open(path)
  try {
    const { size } = await handle.stat()
    if (size > maxBytes) throw new Error(`'${path}' has ${size} bytes, the most is ${maxBytes}`)
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

/** A file's text; null where there is no file. @category io */
export const text = async (path: string, maxBytes = maxTextBytes): Promise<string | null> => {
  try {
    return (await bytes(path, maxBytes)).toString("utf8")
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null
    throw cause
  }
}

/**
 * A file that is being written: under a temporary name beside its own, which it takes when it is whole.
 *
 * @category models
 */
export interface Draft {
  readonly append: (data: string | Uint8Array) => Promise<void>
  /** Flushes it to the disk, and gives it its name. */
  readonly commit: () => Promise<void>
  /** Removes what was written; does nothing after a commit. */
  readonly discard: () => Promise<void>
}

/** Begins a file that is there whole or not at all; what had its name stays until then. @category io */
export const draft = async (path: string): Promise<Draft> => {
  const temporary = `${path}.tmp-${process.pid}`
  const handle = await open(temporary, "w")
  let isDone = false
  return {
    append: (data) => handle.writeFile(data),
    commit: async () => {
      await handle.sync()
      await handle.close()
      await rename(temporary, path)
      isDone = true
    },
    discard: async () => {
      if (isDone) return
      await handle.close().catch(() => undefined)
      await rm(temporary, { force: true })
    },
  }
}

/**
 * Writes a file that somebody named, whole or not at all: a full disk leaves neither half of it nor less of the one before. A device, a
 * pipe or a folder of that name is refused, also at the end of a link; a link to a file is replaced, the file is not.
 *
 * @category io
 */
export const write = async (path: string, data: string | Uint8Array): Promise<void> => {
  const there = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null
    throw cause
  })
  if (there !== null && !there.isFile()) throw refused(path, kindOf(there))
  const file = await draft(path)
  try {
    await file.append(data)
    await file.commit()
  } finally {
    await file.discard()
  }
}

/**
 * Makes a folder and those above it, one by one. Node's recursive `mkdir` never returns where a parent exists that takes no folders,
 * such as /proc, and says ENOENT of one that is read-only.
 *
 * @category io
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
