/** Elapsed time by Effect's clock, which tests can replace. */
import { Clock, Effect } from "effect"

/** A monotonic reading, seconds. */
export const now: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e9)

/** Seconds since a reading. */
export const since = (from: number): Effect.Effect<number> => Effect.map(now, (to) => to - from)
