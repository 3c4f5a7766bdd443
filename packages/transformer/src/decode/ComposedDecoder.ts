/**
 * A decoder without a cache: the whole forward pass over every history for each token. Quadratic, but made of nothing but the
 * operations of any backend, and the oracle for the one with kernels.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Ops } from "../ops/Ops.ts"
import * as Sampling from "../Sampling.ts"
import { forward } from "../Transformer.ts"
import type { Decoder, Model } from "./Decoder.ts"

/** @category constructors */
export const make = (ops: Ops, { config, embedding, weights }: Model): Decoder => ({
  changed: () => {},
  open: ({ prompts }) => {
    const size = config.vocab_size
    const histories = new Map<number, Int32Array>()
    let next = 0
    let logits = new Float32Array(0)
    const add = (history: Int32Array): number => {
      histories.set(next, history)
      return next++
    }
    const historyOf = (slot: number): Int32Array => {
      const history = histories.get(slot)
      if (history === undefined) throw new RangeError(`slot ${slot} holds no sequence`)
      return history
    }
    const compute = (rows: ReadonlyArray<Int32Array>): void => {
      const ids = new Int32Array(rows.reduce((sum, row) => sum + row.length, 0))
      const segments = new Int32Array(4 * rows.length)
      const last = new Int32Array(rows.length)
      let at = 0
      for (const [i, row] of rows.entries()) {
        ids.set(row, at)
        segments.set([at, row.length, 0, 0], 4 * i)
        at += row.length
        last[i] = at - 1
      }
      const packed = { ids, segments, rows: last, targets: new Int32Array(rows.length) }
      const { hidden } = forward(config, ops, weights(), embedding, packed)
      tf.tidy(() => {
        const rowsOfHidden = tf.tensor2d(hidden, [rows.length, config.hidden_size])
        logits = ops.linear(rowsOfHidden, weights().head).dataSync<"float32">().slice()
      })
    }
    return {
      prefill: () => {
        compute(prompts)
        return Int32Array.from(prompts, add)
      },
      advance: (n, slots, tokens) => {
        const rows = Array.from({ length: n }, (_, r) => Int32Array.of(...historyOf(slots[r]), tokens[r]))
        for (const [r, row] of rows.entries()) histories.set(slots[r], row)
        compute(rows)
      },
      draw: (law, rows, n, draws) => {
        const sums = Array.from({ length: rows }, (_, r) => {
          const row = logits.subarray(r * size, (r + 1) * size)
          return Sampling.masses(row, law)
        })
        for (let d = 0; d < n; d++) {
          const r = draws.rows[d]
          const row = logits.subarray(r * size, (r + 1) * size)
          const token = Sampling.pick(row, sums[r].total, draws.uniforms[d])
          draws.tokens[d] = token
          draws.logprobs[d] = Sampling.logprob(row[token], sums[r].raw, law)
        }
      },
      fork: (slot) => add(historyOf(slot)),
      release: (slot) => {
        histories.delete(slot)
      },
      dispose: () => histories.clear(),
    }
  },
})
