/** A pool of replicas, and the one that needs no other thread. */
import type { Worker } from "node:worker_threads"
import { Effect, Option, Semaphore } from "effect"
import { EngineError } from "../TransformerError.ts"
import type { Job, Result } from "./protocol.ts"

/** A worker taken for a while: jobs run on it in the order they are given. */
export interface Lease {
  readonly run: (job: Job) => Effect.Effect<Result, EngineError>
}

/** @category models */
export interface Pool {
  readonly size: number
  /** Runs `use` with a worker of its own; waits for one. */
  readonly withWorker: <A, E, R>(use: (lease: Lease) => Effect.Effect<A, E, R>) => Effect.Effect<A, E | EngineError, R>
  /** Runs `use` with all workers if none is at work, or gives null at once. */
  readonly withAll: <A, E, R>(
    use: (leases: ReadonlyArray<Lease>) => Effect.Effect<A, E, R>,
  ) => Effect.Effect<A | null, E, R>
  /** The thread ids, for tests that kill one. */
  readonly workers: ReadonlyArray<Worker>
}

/** A pool of one replica in the caller's own thread: nothing to start, and the backend may be any. @category constructors */
export const inProcess = (run: (job: Job) => Promise<Result>): Pool => {
  const lock = Semaphore.makeUnsafe(1)
  const lease: Lease = {
    run: (job) =>
      Effect.yieldNow.pipe(
        Effect.andThen(
          Effect.tryPromise({
            try: () => run(job),
            catch: (cause) => new EngineError({ reason: (cause as Error).message }),
          }),
        ),
        // A job that a device has begun is waited for, so that none runs beside the next.
        Effect.uninterruptible,
      ),
  }
  return {
    size: 1,
    workers: [],
    withWorker: (use) => lock.withPermits(1)(use(lease)),
    withAll: (use) =>
      lock
        .withPermitsIfAvailable(1)(use([lease]))
        .pipe(Effect.map(Option.getOrNull)),
  }
}
