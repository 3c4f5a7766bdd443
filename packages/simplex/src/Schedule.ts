/**
 * Curricula: a value, such as tau or the divergence, as a function of the progress of training or of a measurement.
 *
 * A schedule is a pure function of progress in [0, 1]; a switch is a pure step from its side and a measurement to its next
 * side, so a trainer can keep the side in a checkpoint.
 *
 * @module
 */
import { blend as blendDivergences, type Divergence } from "./Divergence.ts"
import { badEntry, badValue, SimplexError } from "./SimplexError.ts"

/** The value at `progress` in [0, 1]; progress outside is clipped to it, NaN throws. @category models */
export type Schedule<A> = (progress: number) => A

const hold = (progress: number): number => {
  if (Number.isNaN(progress)) throw badValue("progress", progress, "it is the share of training done, in [0, 1]")
  return Math.min(1, Math.max(0, progress))
}

/**
 * The same value throughout.
 *
 * {@includeCode ../examples/Schedule.ts#import,constant}
 *
 * @category schedules
 */
export const constant =
  <A>(value: A): Schedule<A> =>
  () =>
    value

const checkEnds = (from: number, to: number): void => {
  for (const [name, v] of [
    ["from", from],
    ["to", to],
  ] as const)
    if (!Number.isFinite(v)) throw badValue(name, v, "it must be finite")
}

/**
 * In a straight line from one value to another. Throws `SimplexError` for ends that are not finite.
 *
 * {@includeCode ../examples/Schedule.ts#import,linear}
 *
 * @category schedules
 */
export const linear = (from: number, to: number): Schedule<number> => {
  checkEnds(from, to)
  return (progress) => {
    const x = hold(progress)
    return (1 - x) * from + x * to
  }
}

/**
 * Along half a cosine, level at both ends.
 *
 * {@includeCode ../examples/Schedule.ts#import,cosine}
 *
 * @category schedules
 */
export const cosine = (from: number, to: number): Schedule<number> => {
  checkEnds(from, to)
  return (progress) => to + ((from - to) * (1 + Math.cos(Math.PI * hold(progress)))) / 2
}

/**
 * One schedule after another: `[[0, a], [0.5, b]]` is a over the first half of training and b over the second, each from its
 * own progress 0 to 1. Throws `SimplexError` unless the first start is 0 and they rise, all below 1.
 *
 * {@includeCode ../examples/Schedule.ts#import,piecewise}
 *
 * @category schedules
 */
export const piecewise = <A>(pieces: ReadonlyArray<readonly [start: number, schedule: Schedule<A>]>): Schedule<A> => {
  if (pieces.length === 0)
    throw new SimplexError("a piecewise schedule needs a piece that starts at 0", { input: "pieces" })
  for (const [i, [start]] of pieces.entries()) {
    const rises = i === 0 ? start === 0 : start > pieces[i - 1][0] && start < 1
    if (!rises) throw badEntry("start", i, start, "the first start is 0, and they rise, all below 1")
  }
  return (progress) => {
    const x = hold(progress)
    const i = pieces.findLastIndex(([start]) => start <= x)
    const end = i + 1 < pieces.length ? pieces[i + 1][0] : 1
    return pieces[i][1]((x - pieces[i][0]) / (end - pieces[i][0]))
  }
}

/**
 * A divergence that moves from `first` to `second` with the scheduled weight a of the second: `(1 - a) first + a second`.
 *
 * {@includeCode ../examples/Schedule.ts#import,blend}
 *
 * @category schedules
 */
export const blend =
  (first: Divergence, second: Divergence, a: Schedule<number>): Schedule<Divergence> =>
  (progress) =>
    blendDivergences(first, second, a(progress))

/** Which side of a switch is on. @category switches */
export type Side = "low" | "high"

/** A switch between two values by a measured quantity, such as the entropy or the pass rate. @category switches */
export interface Switch<A> {
  /** The side after `measured`, given the side before it. NaN changes nothing. */
  readonly next: (side: Side, measured: number) => Side
  readonly value: (side: Side) => A
}

/**
 * A switch with hysteresis: it goes to `high` when the measurement rises to `riseAt` or above and back to `low` when it falls
 * to `fallAt` or below; between the two it stays, so noise around one level does not make it flutter. Throws
 * `SimplexError` unless fallAt <= riseAt.
 *
 * {@includeCode ../examples/Schedule.ts#import,hysteresis}
 *
 * @category switches
 */
export const hysteresis = <A>(options: {
  readonly fallAt: number
  readonly riseAt: number
  readonly low: A
  readonly high: A
}): Switch<A> => {
  const { fallAt, high, low, riseAt } = options
  if (!(fallAt <= riseAt)) throw badValue("fallAt", fallAt, `it must not be above riseAt, which is ${riseAt}`)
  return {
    next: (side, measured) => {
      if (side === "low") return measured >= riseAt ? "high" : "low"
      return measured <= fallAt ? "low" : "high"
    },
    value: (side) => (side === "low" ? low : high),
  }
}
