/**
 * JSON over HTTP to inference servers. One request, one answer, no retry: the caller knows what may be sent twice.
 *
 * Node's `fetch` gives up on an answer whose headers take five minutes, which a long batch of completions does; here the
 * limits on time and bytes are the caller's. No redirect is followed: the key would go along.
 */
import { Effect, Redacted, Schema } from "effect"
import * as Received from "../Received.ts"

/** Why a request brought no usable answer; `status` is null when none came at all. */
export class HttpFault extends Schema.TaggedError<HttpFault>()("HttpFault", {
  url: Schema.String,
  status: Schema.NullOr(Schema.Int),
  reason: Schema.String,
  /** Whether the same request may succeed later or on another server. */
  transient: Schema.Boolean,
  /** Seconds the server asked to wait. */
  retryAfter: Schema.NullOr(Schema.Finite),
}) {
  override get message(): string {
    return `${this.url}: ${this.status === null ? "" : `HTTP ${this.status}: `}${this.reason}`
  }
}

/** A fault that asking again does not mend: the answer shows that the server cannot be used. @category constructors */
export const unusable = (url: string, reason: string): HttpFault =>
  new HttpFault({ url, status: null, reason, transient: false, retryAfter: null })

const isTransient = (status: number): boolean => status === 429 || (status >= 500 && status !== 501)

/** @category models */
export interface Call {
  readonly method?: "GET" | "POST"
  readonly body?: unknown
  readonly key?: Redacted.Redacted | undefined
  /** Longest time for the whole answer, seconds. */
  readonly seconds: number
  /** Largest answer, bytes. Default 8 MiB. */
  readonly bytes?: number
}

/** What is read of a refusal. */
const maxRefusalBytes = 64 * 1024

/** The server's own words: vLLM nests them in `error`, its older versions and others do not. */
const explain = (text: string): string => {
  try {
    const body = Received.parse(text) as Record<string, unknown>
    const inner = typeof body["error"] === "object" && body["error"] !== null ? (body["error"] as typeof body) : body
    for (const name of ["message", "detail", "error"]) {
      const value = inner[name]
      if (typeof value === "string") return value
    }
  } catch {
    // Not JSON: shown as it is.
  }
  return text.slice(0, 500) || "an empty answer"
}

const parseRetryAfter = (header: string | string[] | undefined): number | null => {
  const seconds = Number(Array.isArray(header) ? header[0] : (header ?? Number.NaN))
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 60) : null
}

/** The answer's text. Fails with an `HttpFault`, also for a status of 400 or more. @category requests */
export const text = (url: string, call: Call): Effect.Effect<string, HttpFault> =>
  Effect.tryPromise({
    try: async (signal) => {
      // Only who samples over HTTP pays for loading it.
      const { request } = await import("undici")
      const response = await request(url, {
        method: call.method ?? (call.body === undefined ? "GET" : "POST"),
        headers: {
          accept: "application/json",
          ...(call.body !== undefined && { "content-type": "application/json" }),
          ...(call.key !== undefined && { authorization: `Bearer ${Redacted.value(call.key)}` }),
        },
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
        headersTimeout: 0,
        bodyTimeout: 0,
        signal: AbortSignal.any([signal, AbortSignal.timeout(call.seconds * 1000)]),
      })
      const { headers, statusCode: status } = response
      const limit = status < 300 ? (call.bytes ?? 2 ** 23) : maxRefusalBytes
      const parts: Array<Uint8Array> = []
      let length = 0
      // Leaving the loop closes the connection.
      for await (const part of response.body as AsyncIterable<Uint8Array>) {
        parts.push(part)
        length += part.length
        if (length > limit) break
      }
      if (status < 300 && length > limit) throw unusable(url, `the answer is longer than ${limit} bytes`)
      const answer = Buffer.concat(parts).toString()
      if (status < 300) return answer
      throw new HttpFault({
        url,
        status,
        reason:
          status < 400 ? "a redirect, which is not followed; give the address that it points to" : explain(answer),
        transient: isTransient(status),
        retryAfter: parseRetryAfter(headers["retry-after"]),
      })
    },
    catch: (cause) => {
      if (cause instanceof HttpFault) return cause
      const { code, message, name } = cause as NodeJS.ErrnoException
      const reason =
        name === "TimeoutError"
          ? `no answer in ${call.seconds} s`
          : `no connection (${message || code || String(cause)})`
      return new HttpFault({ url, status: null, reason, transient: true, retryAfter: null })
    },
  })

/** The answer decoded by `schema`; what does not fit is an `HttpFault` that names the offending path. @category requests */
export const json = <A>(
  url: string,
  schema: Schema.Codec<A, unknown, never, never> | Schema.Decoder<A>,
  call: Call,
): Effect.Effect<A, HttpFault> => {
  const decode = Schema.decodeUnknownEffect(schema)
  return text(url, call).pipe(
    Effect.flatMap((answer) => {
      return Effect.try({
        try: (): unknown => Received.json(answer),
        catch: () => unusable(url, `the answer is not JSON: ${answer.slice(0, 200)}`),
      }).pipe(
        Effect.flatMap((value) =>
          decode(value).pipe(
            Effect.mapError((error) => unusable(url, `the answer has the wrong shape: ${error.message}`)),
          ),
        ),
      )
    }),
  )
}
