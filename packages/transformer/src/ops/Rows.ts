/**
 * Rows picked from a matrix and summed into one, by stock gathers alone: no backend lacks them, none adds in an order that changes
 * from run to run, and no tensor is read back. Which rows go where is known in JavaScript.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor2D } from "@tensorflow/tfjs-core"

/** Row ids[r] of x for every r; row 0 where the id is negative. */
export const pick = (x: Tensor2D, ids: Int32Array): Tensor2D =>
  tf.tidy(() =>
    tf.gather(
      x,
      tf.tensor1d(
        ids.map((id) => Math.max(0, id)),
        "int32",
      ),
    ),
  )

/** Where the rows of a sum come from. Source `none` is a row of zeros. */
interface Plan {
  /** For every row of the sum, its first source. */
  readonly first: Int32Array
  /** The further sources of the rows that have several: `times` lists, one after the other, of an entry per such row. */
  readonly more: { readonly times: number; readonly sources: Int32Array; readonly places: Int32Array } | null
}

const planOf = (ids: Int32Array, rows: number): Plan => {
  const none = ids.length
  const first = new Int32Array(rows).fill(none)
  const further = new Map<number, Array<number>>()
  for (const [source, id] of ids.entries()) {
    if (id < 0) continue
    if (first[id] === none) first[id] = source
    else if (further.get(id)?.push(source) === undefined) further.set(id, [source])
  }
  if (further.size === 0) return { first, more: null }
  const times = Math.max(...Array.from(further.values(), (list) => list.length))
  const sources = new Int32Array(times * further.size).fill(none)
  const places = new Int32Array(rows).fill(further.size)
  for (const [column, [id, list]] of [...further].entries()) {
    places[id] = column
    for (const [t, source] of list.entries()) sources[t * further.size + column] = source
  }
  return { first, more: { times, sources, places } }
}

const plans = new WeakMap<Int32Array, Plan>()

const withZeros = (x: Tensor2D): Tensor2D => tf.concat([x, tf.zeros<tf.Rank.R2>([1, x.shape[1]])], 0)

/** A matrix of `rows` rows whose row ids[r] sums the rows r of x; negative ids go nowhere. An array of ids is not changed later. */
export const sum = (x: Tensor2D, ids: Int32Array, rows: number): Tensor2D =>
  tf.tidy(() => {
    const plan = plans.get(ids) ?? planOf(ids, rows)
    plans.set(ids, plan)
    const width = x.shape[1]
    const padded = withZeros(x)
    const head = pick(padded, plan.first)
    if (plan.more === null) return head
    const { places, sources, times } = plan.more
    const lists = tf.reshape(pick(padded, sources), [times, -1])
    const extra: Tensor2D = tf.reshape(tf.sum(lists, 0), [-1, width])
    return tf.add(head, pick(withZeros(extra), places))
  })
