/** Reading a JSON body of bounded size from a Node request. */
import type { IncomingMessage } from "node:http"
import { Effect, Schema } from "effect"

/** Why a body was not taken; `status` is the HTTP status to refuse it with. @category errors */
export class BodyError extends Schema.TaggedError<BodyError>()("BodyError", {
  status: Schema.Int,
  reason: Schema.String,
}) {
  override get message(): string {
    return this.reason
  }
}

/**
 * The body as JSON. Fails with 413 as soon as it is known to be longer than `limit` bytes, without reading on, and with 400
 * when it is not UTF-8 JSON.
 *
 * @category reading
 */
export const readJson = (request: IncomingMessage, limit: number): Effect.Effect<unknown, BodyError> =>
  Effect.callback((resume) => {
    const fail = (status: number, reason: string) => {
      request.pause()
      resume(Effect.fail(new BodyError({ status, reason })))
    }
    const tooLong = () => fail(413, `the body is longer than ${limit} bytes; split the batch`)
    if (Number(request.headers["content-length"] ?? 0) > limit) return tooLong()
    const chunks: Array<Buffer> = []
    let size = 0
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else {
        stop()
        tooLong()
      }
    }
    const onEnd = (): void => {
      stop()
      try {
        resume(Effect.succeed(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)))))
      } catch (cause) {
        fail(400, `the body is not JSON in UTF-8: ${(cause as Error).message}`)
      }
    }
    const onError = (cause: Error): void => {
      stop()
      fail(400, `the body could not be read: ${cause.message}`)
    }
    const stop = (): void => {
      request.off("data", onData).off("end", onEnd).off("error", onError)
    }
    request.on("data", onData).once("end", onEnd).once("error", onError)
    return Effect.sync(stop)
  })
