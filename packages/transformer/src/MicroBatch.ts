/** Cutting work into micro-batches of a bounded size, the same way whatever the number of workers. */
import type { Pair } from "./Policy.ts"

const paddedTokens = (pairs: ReadonlyArray<Pair>): number =>
  pairs.length * Math.max(0, ...pairs.map((p) => p.prompt.length + p.completion.length))

/**
 * Consecutive items in parts of about equal size, none above `budget` padded tokens unless a single item is.
 *
 * @category combinators
 */
export const cut = <A>(
  items: ReadonlyArray<A>,
  pairsOf: (item: A) => ReadonlyArray<Pair>,
  budget: number,
): Array<Array<A>> => {
  const total = paddedTokens(items.flatMap(pairsOf))
  const target = total / Math.max(1, Math.ceil(total / budget))
  const parts: Array<Array<A>> = []
  let part: Array<A> = []
  for (const item of items) {
    if (part.length > 0 && paddedTokens([...part, item].flatMap(pairsOf)) > target + 1e-9) {
      parts.push(part)
      part = []
    }
    part.push(item)
  }
  if (part.length > 0) parts.push(part)
  return parts
}

const maxShards = 16

/** Ranges of micro-batches whose gradients are added up by one worker; at most 16, of about equal size. @category combinators */
export const shards = (microBatches: number): ReadonlyArray<readonly [number, number]> => {
  const count = Math.min(maxShards, microBatches)
  const bound = (i: number): number => Math.floor((i * microBatches) / count)
  return Array.from({ length: count }, (_, i) => [bound(i), bound(i + 1)])
}
