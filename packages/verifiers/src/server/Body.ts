/** Reading a JSON body of bounded size from a Node request. */
import type { IncomingMessage } from "node:http"
import { Effect, Schema } from "effect"
import * as RowJson from "../internal/rowJson.ts"

/** Why a body was not taken; `status` is the HTTP status to refuse it with. @category errors */
export class BodyError extends Schema.TaggedError<BodyError>()("BodyError", {
  status: Schema.Int,
  reason: Schema.String,
}) {
  override get message(): string {
    return this.reason
  }
}

/** @category models */
export interface Limits {
  /** Most bytes of a body. */
  readonly bytes: number
  /** Most milliseconds without a byte. */
  readonly silence: number
  /** Most values (numbers, strings, keys, lists, objects) in a body: a list of zeros takes sixteen times its size in memory. */
  readonly values: number
  /** Asks for room for that many bytes more, of all bodies together; false when there is none. */
  readonly reserve: (bytes: number) => boolean
}

/** The values of a JSON text, counted by what separates them outside of strings; stops past `limit`. */
const countValues = (bytes: Buffer, limit: number): number => {
  let values = 1
  let inside = false
  for (let i = 0; i < bytes.length && values <= limit; i++) {
    const byte = bytes[i]
    if (inside) {
      if (byte === 0x5c) i++
      else if (byte === 0x22) inside = false
    } else if (byte === 0x22) inside = true
    else if (byte === 0x2c || byte === 0x3a || byte === 0x5b || byte === 0x7b) values++
  }
  return values
}

/**
 * The body as JSON. Fails with 413 as soon as it is known to be longer than the limit, or to hold more values, with 429 when there is no
 * room for it beside others, with 408 when the client falls silent, and with 400 when it is not UTF-8 JSON. What it keeps is one
 * buffer, whatever the pieces that the client sends.
 *
 * @category reading
 */
export const readJson = (request: IncomingMessage, limits: Limits): Effect.Effect<unknown, BodyError> =>
  Effect.callback((resume) => {
    const stop = (): void => {
      clearTimeout(timer)
      request.off("data", onData).off("end", onEnd).off("error", onError)
    }
    const fail = (status: number, reason: string) => {
      stop()
      request.pause()
      resume(Effect.fail(new BodyError({ status, reason })))
    }
    const tooLong = () => fail(413, `the body is longer than ${limits.bytes} bytes; split the batch`)
    const silent = () => fail(408, `no byte of the body for ${limits.silence / 1000} s`)
    let buffer = Buffer.alloc(0)
    let size = 0
    const onData = (chunk: Buffer): void => {
      timer.refresh()
      if (size + chunk.length > limits.bytes) return tooLong()
      if (size + chunk.length > buffer.length) {
        // What is held counts, not what has arrived: a buffer that grows has room to spare.
        const held = Math.min(limits.bytes, Math.max(4096, 2 * (size + chunk.length)))
        if (!limits.reserve(held - buffer.length))
          return fail(429, "too many bytes of requests are under way; try again later")
        const larger = Buffer.allocUnsafe(held)
        buffer.copy(larger, 0, 0, size)
        buffer = larger
      }
      chunk.copy(buffer, size)
      size += chunk.length
    }
    const onEnd = (): void => {
      const body = buffer.subarray(0, size)
      if (countValues(body, limits.values) > limits.values)
        return fail(413, `the body holds more than ${limits.values} values; split the batch`)
      try {
        const json = RowJson.parse(new TextDecoder("utf-8", { fatal: true }).decode(body))
        stop()
        resume(Effect.succeed(json))
      } catch (cause) {
        fail(400, `the body is not JSON in UTF-8: ${(cause as Error).message}`)
      }
    }
    const onError = (cause: Error): void => fail(400, `the body could not be read: ${cause.message}`)
    const timer = setTimeout(silent, limits.silence)
    if (Number(request.headers["content-length"] ?? 0) > limits.bytes) {
      tooLong()
      return
    }
    request.on("data", onData).once("end", onEnd).once("error", onError)
    return Effect.sync(stop)
  })
