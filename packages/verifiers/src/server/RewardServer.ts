/**
 * The reward server: verdicts over HTTP, for a trainer in any language.
 *
 * | request | answer |
 * | --- | --- |
 * | `POST /v1/verify` with a row, and optionally `"mode"` | 200, the verdict with the row's id |
 * | `POST /v1/verify/batch` with `{ "items": [row, ...], "mode"? }` | 200, `{ "verdicts": [...] }`, one per item, in order |
 * | `GET /health` | 200, tasks, modes and load; 503 while it shuts down |
 * | `GET /metrics` | counters in Prometheus' text format |
 *
 * Every request ends in an answer. It never queues without bound: a request that would bring more than `maxPending` items under way is
 * refused with 429 and Retry-After, and during shutdown everything new is refused with 503. Bodies, headers, connections and time have
 * limits. A client that goes away takes its work with it.
 * There is no authentication: bind it to an address that only the trainer reaches.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Verdict } from "@lpo/rollout"
import { Duration, Effect, Fiber, Metric, Result, Schema, type Scope, Semaphore } from "effect"
import { PrometheusMetrics } from "effect/observability"
import * as Task from "../Task.ts"
import * as Tasks from "../Tasks.ts"
import type { Mode, VerifierService } from "@lpo/rollout/Verifier"
import { type BodyError, readJson } from "./Body.ts"
import * as Row from "./Row.ts"

/** @category models */
export interface Options {
  readonly tasks: Tasks.Registry
  /** Default 127.0.0.1. */
  readonly host?: string
  /** 0 picks a free one. Default 8787. */
  readonly port?: number
  /** The mode of requests that name none. Default `strict`. */
  readonly mode?: Mode
  /** Verifications of one task under way at once. Default 16. */
  readonly concurrency?: number
  /** Items accepted and not yet answered, those that wait included. Default 4096. */
  readonly maxPending?: number
  /** Largest request body. Default 32 MiB. Of all that are not yet answered, eight times as much. */
  readonly maxBodyBytes?: number
  /** Most values in a request body. Default 1,000,000. */
  readonly maxBodyValues?: number
  /** Longest time without a byte of a body, or with an answer that nobody reads. Default 10 seconds. */
  readonly silence?: Duration.Input
  /** Most connections at once; one more is closed. Default 1024. */
  readonly maxConnections?: number
  /** Longest time of work for one verdict, waiting not counted. Default 30 seconds. */
  readonly deadline?: Duration.Input
  /** Longest wait of one verdict for a free process, from when its turn comes. Default 1 hour. */
  readonly waiting?: Duration.Input
  /** How long a shutdown waits for what is under way. Default 10 seconds. */
  readonly grace?: Duration.Input
}

/** @category models */
export interface RewardServer {
  readonly host: string
  readonly port: number
  readonly url: string
}

/** The server could not listen. @category errors */
export class RewardServerError extends Schema.TaggedError<RewardServerError>()("RewardServerError", {
  reason: Schema.String,
}) {
  override get message(): string {
    return this.reason
  }
}

interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const refuse = (status: number, reason: string, retryAfter?: number): Reply => ({
  status,
  body: { error: reason },
  ...(retryAfter !== undefined && { headers: { "retry-after": String(retryAfter) } }),
})

const verdicts = Metric.counter("lpo_verdicts_total", { description: "Verdicts by task and status", incremental: true })
/** What rows of no task are counted as. */
const unknown = "unknown"
const requests = Metric.counter("lpo_requests_total", { description: "Requests by status code", incremental: true })
const pendingItems = Metric.gauge("lpo_pending_items", { description: "Items accepted and not yet answered" })
const duration = Metric.histogram("lpo_verdict_seconds", {
  description: "Time from the turn of an item to its verdict",
  boundaries: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
})

/** Items and the mode of a request. */
interface Work {
  readonly items: ReadonlyArray<unknown>
  readonly mode: Mode
  readonly single: boolean
}

const parseWork = (path: string, body: unknown, fallback: Mode): Result.Result<Work, Reply> => {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return Result.fail(refuse(400, "the body is not a JSON object"))
  const mode = "mode" in body ? body.mode : fallback
  if (typeof mode !== "string" || !Tasks.isMode(mode))
    return Result.fail(refuse(400, `mode is ${JSON.stringify(mode)}; give "strict" or "reference:<grader>"`))
  if (path === "/v1/verify") {
    const row = Row.decode(body)
    return Result.isSuccess(row)
      ? Result.succeed({ items: [body], mode, single: true })
      : Result.fail(refuse(400, `the body is not a row: ${row.failure}`))
  }
  const items = "items" in body ? body.items : null
  if (!Array.isArray(items))
    return Result.fail(refuse(400, '"items" is missing or no list; give {"items": [row, ...]}'))
  return Result.succeed({ items, mode, single: false })
}

/** Judges one item of a request; what is not a row is a verdict of status `error`. */
const judge = (verifier: VerifierService, value: unknown, label: string): Effect.Effect<Row.VerdictRow> => {
  const row = Row.decode(value)
  const id = Row.idOf(value)
  if (Result.isFailure(row)) return Effect.succeed({ id, ...Verdict.unreached("error", `${label}: ${row.failure}`) })
  const { completion, problem } = Row.item(row.success)
  return verifier.verify(problem, completion).pipe(Effect.map((verdict) => ({ id, ...verdict })))
}

/**
 * Serves until its scope closes; then refuses what is new, waits `grace` for what is under way, and closes.
 *
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<RewardServer, RewardServerError, Scope.Scope> =>
  Effect.gen(function* () {
    const {
      concurrency = 16,
      host = "127.0.0.1",
      maxBodyBytes = 2 ** 25,
      maxBodyValues = 1_000_000,
      maxConnections = 1024,
      maxPending = 4096,
      port = 8787,
      tasks,
    } = options
    const fallback = options.mode ?? "strict"
    const grace = Duration.fromInputUnsafe(options.grace ?? "10 seconds")
    // Each task has its own: programs that wait for a sandbox hold up no sums.
    const turns = new Map([...tasks.keys(), unknown].map((name) => [name, Semaphore.makeUnsafe(concurrency)]))
    const fork = Effect.runForkWith(yield* Effect.context())
    const silence = Duration.toMillis(options.silence ?? "10 seconds")
    const deadlines = {
      ...(options.deadline !== undefined && { deadline: options.deadline }),
      ...(options.waiting !== undefined && { waiting: options.waiting }),
    }
    const verifiers = new Map<Mode, VerifierService>()
    const modes = Tasks.modes(tasks)
    for (const mode of modes) verifiers.set(mode, Tasks.verifier(tasks, mode, deadlines))
    let pending = 0
    let stopping = false
    /** Bytes of bodies that are being read or judged; bounded, so that memory is. */
    let held = 0
    const maxHeld = 8 * maxBodyBytes
    const running = new Set<Fiber.Fiber<unknown, unknown>>()
    const load = (by: number) => Effect.suspend(() => Metric.update(pendingItems, (pending += by)))

    const taskOf = (value: unknown): string => {
      const name = typeof value === "object" && value !== null && "task" in value ? value.task : null
      return typeof name === "string" && tasks.has(name) ? name : unknown
    }
    const work = ({ items, mode, single }: Work): Effect.Effect<Reply> => {
      const verifier = verifiers.get(mode)
      if (verifier === undefined)
        return Effect.succeed(refuse(400, `no task has mode "${mode}"; there are ${modes.join(", ")}`))
      const n = items.length
      if (n > maxPending)
        return Effect.succeed(
          refuse(413, `${n} items are more than the server takes at once, ${maxPending}; split the batch`),
        )
      if (pending + n > maxPending)
        return Effect.succeed(
          refuse(429, `${pending} items are under way and ${maxPending} is the most; try again later`, 1),
        )
      const judgeAll = Effect.forEach(
        items,
        (value, i) => {
          const task = taskOf(value)
          const judged = Effect.suspend(() => {
            const started = performance.now()
            return judge(verifier, value, single ? "request" : `item ${i}`).pipe(
              Effect.tap(({ status }) => {
                // Only names of tasks become labels: a client must not be able to make metrics.
                const counter = Metric.withAttributes(verdicts, { task, status })
                const seconds = (performance.now() - started) / 1000
                return Effect.andThen(Metric.update(counter, 1), Metric.update(duration, seconds))
              }),
            )
          })
          return turns.get(task)?.withPermits(1)(judged) ?? judged
        },
        { concurrency },
      )
      return Effect.acquireUseRelease(
        load(n),
        () => judgeAll,
        () => load(-n),
      ).pipe(Effect.map((rows): Reply => ({ status: 200, body: single ? rows[0] : { verdicts: rows } })))
    }

    const route = (request: IncomingMessage): Effect.Effect<Reply, BodyError> => {
      const path = pathOf(request.url ?? "/")
      if (path === "/health") {
        const graders = Object.fromEntries([...tasks.values()].map((t) => [t.name, { references: Task.references(t) }]))
        const status = stopping ? 503 : 200
        return Effect.succeed({
          status,
          body: { status: stopping ? "stopping" : "ok", pending, maxPending, tasks: graders },
        })
      }
      if (path === "/metrics")
        return Effect.map(PrometheusMetrics.format(), (text): Reply => ({ status: 200, body: text }))
      if (path !== "/v1/verify" && path !== "/v1/verify/batch")
        return Effect.succeed(
          refuse(404, `no ${path.slice(0, 200)}; there are /v1/verify, /v1/verify/batch, /health, /metrics`),
        )
      if (request.method !== "POST")
        return Effect.succeed({ ...refuse(405, `${request.method} ${path}; use POST`), headers: { allow: "POST" } })
      if (stopping) return Effect.succeed(refuse(503, "the server is shutting down", 5))
      // Before the body is read: a server at its limit must not take megabytes first.
      if (pending >= maxPending)
        return Effect.succeed(refuse(429, `${pending} items are under way; try again later`, 1))
      return Effect.suspend(() => {
        let mine = 0
        const reserve = (bytes: number): boolean => {
          if (held > mine && held + bytes > maxHeld) return false
          mine += bytes
          held += bytes
          return true
        }
        return readJson(request, { bytes: maxBodyBytes, values: maxBodyValues, silence, reserve }).pipe(
          Effect.flatMap((body) => {
            const parsed = parseWork(path, body, fallback)
            return Result.isSuccess(parsed) ? work(parsed.success) : Effect.succeed(parsed.failure)
          }),
          Effect.ensuring(Effect.sync(() => (held -= mine))),
        )
      })
    }

    const answer = (request: IncomingMessage, response: ServerResponse): Effect.Effect<void> =>
      Effect.suspend(() => route(request)).pipe(
        Effect.catch((error) =>
          Effect.succeed(refuse(error.status, error.reason, error.status === 429 ? 1 : undefined)),
        ),
        Effect.catchCause((cause) =>
          Effect.as(Effect.logError("request failed", cause), refuse(500, "the server failed; see its log")),
        ),
        Effect.tap(({ status }) => Metric.update(Metric.withAttributes(requests, { code: String(status) }), 1)),
        Effect.map((reply) => write(request, response, reply, stopping, silence)),
      )

    const limits = {
      headersTimeout: Math.min(20_000, 2 * silence),
      requestTimeout: 60_000,
      keepAliveTimeout: 5_000,
      // Limits on time are looked at this often.
      connectionsCheckingInterval: Math.min(1_000, silence),
      maxHeaderSize: 2 ** 14,
    }
    const server = createServer(limits, (request, response) => {
      // A client that resets the connection is not an event here: `close` tells.
      request.on("error", () => undefined)
      const fiber = fork(answer(request, response))
      running.add(fiber)
      fiber.addObserver(() => running.delete(fiber))
      response.once("close", () => {
        if (!response.writableFinished) fiber.interruptUnsafe()
      })
    })

    server.maxConnections = maxConnections
    // A tunnel is not a request to the listener above; it too gets an answer.
    server.on("connect", (_, socket) => {
      socket.on("error", () => undefined)
      socket.end("HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    })
    yield* Effect.acquireRelease(listen(server, host, port), () =>
      Effect.gen(function* () {
        stopping = true
        const closed = yield* Effect.forkChild(close(server), { startImmediately: true })
        server.closeIdleConnections()
        yield* Effect.timeoutOption(Fiber.awaitAll([...running]), grace)
        yield* Fiber.interruptAll([...running])
        server.closeAllConnections()
        yield* Fiber.await(closed)
      }),
    )
    const address = server.address() as AddressInfo
    const authority = address.family === "IPv6" ? `[${address.address}]` : address.address
    return { host, port: address.port, url: `http://${authority}:${address.port}` }
  })

/** The path of a request's target, which need not be a URL. */
const pathOf = (target: string): string => target.replace(/^https?:\/\/[^/]*/i, "").split(/[?#]/, 1)[0]

const listen = (server: Server, host: string, port: number): Effect.Effect<void, RewardServerError> =>
  Effect.callback((resume) => {
    const fail = (cause: Error) =>
      resume(Effect.fail(new RewardServerError({ reason: `cannot listen on ${host}:${port}: ${cause.message}` })))
    server.once("error", fail)
    server.listen({ host, port }, () => {
      server.off("error", fail)
      resume(Effect.void)
    })
  })

const close = (server: Server): Effect.Effect<void> =>
  Effect.callback((resume) => {
    server.close(() => resume(Effect.void))
  })

const write = (
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  stopping: boolean,
  silence: number,
): void => {
  if (response.destroyed) return
  // An answer that nobody reads is not kept.
  response.setTimeout(silence, () => response.destroy())
  response.once("finish", () => request.socket.setTimeout(0))
  const isText = typeof reply.body === "string"
  const body = Buffer.from(typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body))
  // A body that was not read to its end would be taken for the next request.
  const end = stopping || !request.complete
  response.writeHead(reply.status, {
    ...reply.headers,
    "content-type": isText ? "text/plain; version=0.0.4; charset=utf-8" : "application/json",
    "content-length": body.length,
    ...(end && { connection: "close" }),
  })
  response.end(request.method === "HEAD" ? undefined : body)
}
