/**
 * One HTTP exchange with a Tinker server, and a call: an exchange repeated until it succeeds or is final.
 *
 * The key is `Redacted` and goes into a header only. Where the server's config asks for it, the key is traded for a token
 * that is renewed five minutes before it ends.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import * as zlib from "node:zlib"
import { Received } from "@lpo/rollout"
import { Clock, Effect, Option, Redacted, Ref, Schema, Semaphore } from "effect"
import * as Backoff from "./Backoff.ts"
import * as Protobuf from "./Protobuf.ts"
import { Detail, Token } from "./Protocol.ts"
import type { ServerProfile } from "./ServerProfile.ts"
import { ConnectionError, ProtocolError, RequestError, type TinkerError, UncertainError } from "./TinkerError.ts"
import * as Wire from "./Wire.ts"

/** @category models */
export interface Body {
  readonly bytes: Uint8Array
  readonly contentType: string
}

/** @category models */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** @category models */
export interface Exchange {
  /** Names the request in errors. */
  readonly operation: string
  readonly method: "GET" | "POST" | "DELETE"
  readonly path: string
  readonly body?: Body
  readonly headers?: Readonly<Record<string, string>>
  /** Largest answer in bytes, default `Wire.maxBytes`. */
  readonly maxBytes?: number
}

/** @category models */
export interface Call<A> extends Exchange {
  readonly schema: Schema.Codec<A, unknown>
  /** Carried out twice, it would do harm: not sent again when the outcome is uncertain and the server does not deduplicate. */
  readonly effect?: boolean
  /** Refusals that are final although their status is not. */
  readonly isFinal?: (status: number, detail: string) => boolean
  /** Seconds to wait at 429, without end. */
  readonly backpressure?: number
}

/** @category models */
export interface Transport {
  readonly exchange: (exchange: Exchange) => Effect.Effect<Answer, ConnectionError | TinkerError>
  readonly call: <A>(call: Call<A>) => Effect.Effect<A, TinkerError>
  /** From here on the key is traded for a token. */
  readonly useTokens: Effect.Effect<void>
}

/** A JSON body. @category constructors */
export const json = (value: unknown): Body => ({
  bytes: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
  contentType: "application/json",
})

/** The bytes of an answer as JSON; null when they are none. */
const parse = (bytes: Uint8Array): { readonly value: unknown } | null => {
  try {
    return { value: bytes.length === 0 ? {} : Received.json(Buffer.from(bytes).toString("utf8")) }
  } catch {
    return null
  }
}

/** What a refusal says, for people. @category getters */
export const detailOf = ({ bytes }: Answer): string => {
  const body = parse(bytes)?.value
  const decoded = Schema.decodeUnknownOption(Detail)(body)
  if (Option.isNone(decoded)) return Buffer.from(bytes.subarray(0, 300)).toString("utf8").trim() || "no reason given"
  const { detail } = decoded.value
  return typeof detail === "string" ? detail : detail.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ")
}

/** Checks an answer's content; the error carries the path of what does not fit. @category decoding */
export const decode = <A>(
  operation: string,
  schema: Schema.Codec<A, unknown>,
  value: unknown,
): Effect.Effect<A, ProtocolError> =>
  Schema.decodeUnknownEffect(schema)(value).pipe(
    Effect.mapError((error) => {
      const path = /^ +at (.*)$/m.exec(error.message)?.[1] ?? ""
      return new ProtocolError({ operation, path, reason: error.message.split("\n")[0] })
    }),
  )

/** The content of an answer by its content type: JSON, or protobuf by way of `binary`. Null: cut short or garbled. @category decoding */
export const content = (
  answer: Answer,
  binary?: (bytes: Uint8Array) => unknown,
): { readonly value: unknown } | null => {
  if (!answer.contentType.startsWith(Protobuf.contentType)) return parse(answer.bytes)
  if (binary === undefined) return null
  try {
    return { value: binary(answer.bytes) }
  } catch {
    return null
  }
}

const compressAbove = 64 * 1024
/** Longest time for one exchange, to the last byte of its answer. */
const exchangeSeconds = 300

/** Where a redirect leads, without what may be secret in it. */
const placeOf = (location: string | undefined): string => {
  if (location === undefined) return "nowhere"
  const url = URL.parse(location, "http://same-server")
  return url === null ? "no URL" : url.hostname === "same-server" ? url.pathname : `${url.origin}${url.pathname}`
}

/** @category constructors */
export const make = Effect.fn("Transport.make")(function* (options: {
  readonly baseUrl: string
  readonly apiKey: Redacted.Redacted
  readonly profile: ServerProfile
}) {
  const { apiKey, profile } = options
  const root = `${options.baseUrl.replace(/\/+$/, "")}/api/v1`
  const token = yield* Ref.make<{ readonly jwt: Redacted.Redacted; readonly until: number } | null>(null)
  const trades = yield* Ref.make(false)
  const trading = yield* Semaphore.make(1)

  const send = (
    exchange: Exchange,
    key: Redacted.Redacted,
  ): Effect.Effect<Answer, ConnectionError | ProtocolError | RequestError> => {
    const { body, headers, maxBytes = Wire.maxBytes, method, operation, path } = exchange
    const secret = Redacted.value(key)
    const id = headers?.["x-idempotency-key"] ?? randomUUID()
    const isLarge = profile.zstd && body !== undefined && body.bytes.length >= compressAbove
    const zstd = isLarge && body.contentType === Protobuf.contentType && typeof zlib.zstdCompressSync === "function"
    const fail = (reason: string) => new ConnectionError({ operation, reason: `${options.baseUrl} ${reason}` })
    return Effect.tryPromise({
      try: (signal) =>
        Wire.exchange(`${root}${path}`, {
          method,
          maxBytes,
          signal,
          headers: {
            ...(profile.auth === "bearer" ? { authorization: `Bearer ${secret}` } : { "x-api-key": secret }),
            ...(profile.requestIds ? { "x-request-id": id, serve_multiplexed_model_id: id } : {}),
            ...(zstd ? { "content-encoding": "zstd" } : {}),
            ...(body === undefined ? {} : { "content-type": body.contentType }),
            ...headers,
          },
          body: body === undefined ? null : zstd ? zlib.zstdCompressSync(body.bytes) : body.bytes,
        }),
      // The cause may print the request, and with it the key.
      catch: (error) => {
        const cause = error as { readonly message?: string; readonly cause?: { readonly message?: string } }
        return fail(`could not be reached (${cause.cause?.message ?? cause.message ?? "the connection failed"})`)
      },
    }).pipe(
      Effect.timeoutOption(`${exchangeSeconds} seconds`),
      Effect.flatMap((reply) =>
        Option.isSome(reply)
          ? Effect.succeed(reply.value)
          : Effect.fail(fail(`did not finish its answer in ${exchangeSeconds} s`)),
      ),
      Effect.flatMap(
        ({ bytes, headers, isCut, status }): Effect.Effect<Answer, ConnectionError | ProtocolError | RequestError> => {
          if (status >= 300 && status < 400) {
            const reason = `a redirect to ${placeOf(headers["location"])}, which is not followed, because the key would be sent along; give the server's own address as the base URL`
            return Effect.fail(new RequestError({ operation, status, reason, attempt: 0 }))
          }
          if (isCut && status < 300) {
            const reason = `it is longer than ${maxBytes} bytes, the most that is read`
            return Effect.fail(new ProtocolError({ operation, path: "", reason }))
          }
          return Effect.succeed({ status, headers, contentType: headers["content-type"] ?? "", bytes })
        },
      ),
    )
  }

  /** Repeats an exchange until an answer is a success whose content decodes, or a failure that is final. */
  const attempt = <A>(
    call: Call<A>,
    key: Effect.Effect<Redacted.Redacted, TinkerError>,
  ): Effect.Effect<A, TinkerError> =>
    Effect.gen(function* () {
      const { operation } = call
      const again = { ...call, headers: { "x-idempotency-key": randomUUID(), ...call.headers } }
      let waited = 0
      for (let n = 0; ; n++) {
        const sent = yield* Effect.result(send(again, yield* key))
        if (sent._tag === "Failure" && sent.failure._tag !== "ConnectionError") return yield* sent.failure
        const answer = sent._tag === "Success" ? sent.success : null
        const body = answer === null ? null : content(answer)
        if (answer !== null && answer.status < 300 && body !== null) {
          return yield* decode(operation, call.schema, body.value)
        }
        // A success that cannot be read is a connection that failed on its way back.
        const status = answer === null || answer.status < 300 ? null : answer.status
        const detail = answer === null || status === null ? "" : detailOf(answer)
        if (status === 429 && call.backpressure !== undefined) {
          yield* Effect.sleep(`${call.backpressure} seconds`)
          continue
        }
        if (call.effect === true && !profile.deduplicates && Backoff.isUncertain(status)) {
          const what = status === null ? "the answer was lost" : `the server answered ${status}: ${detail}`
          return yield* new UncertainError({
            operation,
            reason: `${what}, and ${profile.name} would execute it again`,
          })
        }
        const isFinal = status !== null && call.isFinal?.(status, detail) === true
        const wait = isFinal ? null : Backoff.submission({ status, headers: answer?.headers ?? {}, attempt: n, waited })
        if (wait === null) {
          if (status !== null) return yield* new RequestError({ operation, status, reason: detail, attempt: n })
          const reason = sent._tag === "Failure" ? sent.failure.reason : "the answer was cut short or garbled"
          return yield* new ConnectionError({ operation, reason: `${reason}; tried for ${waited} s` })
        }
        waited += wait
        yield* Effect.sleep(`${wait} seconds`)
      }
    })

  const currentKey: Effect.Effect<Redacted.Redacted, TinkerError> = Effect.gen(function* () {
    if (!(yield* Ref.get(trades))) return apiKey
    return yield* trading.withPermits(1)(
      Effect.gen(function* () {
        const now = (yield* Clock.currentTimeMillis) / 1000
        const held = yield* Ref.get(token)
        if (held !== null && now < held.until) return held.jwt
        const path = "/auth/token"
        const { jwt } = yield* attempt(
          { operation: "auth/token", method: "POST", path, body: json({}), schema: Token },
          Effect.succeed(apiKey),
        )
        yield* Ref.set(token, { jwt: Redacted.make(jwt), until: expiry(jwt, now) - 300 })
        return Redacted.make(jwt)
      }),
    )
  })

  return {
    exchange: (exchange) => Effect.flatMap(currentKey, (key) => send(exchange, key)),
    call: (call) => attempt(call, currentKey),
    useTokens: Ref.set(trades, true),
  } satisfies Transport
})

/** The `exp` of a token, seconds since 1970; an hour from now where it does not say. */
const expiry = (jwt: string, now: number): number => {
  const claims = parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url"))?.value as
    | { readonly exp?: unknown }
    | undefined
  return typeof claims?.exp === "number" ? claims.exp : now + 3600
}
