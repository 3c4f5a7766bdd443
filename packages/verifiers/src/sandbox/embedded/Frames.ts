/**
 * How the sandbox's processes talk: frames of a length (4 bytes, little-endian) and as many bytes, JSON unless said otherwise, over
 * standard input and output. Reading and writing are synchronous in the process: nothing else goes on there.
 */
import { readSync, writeSync } from "node:fs"
import type { Limits, Outcome, Test } from "../Sandbox.ts"

/** What a process is asked to do: run a program on tests, from the given one on. */
export interface Request {
  readonly language: string
  readonly source: string
  readonly tests: ReadonlyArray<Test>
  readonly limits: Limits
}

/** What a process answers: ready once, then one outcome per test, then done. */
export type Reply =
  /** `slowness`: how many times longer than a nominal CPython it takes, by which it scales its limits; >= 1. */
  | { readonly type: "ready"; readonly slowness: number }
  | { readonly type: "outcome"; readonly outcome: Outcome }
  | { readonly type: "done" }

const pause = new Int32Array(new SharedArrayBuffer(4))

const retrying = (move: () => number): number => {
  for (;;) {
    try {
      return move()
    } catch (cause) {
      // A pipe that its other end made non-blocking.
      if ((cause as NodeJS.ErrnoException).code !== "EAGAIN") throw cause
      Atomics.wait(pause, 0, 0, 1)
    }
  }
}

const readExactly = (length: number): Buffer | null => {
  const out = Buffer.allocUnsafe(length)
  for (let at = 0; at < length;) {
    const n = retrying(() => readSync(0, out, at, length - at, null))
    if (n === 0) return null
    at += n
  }
  return out
}

/** The next frame from standard input; null at its end. */
export const read = (): Buffer | null => {
  const head = readExactly(4)
  return head === null ? null : readExactly(head.readUInt32LE(0))
}

/** Writes a frame to standard output. */
export const write = (payload: Uint8Array): void => {
  const frame = encode(payload)
  for (let at = 0; at < frame.length;) at += retrying(() => writeSync(1, frame, at))
}

/** A frame as bytes. */
export const encode = (payload: Uint8Array): Buffer => {
  const head = Buffer.allocUnsafe(4)
  head.writeUInt32LE(payload.length, 0)
  return Buffer.concat([head, payload])
}

/** Says something to the sandbox. */
export const reply = (message: Reply): void => write(Buffer.from(JSON.stringify(message)))

const statuses: ReadonlySet<unknown> = new Set<Outcome["status"]>([
  "done",
  "raised",
  "timeout",
  "memory",
  "output",
  "crashed",
  "not-run",
])

const isText = (value: unknown): boolean => value === undefined || typeof value === "string"

const isOutcome = (value: unknown): value is Outcome => {
  if (typeof value !== "object" || value === null) return false
  const { error, exitCode, seconds, status, stderr, stdout, value: returned } = value as Record<string, unknown>
  return (
    statuses.has(status) &&
    typeof stdout === "string" &&
    typeof stderr === "string" &&
    Number.isInteger(exitCode) &&
    typeof seconds === "number" &&
    seconds >= 0 &&
    Number.isFinite(seconds) &&
    isText(error) &&
    isText(returned)
  )
}

/** What a process said; throws when it is none of what a process says. */
export const readReply = (payload: Buffer): Reply => {
  const message = JSON.parse(payload.toString("utf8")) as Reply
  switch (message.type) {
    case "ready":
      if (message.slowness >= 1 && Number.isFinite(message.slowness)) return message
      break
    case "outcome":
      if (isOutcome(message.outcome)) return message
      break
    case "done":
      return message
  }
  throw new RangeError("a message that no process sends")
}

/** Cuts frames out of chunks; `maxBytes` bounds what a broken process can make the reader keep. */
export const decoder = (onFrame: (payload: Buffer) => void, maxBytes: number) => {
  let chunks: Array<Buffer> = []
  let size = 0
  return (chunk: Buffer): void => {
    chunks.push(chunk)
    size += chunk.length
    while (size >= 4) {
      let all = chunks.length === 1 ? chunks[0] : chunks[0].length >= 4 ? chunks[0] : Buffer.concat(chunks)
      const length = all.readUInt32LE(0)
      if (length > maxBytes) throw new RangeError(`a frame of ${length} bytes; the longest is ${maxBytes}`)
      if (size < 4 + length) return
      all = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
      const rest = all.subarray(4 + length)
      chunks = rest.length === 0 ? [] : [rest]
      size = rest.length
      onFrame(all.subarray(4, 4 + length))
    }
  }
}
