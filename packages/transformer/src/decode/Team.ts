/**
 * Threads that decode the same rows together. One sequence is bound by the memory that its weights are read from, and a thread alone
 * gets a part of what the machine can read: each member computes a share of the columns of every product, and gets the others' from
 * shared memory. All else every member does by itself, so that all of them go through the same steps and draw the same tokens. An
 * entry of a product is the same chain of sums whoever computes it: the bits are those of one thread.
 */
import { panel, roundUp } from "./PackedWeights.ts"

/** A member's place: a job to all members of a team has the same memory and a rank each. @category models */
export interface Seat {
  readonly rank: number
  readonly size: number
  /** Of {@link memory}; no two teams at once. */
  readonly memory: SharedArrayBuffer
}

/** @category models */
export interface Team {
  /** The columns that this member computes of a product of so many, which are whole panels: from the first to the last, not included. */
  readonly share: (columns: number) => readonly [number, number]
  /**
   * Gets the columns of the others, and gives them the own ones, of `rows` rows at `floats[at]`, `stride` apart. Throws an `Error` when
   * another member has left.
   */
  readonly exchange: (floats: Float32Array, at: number, rows: number, columns: number, stride: number) => void
}

/** Why members fail whom another one has left. */
export const left = "another thread that computes the same tokens has failed"

/** Of no other thread. @category constructors */
export const alone: Team = { share: (columns) => [0, columns], exchange: () => {} }

/** In front of what is exchanged: how often a member has arrived, and whether one has left. */
const words = 16
const [arrivals, departures] = [0, 1]

/** Memory of a team whose products have at most so many columns. @category constructors */
export const memory = (columns: number): SharedArrayBuffer =>
  new SharedArrayBuffer(4 * (words + 2 * Math.max(2 ** 18, roundUp(columns, panel))))

/** Makes memory ready for a team, when no member of another is at work. */
export const clear = (memory: SharedArrayBuffer): void => {
  new Int32Array(memory, 0, words).fill(0)
}

/** Looks so often before it sleeps: some microseconds, the time that members are apart. */
const looks = 4000

/** @category constructors */
export const join = ({ memory, rank, size }: Seat): Team => {
  const control = new Int32Array(memory, 0, words)
  const shared = new Float32Array(memory, 4 * words)
  const room = shared.length / 2
  let meetings = 0

  const share = (columns: number): readonly [number, number] => {
    const panels = columns / panel
    return [Math.floor((rank * panels) / size) * panel, Math.floor(((rank + 1) * panels) / size) * panel]
  }
  /** Waits until all members are here as often as this one. */
  const meet = (): void => {
    meetings++
    const all = meetings * size
    if (Atomics.add(control, arrivals, 1) + 1 === all) Atomics.notify(control, arrivals)
    for (let look = 0; ; look++) {
      // Read first: a member that leaves is not waited for, and one that left after the meeting is met all the same.
      const gone = Atomics.load(control, departures) !== 0
      const here = Atomics.load(control, arrivals)
      if (here >= all) return
      if (gone) throw new Error(left)
      if (look >= looks) Atomics.wait(control, arrivals, here, 1000)
    }
  }
  /** What does not fit at once goes by rows. Halves of the memory take turns: one is read while the next is written. */
  const exchange: Team["exchange"] = (floats, at, rows, columns, stride) => {
    const [from, to] = share(columns)
    const most = Math.floor(room / columns)
    for (let first = 0; first < rows; first += most) {
      const half = (meetings % 2) * room
      const end = Math.min(rows, first + most)
      for (let row = first; row < end; row++) {
        const start = at + row * stride
        shared.set(floats.subarray(start + from, start + to), half + (row - first) * columns + from)
      }
      meet()
      for (let row = first; row < end; row++) {
        const start = at + row * stride
        const line = half + (row - first) * columns
        if (from > 0) floats.set(shared.subarray(line, line + from), start)
        if (to < columns) floats.set(shared.subarray(line + to, line + columns), start + to)
      }
    }
  }
  return { share, exchange }
}

/** Says that the member of a seat will not go on: the others do not wait for it. */
export const leave = ({ memory }: Seat): void => {
  const control = new Int32Array(memory, 0, words)
  Atomics.store(control, departures, 1)
  Atomics.notify(control, arrivals)
}
