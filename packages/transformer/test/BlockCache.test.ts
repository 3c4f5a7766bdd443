/** The paged cache of keys and values. */
import { Backend } from "@lpo/transformer"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import fc from "fast-check"
import { beforeAll, expect, it } from "vitest"
import * as BlockCache from "../src/decode/BlockCache.ts"
import * as Heap from "../src/ops/Heap.ts"

beforeAll(() => Effect.runPromise(Backend.start("wasm")))

it("a cache keeps every slot's history through forks and releases, and gets all its blocks back", () => {
  const heap = Heap.open()
  const action = fc.record({ kind: fc.constantFrom("open", "grow", "grow", "grow", "fork", "release"), pick: fc.nat() })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 300 }), (actions) => {
      const capacity = 50
      const cache = BlockCache.make(heap, { slots: 6, blocks: 6 * 4, capacity, blockBytes: BlockCache.positions * 4 })
      const tensors = tf.memory().numTensors
      const histories = new Map<number, Array<number>>()
      const place = (slot: number, t: number): number =>
        cache.address / 4 +
        cache.tables[slot * cache.tableStride + Math.floor(t / BlockCache.positions)] * BlockCache.positions +
        (t % BlockCache.positions)
      for (const [i, { kind, pick }] of actions.entries()) {
        const slot = [...histories.keys()][pick % Math.max(1, histories.size)]
        const history = histories.get(slot)
        if (kind === "open" && histories.size < 6) histories.set(cache.open(), [])
        if (history === undefined) continue
        if (kind === "grow" && history.length < capacity) {
          expect(cache.grow(slot)).toBe(history.length)
          heap.floats()[place(slot, history.length)] = i
          history.push(i)
        }
        if (kind === "fork" && histories.size < 6) histories.set(cache.fork(slot), [...history])
        if (kind === "release") {
          cache.release(slot)
          histories.delete(slot)
        }
        for (const [other, own] of histories) {
          expect(cache.lengths[other]).toBe(own.length)
          expect(own.map((_, t) => heap.floats()[place(other, t)])).toEqual(own)
        }
      }
      for (const slot of histories.keys()) cache.release(slot)
      expect(cache.used()).toBe(0)
      expect(tf.memory().numTensors).toBe(tensors)
      cache.free()
    }),
    { numRuns: 60 },
  )
})
