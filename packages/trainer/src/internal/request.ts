/**
 * One request with a JSON body to a tracker's server, and its JSON answer. Redirects are not followed: they would take the key
 * along.
 */
import { Effect, Schema } from "effect"
import { TrackerError } from "../trackers/Tracker.ts"

export interface Request {
  readonly tracker: string
  readonly url: string
  /** Null sends a GET. */
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
}

const seconds = 20
/** More than any expected answer. */
const mostBytes = 2 ** 24

/** Sends a request and decodes its answer; fails with the server's message. `status` is that of an answer that arrived. */
export const ask = <A>(schema: Schema.Codec<A, unknown>, { body, headers, tracker, url }: Request) => {
  const fail = (reason: string, transient: boolean) =>
    new TrackerError({ tracker, reason: `${url}: ${reason}`, transient })
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(schema))
  return Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(url, {
        method: body === null ? "GET" : "POST",
        headers: { accept: "application/json", "content-type": "application/json", ...headers },
        ...(body === null ? {} : { body: JSON.stringify(body) }),
        redirect: "error",
        signal: AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]),
      })
      const parts: Array<Uint8Array> = []
      let length = 0
      for await (const part of response.body ?? []) {
        parts.push(part as Uint8Array)
        if ((length += (part as Uint8Array).length) > mostBytes)
          throw new Error(`an answer larger than ${mostBytes} bytes`)
      }
      const text = Buffer.concat(parts).toString()
      const { ok, status } = response
      if (ok) return text
      throw fail(
        `HTTP ${status}: ${text.slice(0, 300).replaceAll(/\s+/g, " ")}`,
        status === 408 || status === 429 || status >= 500,
      )
    },
    catch: (cause) => {
      if (cause instanceof TrackerError) return cause
      const { cause: inner, message, name } = cause as Error & { cause?: Error }
      return fail(
        name === "TimeoutError" ? `no answer in ${seconds} s` : `no connection (${inner?.message || message})`,
        true,
      )
    },
  }).pipe(
    Effect.flatMap((text) =>
      decode(text === "" ? "null" : text).pipe(
        Effect.mapError(({ message }) => fail(`an unexpected answer: ${message.replaceAll(/\s+/g, " ")}`, false)),
      ),
    ),
  )
}
