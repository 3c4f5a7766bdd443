/** One request with a JSON body to a tracker's server, and its JSON answer. No redirect is followed: a key would go along. */
import { Effect, Schema } from "effect"
import { TrackerError } from "../trackers/Tracker.ts"

export interface Request {
  readonly tracker: string
  readonly url: string
  /** Null asks with GET. */
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
}

const seconds = 20
/** More than any answer that is read here. */
const mostBytes = 2 ** 24

/** Schema of the answer; fails with what the server said. `status` is of an answer that came. */
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
        if ((length += (part as Uint8Array).length) > mostBytes) throw new Error(`an answer above ${mostBytes} bytes`)
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
        Effect.mapError(({ message }) =>
          fail(`an answer that does not fit: ${message.replaceAll(/\s+/g, " ")}`, false),
        ),
      ),
    ),
  )
}
