/**
 * Requests that the server answers later: submit, then poll `retrieve_future` until there is a result.
 *
 * | answer | what is done |
 * | --- | --- |
 * | the result | decoded |
 * | `try_again`, 408, a poll longer than 45 s | polled again |
 * | `complete_metadata` | polled again for the result itself |
 * | `{error, category}`, 400 | failed (a bare 400 is polled again as often as the profile says) |
 * | 404, 410 | the promise is gone: the request is submitted again, with its sequence number |
 * | 5xx, an answer cut short | polled again, at most ten times in a row |
 * | 429, no connection | waited for, 2^n seconds up to 30, five minutes in all |
 * | 402 | waited for, 5 s, up to an hour |
 *
 * Two polls begin at least 50 ms apart, and up to a second where the server keeps answering at once.
 *
 * @module
 */
import { Clock, Effect, Option, Schema } from "effect"
import * as Backoff from "./Backoff.ts"
import * as Protobuf from "./Protobuf.ts"
import { Accepted, Failed, TryAgain } from "./Protocol.ts"
import type { ServerProfile } from "./ServerProfile.ts"
import { ConnectionError, OperationError, RequestError, type TinkerError, UncertainError } from "./TinkerError.ts"
import * as Transport from "./Transport.ts"
import * as Wire from "./Wire.ts"

/** A request that is answered later. @category models */
export interface Operation<A> {
  readonly operation: string
  readonly path: string
  readonly body: Transport.Body
  readonly schema: Schema.Codec<A, unknown>
  /** Reads a protobuf result. */
  readonly binary?: (bytes: Uint8Array) => unknown
  readonly call?: Pick<Transport.Call<unknown>, "effect" | "isFinal" | "backpressure" | "headers">
}

const pollSeconds = 45
const maxInARow = 10
const maxResubmissions = 20

const categoryOf = (text: string | null | undefined): OperationError["category"] => {
  const category = text?.toLowerCase()
  return category === "server" || category === "user" ? category : "unknown"
}

/** Sends the request; gives the id of its promise. @category running */
export const submit = <A>(transport: Transport.Transport, op: Operation<A>): Effect.Effect<string, TinkerError> =>
  Effect.map(
    transport.call({
      ...op.call,
      operation: op.operation,
      method: "POST",
      path: op.path,
      body: op.body,
      schema: Accepted,
    }),
    ({ request_id }) => request_id,
  )

/** One promise to its end: the result, or "gone". */
const poll = <A>(
  transport: Transport.Transport,
  profile: ServerProfile,
  op: Operation<A>,
  requestId: string,
): Effect.Effect<Option.Option<A>, TinkerError> =>
  Effect.gen(function* () {
    const { operation } = op
    const binary = op.binary !== undefined && profile.encoding === "protobuf"
    let waited = 0
    let paused = 0
    let refused = 0
    let inARow = 0
    let early = 0
    let begun = Number.NEGATIVE_INFINITY
    for (let iteration = 0; ; iteration++) {
      // A server that holds polls open sets the pace itself; one that answers at once is not asked in a tight loop.
      const now = yield* Clock.currentTimeMillis
      const gap = Backoff.pollGap(early) - (now - begun) / 1000
      early = gap > 0 ? early + 1 : 0
      if (gap > 0) yield* Effect.sleep(`${gap} seconds`)
      begun = yield* Clock.currentTimeMillis
      const sent = yield* transport
        .exchange({
          operation,
          method: "POST",
          path: "/retrieve_future",
          body: Transport.json({ request_id: requestId, allow_metadata_only: false }),
          maxBytes: Wire.maxResultBytes,
          headers: {
            accept: binary ? `${Protobuf.contentType}, application/json` : "application/json",
            "x-tinker-request-iteration": String(iteration),
          },
        })
        .pipe(Effect.timeoutOption(`${pollSeconds} seconds`), Effect.result)
      if (sent._tag === "Failure") {
        if (sent.failure._tag !== "ConnectionError") return yield* sent.failure
        if (waited >= Backoff.patience) return yield* sent.failure
        const wait = Backoff.exponential(inARow++)
        waited += wait
        yield* Effect.sleep(`${wait} seconds`)
        continue
      }
      if (Option.isNone(sent.success)) continue
      const answer = sent.success.value
      const { status } = answer
      if (status < 300) {
        const body = Transport.content(answer, op.binary)
        if (body !== null) {
          if (Schema.is(TryAgain)(body.value)) {
            if (body.value.queue_state != null && body.value.queue_state !== "active") {
              yield* Effect.logDebug(
                `${operation}: ${body.value.queue_state}${body.value.queue_state_reason == null ? "" : ` (${body.value.queue_state_reason})`}`,
              )
            }
            continue
          }
          if ((body.value as { readonly type?: unknown } | null)?.type === "complete_metadata") {
            if (++inARow > maxInARow)
              return yield* new ConnectionError({
                operation,
                reason: "the server gives the size of a result, never the result",
              })
            continue
          }
          if (Schema.is(Failed)(body.value)) {
            const { category, error } = body.value
            return yield* new OperationError({ operation, category: categoryOf(category), reason: error })
          }
          return Option.some(yield* Transport.decode(operation, op.schema, body.value))
        }
      }
      if (status === 404 || status === 410) return Option.none()
      if (status === 408) continue
      if (status === 402) {
        if (paused >= Backoff.billingPatience)
          return yield* new RequestError({
            operation,
            status,
            reason: `${Transport.detailOf(answer)}; waited an hour`,
            attempt: iteration,
          })
        paused += 5
        yield* Effect.sleep("5 seconds")
      } else if (status === 429) {
        if (waited >= Backoff.patience)
          return yield* new RequestError({ operation, status, reason: Transport.detailOf(answer), attempt: iteration })
        const wait = Backoff.retryAfter(answer.headers) ?? Backoff.exponential(inARow++)
        waited += wait
        yield* Effect.sleep(`${wait} seconds`)
      } else if (status < 300 || status >= 500) {
        if (++inARow > maxInARow) {
          return yield* status < 300
            ? new ConnectionError({ operation, reason: "the answer was cut short or garbled ten times in a row" })
            : new RequestError({ operation, status, reason: Transport.detailOf(answer), attempt: iteration })
        }
      } else if (status === 400 && refused < profile.retriesOf400) refused++
      else if (status === 400)
        return yield* new OperationError({ operation, category: "unknown", reason: Transport.detailOf(answer) })
      else return yield* new RequestError({ operation, status, reason: Transport.detailOf(answer), attempt: iteration })
    }
  })

/** The result of a request submitted as `requestId`; submits it again as often as the server lost it. @category running */
export const await_ = Effect.fn("Future.await")(function* <A>(
  transport: Transport.Transport,
  profile: ServerProfile,
  op: Operation<A>,
  requestId: string,
) {
  let id = requestId
  for (let n = 0; n <= maxResubmissions; n++) {
    const result = yield* poll(transport, profile, op, id)
    if (Option.isSome(result)) return result.value
    if (op.call?.effect === true && !profile.deduplicates) {
      const reason = `the server lost the promise ${id}, and ${profile.name} would execute the request again`
      return yield* new UncertainError({ operation: op.operation, reason })
    }
    id = yield* submit(transport, op)
  }
  return yield* new ConnectionError({
    operation: op.operation,
    reason: `the server lost the request ${maxResubmissions + 1} times; check whether it keeps restarting`,
  })
})
