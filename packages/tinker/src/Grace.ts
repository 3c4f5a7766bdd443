/** What must not be cut in two, and must not hang a program that is told to end either. */
import { Effect, Exit, Fiber } from "effect"

/** Seconds that a submission may go on after the interruption of its fiber. @category constants */
export const seconds = 10

/**
 * Runs to its end although it is interrupted, and for `seconds` after that at the most: what is not done by then is
 * interrupted itself. A result that comes in time is given as if nothing had happened, so that it can be released.
 *
 * @category combinators
 */
export const within = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      const fiber = yield* Effect.forkDetach(Effect.interruptible(self))
      const ended = yield* Effect.exit(Effect.interruptible(Fiber.await(fiber)))
      if (Exit.isSuccess(ended)) return yield* ended.value
      const end = Effect.andThen(Effect.sleep(`${seconds} seconds`), Fiber.interrupt(fiber))
      const killer = yield* Effect.forkDetach(Effect.interruptible(end))
      const late = yield* Fiber.await(fiber)
      yield* Fiber.interrupt(killer)
      return yield* late
    }),
  )
