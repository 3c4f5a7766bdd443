/**
 * Cutting a step's work into micro-batches, the same way whatever the number of workers: small enough for a budget of memory,
 * of about equal size, and a power of two of them, so that two, four or eight workers get equal shares.
 */
import type { Sequence } from "@lpo/rollout"
import { Effect } from "effect"
import { rowsOf } from "./Pack.ts"
import { EngineError } from "../TransformerError.ts"

/** @category models */
export interface Limits {
  /** Memory for the activations of one micro-batch, in each worker, MiB. Default 1024. */
  readonly memoryMiB?: number
  /** Rows (tokens, a shared prompt counted once) that a micro-batch should have at most. Default 512. */
  readonly rowsPerMicroBatch?: number
}

/** Where item i belongs when all are divided into `count` parts: by the middle of its rows. */
const divide = <A>(items: ReadonlyArray<A>, rows: ReadonlyArray<number>, count: number): Array<Array<A>> => {
  const total = rows.reduce((a, b) => a + b, 0)
  const parts = Array.from({ length: count }, (): Array<A> => [])
  let before = 0
  for (const [i, item] of items.entries()) {
    parts[Math.min(count - 1, Math.floor(((before + rows[i] / 2) * count) / total))].push(item)
    before += rows[i]
  }
  return parts.filter((part) => part.length > 0)
}

/**
 * Consecutive items in parts of at most `rowsPerMicroBatch` rows, or of one item, at `bytes` of activations per row. Fails with an `EngineError` when a single item
 * needs more than `memoryMiB`.
 *
 * @category combinators
 */
export const cut = <A>(
  items: ReadonlyArray<A>,
  pairsOf: (item: A) => ReadonlyArray<Sequence.Sequence>,
  bytes: number,
  { memoryMiB = 1024, rowsPerMicroBatch = 512 }: Limits,
): Effect.Effect<Array<Array<A>>, EngineError> =>
  Effect.suspend(() => {
    const rows = items.map((item) => rowsOf(pairsOf(item)))
    const room = Math.floor((memoryMiB * 2 ** 20) / bytes)
    const largest = Math.max(0, ...rows)
    if (largest > room) {
      const needed = Math.ceil((largest * bytes) / 2 ** 20)
      return Effect.fail(
        new EngineError({
          reason: `a group of ${largest} tokens needs ${needed} MiB for its activations, memoryMiB is ${memoryMiB}; lower groupSize or maxTokens, checkpoint activations, or raise memoryMiB`,
        }),
      )
    }
    const most = Math.min(rowsPerMicroBatch, room)
    const rowsIn = (part: ReadonlyArray<A>): number => rowsOf(part.flatMap(pairsOf))
    let count = 1
    let parts = divide(items, rows, count)
    while (parts.some((part) => part.length > 1 && rowsIn(part) > most)) parts = divide(items, rows, (count *= 2))
    return Effect.succeed(parts)
  })

const maxShards = 16

/** Ranges of micro-batches whose gradients are added up by one worker; at most 16, of about equal size. @category combinators */
export const shards = (microBatches: number): ReadonlyArray<readonly [number, number]> => {
  const count = Math.min(maxShards, microBatches)
  const bound = (i: number): number => Math.floor((i * microBatches) / count)
  return Array.from({ length: count }, (_, i) => [bound(i), bound(i + 1)])
}
