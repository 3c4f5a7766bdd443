/**
 * Ordered concurrent mapping that one slow item does not hold up.
 *
 * @module
 */
import "./SupportedNode.ts"
import { Effect, Semaphore, Stream } from "effect"

/** Results kept, per effect under way, while an earlier one is awaited. */
const window = 64

/**
 * Maps a stream with at most `concurrency` effects under way, and gives the results in order. Where `Stream.mapEffect` stops at
 * the first slow item, this goes on until `64 * concurrency` results wait for it.
 */
export const inOrder = <A, E, R, B, E2, R2>(
  items: Stream.Stream<A, E, R>,
  f: (item: A) => Effect.Effect<B, E2, R2>,
  concurrency: number,
): Stream.Stream<B, E | E2, R | R2> =>
  Stream.unwrap(
    Effect.map(Semaphore.make(concurrency), (turns) =>
      Stream.mapEffect(items, (item) => turns.withPermits(1)(f(item)), { concurrency: concurrency * window }),
    ),
  )
