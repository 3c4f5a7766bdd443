/**
 * The key-value cache: blocks of 16 positions, named by a table per slot. Slots with the same beginning name the same blocks; a
 * block that is not full belongs to one slot, so `fork` copies at most one (as the paged cache of Kwon et al. 2023 does).
 *
 * A block holds its positions for all layers, one after the other. Blocks that no slot names are used again.
 */
import type { Area, Heap } from "../ops/Heap.ts"

/** Positions of a block, as in `assembly/decode.ts`. */
export const positions = 16

/** @category models */
export interface BlockCache {
  /** Slot tables, [slots, tableStride]: the number of each block. */
  readonly tables: Int32Array
  readonly tableStride: number
  readonly lengths: Int32Array
  /** The address of block 0. */
  readonly address: number
  /** An empty slot. */
  readonly open: () => number
  /** Makes room for one more position of a slot and gives it. */
  readonly grow: (slot: number) => number
  readonly fork: (slot: number) => number
  readonly release: (slot: number) => void
  /** Blocks that some slot names, for tests. */
  readonly used: () => number
  readonly free: () => void
}

/** @category constructors */
export const make = (
  heap: Heap,
  size: { readonly slots: number; readonly blocks: number; readonly capacity: number; readonly blockBytes: number },
): BlockCache => {
  const { blockBytes, blocks, capacity, slots } = size
  const area: Area = heap.allocate(blocks * blockBytes, "keys and values")
  const tableStride = Math.ceil(capacity / positions)
  const tables = new Int32Array(slots * tableStride)
  const lengths = new Int32Array(slots)
  const users = new Int32Array(blocks)
  const freeBlocks = Int32Array.from({ length: blocks }, (_, i) => blocks - 1 - i)
  const freeSlots = Int32Array.from({ length: slots }, (_, i) => slots - 1 - i)
  let blocksLeft = blocks
  let slotsLeft = slots
  const take = (): number => {
    if (blocksLeft === 0) throw new RangeError(`all ${blocks} blocks of the cache are in use; the plan was too small`)
    const block = freeBlocks[--blocksLeft]
    users[block] = 1
    return block
  }
  const open = (): number => {
    if (slotsLeft === 0) throw new RangeError(`all ${slots} slots of the cache are in use; the plan was too small`)
    const slot = freeSlots[--slotsLeft]
    lengths[slot] = 0
    return slot
  }
  return {
    tables,
    tableStride,
    lengths,
    address: area.address,
    open,
    grow: (slot) => {
      const position = lengths[slot]++
      if (position % positions === 0) tables[slot * tableStride + position / positions] = take()
      return position
    },
    fork: (slot) => {
      const other = open()
      const length = lengths[slot]
      const full = Math.floor(length / positions)
      lengths[other] = length
      for (let b = 0; b < full; b++) {
        const block = tables[slot * tableStride + b]
        tables[other * tableStride + b] = block
        users[block]++
      }
      if (length % positions !== 0) {
        const block = take()
        const from = (area.address + tables[slot * tableStride + full] * blockBytes) / 4
        heap.floats().copyWithin((area.address + block * blockBytes) / 4, from, from + blockBytes / 4)
        tables[other * tableStride + full] = block
      }
      return other
    },
    release: (slot) => {
      for (let b = 0; b < Math.ceil(lengths[slot] / positions); b++) {
        const block = tables[slot * tableStride + b]
        if (--users[block] === 0) freeBlocks[blocksLeft++] = block
      }
      lengths[slot] = 0
      freeSlots[slotsLeft++] = slot
    },
    used: () => blocks - blocksLeft,
    free: area.free,
  }
}
