/**
 * Several inference servers as one: each call goes to the healthy server with the fewest sequences under way, never more
 * than `maxInFlight` on one; a server that fails is left out until its `/health` answers again.
 *
 * vLLM queues without limit, so the bound lies here: calls wait in the order in which they came.
 */
import { Clock, Deferred, Effect, type Redacted, Schedule, type Scope } from "effect"
import { type HttpFault, text, unusable } from "../internal/Http.ts"

/** @category models */
export interface Server {
  /** Without a trailing slash. */
  readonly url: string
  /** Sequences under way. */
  inFlight: number
  healthy: boolean
  /** Sequences given to it so far. */
  served: number
  /** Calls given to it so far: breaks ties, so that calls without sequences are shared out too. */
  calls: number
}

/** @category models */
export interface Servers {
  readonly all: ReadonlyArray<Server>
  /**
   * Runs `use` with a server that has room for `sequences`. A transient fault marks the server unhealthy and fails; the
   * caller asks again and gets another one. Waits while none is healthy, for `downSeconds` at the most.
   */
  readonly withServer: <A>(
    sequences: number,
    use: (server: Server) => Effect.Effect<A, HttpFault>,
  ) => Effect.Effect<A, HttpFault>
}

interface Waiting {
  readonly sequences: number
  readonly turn: Deferred.Deferred<void, HttpFault>
  /** Given with the turn. */
  server: Server | null
}

/**
 * Watches the servers for the lifetime of the scope. `onRecovered` runs before a server that was lost is used again: it may
 * have been started anew, without the adapters it had.
 *
 * @category constructors
 */
export const make = (options: {
  readonly urls: ReadonlyArray<string>
  readonly maxInFlight: number
  readonly key: Redacted.Redacted | undefined
  /** Seconds between looks at a server that is down. */
  readonly healthSeconds: number
  /** Seconds without any healthy server after which calls fail rather than wait. */
  readonly downSeconds: number
  readonly onRecovered: (server: Server) => Effect.Effect<void, HttpFault>
}): Effect.Effect<Servers, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { downSeconds, healthSeconds, key, maxInFlight, onRecovered, urls } = options
    const all = urls.map((url): Server => ({
      url: url.replace(/\/+$/, ""),
      inFlight: 0,
      healthy: true,
      served: 0,
      calls: 0,
    }))
    const scope = yield* Effect.scope
    let queue: ReadonlyArray<Waiting> = []

    /** A call larger than the limit still runs, alone. */
    const hasRoom = (server: Server, sequences: number): boolean =>
      server.healthy && (server.inFlight === 0 || server.inFlight + sequences <= maxInFlight)
    const pick = (sequences: number): Server | undefined =>
      all.filter((server) => hasRoom(server, sequences)).sort((a, b) => a.inFlight - b.inFlight || a.calls - b.calls)[0]

    /** Gives turns to those who wait, in their order, for as long as the first of them fits somewhere. */
    const dispatch = Effect.suspend(() => {
      const given: Array<Waiting> = []
      for (;;) {
        const first = queue[0]
        const server = first === undefined ? undefined : pick(first.sequences)
        if (first === undefined || server === undefined) break
        queue = queue.slice(1)
        server.inFlight += first.sequences
        server.served += first.sequences
        server.calls++
        first.server = server
        given.push(first)
      }
      return Effect.forEach(given, ({ turn }) => Deferred.succeed(turn, undefined), { discard: true })
    })

    let downSince = 0
    /** Calls that wait for a server that does not come back fail in the end: a run must not hang. */
    const giveUp = Effect.gen(function* () {
      const seconds = ((yield* Clock.currentTimeMillis) - downSince) / 1000
      if (all.some(({ healthy }) => healthy) || seconds < downSeconds) return
      const waiting = queue
      queue = []
      const urls = all.map(({ url }) => url).join(", ")
      const fault = unusable(urls, `no server has answered /health for ${Math.round(seconds)} s; start them again`)
      yield* Effect.forEach(waiting, ({ turn }) => Deferred.fail(turn, fault), { discard: true })
    })
    const watch = Effect.fn("Servers.watch")(function* (server: Server) {
      server.healthy = false
      if (!all.some(({ healthy }) => healthy)) downSince = yield* Clock.currentTimeMillis
      yield* text(`${server.url}/health`, { key, seconds: 10 }).pipe(
        Effect.andThen(onRecovered(server)),
        Effect.tapError(() => giveUp),
        Effect.retry(Schedule.spaced(`${healthSeconds} seconds`)),
        Effect.andThen(Effect.suspend(() => ((server.healthy = true), dispatch))),
        Effect.forkIn(scope),
      )
    })

    const release = (server: Server, sequences: number) =>
      Effect.suspend(() => {
        server.inFlight -= sequences
        return dispatch
      })
    const acquire = Effect.fn("Servers.acquire")(function* (sequences: number) {
      const entry: Waiting = { sequences, turn: yield* Deferred.make<void, HttpFault>(), server: null }
      queue = [...queue, entry]
      yield* dispatch
      yield* Deferred.await(entry.turn).pipe(
        Effect.onInterrupt(() =>
          Effect.suspend(() => {
            queue = queue.filter((waiting) => waiting !== entry)
            // The turn may have come together with the interruption: its place goes back.
            return entry.server === null ? Effect.void : release(entry.server, sequences)
          }),
        ),
      )
      return entry.server as unknown as Server
    })

    return {
      all,
      withServer: (sequences, use) =>
        Effect.acquireUseRelease(
          Effect.interruptible(acquire(sequences)),
          (server) =>
            use(server).pipe(
              Effect.tapError((fault) => {
                // A full server is not a broken one.
                if (!fault.transient || fault.status === 429 || !server.healthy) return Effect.void
                return watch(server)
              }),
            ),
          (server) => release(server, sequences),
        ),
    }
  })
