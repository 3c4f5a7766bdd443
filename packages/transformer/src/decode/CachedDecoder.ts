/**
 * The decoder on stock operations, for any backend: keys and values are cached in tensors that a device holds, and a step is a forward
 * pass over one row per sequence.
 *
 * Stock operations cannot write in place, so the cache has two parts: `main`, which most steps leave as it is, and a `tail` of the
 * last tokens, copied with every step and merged into `main` when it has grown to {@link tailLength}. Columns of both parts are
 * positions: first those of the longest prompt (shorter ones leave the rest masked), then one per step. A slot lies in a row of its
 * own; rows are laid out anew when slots fork, and when half of them have ended. The number of rows is rounded up, so that a device
 * meets few different shapes. Logits are read back, and drawn from, in JavaScript.
 *
 * A row's numbers depend on the others only by what a backend's products do: their last bits may differ with the shape of the batch.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor2D, Tensor4D } from "@tensorflow/tfjs-core"
import { headSize, type ModelConfig, scoreScale, windowOf } from "../model/ModelConfig.ts"
import * as LogProb from "../ops/LogProb.ts"
import type { Ops } from "../ops/Ops.ts"
import * as RotaryTables from "../model/RotaryTables.ts"
import * as Sampling from "./Sampling.ts"
import { type Attend, attendWithin, attentionShape, embed, layerForward } from "../model/Transformer.ts"
import type { Weights } from "../model/Weights.ts"
import type { Decoder, Model, Plan, Session } from "./Decoder.ts"

/** Columns of the tail before it is merged. */
const tailLength = 32

/** Keys or values of a layer, [rows, kvHeads, columns, headSize] each. */
type Part = { readonly k: Tensor4D; readonly v: Tensor4D }

interface LayerCache {
  main: Part
  tail: Part | null
}

const keepPart = ({ k, v }: Part): Part => ({ k: tf.keep(k), v: tf.keep(v) })

const disposePart = (part: Part | null): void => {
  if (part !== null) tf.dispose([part.k, part.v])
}

const mapPart = (part: Part, f: (x: Tensor4D) => Tensor4D): Part => ({ k: f(part.k), v: f(part.v) })

const join = (a: Part | null, b: Part): Part =>
  a === null ? b : { k: tf.concat([a.k, b.k], 2), v: tf.concat([a.v, b.v], 2) }

/** A few different numbers of rows for all batches: at most a quarter more than asked for. */
const roundUp = (rows: number): number => {
  const step = Math.max(1, 2 ** (Math.floor(Math.log2(rows)) - 2))
  return Math.ceil(rows / step) * step
}

/** Rows [rows * time, kvHeads * size] as [rows, kvHeads, time, size]. */
const toCache = (x: Tensor2D, rows: number, { num_key_value_heads: kvHeads }: ModelConfig): Tensor4D =>
  tf.transpose(tf.reshape<tf.Rank.R4>(x, [rows, -1, kvHeads, x.shape[1] / kvHeads]), [0, 2, 1, 3])

/** Softmax attention of one query per row to the cache and to itself. */
const attendTo = (q: Tensor2D, cache: LayerCache, mask: Tensor4D, config: ModelConfig): Tensor2D => {
  const [rows, width] = q.shape
  const size = headSize(config)
  const queries: Tensor4D = tf.reshape(tf.mul(q, scoreScale(config)), [rows, config.num_key_value_heads, -1, size])
  const parts = cache.tail === null ? [cache.main] : [cache.main, cache.tail]
  const scores = parts.map(({ k }) => tf.matMul<Tensor4D>(queries, k, false, true))
  const all: Tensor4D = scores.length === 1 ? scores[0] : tf.concat(scores, 3)
  const cap = config.attn_logit_softcapping ?? null
  const capped = cap === null ? all : tf.mul<Tensor4D>(tf.tanh(tf.div(all, cap)), cap)
  const shares = tf.softmax(tf.add<Tensor4D>(capped, mask))
  const [, heads, group] = all.shape
  let from = 0
  const sums = parts.map(({ v }) => {
    const n = v.shape[2]
    const share = parts.length === 1 ? shares : tf.slice(shares, [0, 0, 0, from], [rows, heads, group, n])
    from += n
    return tf.matMul<Tensor4D>(share, v)
  })
  return tf.reshape(tf.addN<Tensor4D>(sums), [rows, width])
}

const open = (ops: Ops, { config, embedding }: Model, weights: Weights, plan: Plan): Session => {
  const vocabulary = config.vocab_size
  const widest = Math.max(...plan.prompts.map(({ length }) => length))
  const tables = RotaryTables.allTables(config, widest + plan.maxTokens)
  for (const { cos, sin } of tables.values()) {
    tf.keep(cos)
    tf.keep(sin)
  }
  const caches: Array<LayerCache> = []
  /** Rows that tensors have, and for each row how long its prompt is; how many tokens were appended. */
  let rows = 0
  let promptLengths = new Int32Array(0)
  let steps = 0
  /** The row of every slot, and the row of each slot of the last step in the order of its logits. */
  const rowOf = new Map<number, number>()
  let order = new Int32Array(0)
  let next = 0
  let logits: Tensor2D | null = null

  const add = (row: number): number => {
    rowOf.set(next, row)
    return next++
  }
  const rowOfSlot = (slot: number): number => {
    const row = rowOf.get(slot)
    if (row === undefined) throw new RangeError(`slot ${slot} holds no sequence`)
    return row
  }
  const setLogits = (make: () => Tensor2D): void => {
    logits?.dispose()
    logits = null
    logits = tf.keep(tf.tidy(make))
  }

  /** Large and negative where a row must not look: other prompts' columns, and what a window has left behind. */
  const maskOf = (window: number | null): Tensor4D => {
    const columns = widest + steps
    const mask = new Float32Array(rows * columns)
    for (let r = 0; r < rows; r++) {
      const length = promptLengths[r]
      mask.fill(-1e9, r * columns + length, r * columns + widest)
      if (window === null) continue
      // Positions below `first` are out of sight: columns of the prompt, then those of steps.
      const first = length + steps - window
      if (first > 0) mask.fill(-1e9, r * columns, r * columns + Math.min(first, length))
      if (first > length) mask.fill(-1e9, r * columns + widest, r * columns + widest + first - length)
    }
    return tf.tensor4d(mask, [rows, 1, 1, columns])
  }

  /** Copies the rows `from` to rows 0, 1 and on; some may be copied twice. */
  const layOut = (from: Int32Array): void => {
    const total = roundUp(from.length)
    const sources = new Int32Array(total)
    sources.set(from)
    promptLengths = sources.map((row) => promptLengths[row])
    const ids = tf.tensor1d(sources, "int32")
    const move = (part: Part): Part => {
      const moved = keepPart(mapPart(part, (x) => tf.gather(x, ids)))
      disposePart(part)
      return moved
    }
    for (const cache of caches) {
      cache.main = move(cache.main)
      cache.tail = cache.tail && move(cache.tail)
    }
    ids.dispose()
    rows = total
  }

  return {
    prefill: () => {
      rows = roundUp(plan.prompts.length)
      promptLengths = Int32Array.from({ length: rows }, (_, r) => plan.prompts[r]?.length ?? 1)
      const ids = new Int32Array(rows * widest)
      for (const [r, prompt] of plan.prompts.entries()) ids.set(prompt, r * widest)
      const segments = Int32Array.from(
        { length: 4 * rows },
        (_, i) => [Math.floor(i / 4) * widest, widest, 0, 0][i % 4],
      )
      setLogits(() => {
        const table = tf.tensor2d(segments, [rows, 4], "int32")
        const positions = tf.tensor1d(
          ids.map((_, i) => i % widest),
          "int32",
        )
        const rotary = RotaryTables.ofLayers(config, tables, positions)
        let x = embed(config, embedding, ids)
        for (const [l, w] of weights.layers.entries()) {
          const attend = attendWithin(ops, attentionShape(config, { segments: table, table: segments }, l))
          x = tf.tidy(() => {
            const { activations, out } = layerForward(config, ops, w, x, rotary(l), attend)
            const { k, v } = activations.attended
            caches.push({ main: keepPart({ k: toCache(k, rows, config), v: toCache(v, rows, config) }), tail: null })
            return out
          })
        }
        const last = Int32Array.from(plan.prompts, (prompt, r) => r * widest + prompt.length - 1)
        const { y } = ops.rmsNorm(ops.gatherRows(x, last), weights.norm, config.rms_norm_eps)
        return LogProb.logits(ops, y, weights.head)
      })
      order = Int32Array.from(plan.prompts.keys())
      return Int32Array.from(order, add)
    },
    advance: (n, slots, tokens) => {
      const wanted = slots.subarray(0, n).map(rowOfSlot)
      const forked = new Set(wanted).size < n
      if (forked || 2 * n <= rows) {
        layOut(wanted)
        for (let r = 0; r < n; r++) rowOf.set(slots[r], r)
        order = Int32Array.from({ length: n }, (_, r) => r)
      } else order = wanted
      const ids = new Int32Array(rows)
      for (let r = 0; r < n; r++) ids[order[r]] = tokens[r]
      const positions = promptLengths.map((length) => length + steps)
      steps++
      setLogits(() => {
        const rotary = RotaryTables.ofLayers(config, tables, tf.tensor1d(positions, "int32"))
        const masks = new Map<number | null, Tensor4D>()
        let x = embed(config, embedding, ids)
        for (const [l, w] of weights.layers.entries()) {
          const cache = caches[l]
          const window = windowOf(config, l)
          const mask = masks.get(window) ?? maskOf(window)
          masks.set(window, mask)
          x = tf.tidy(() => {
            const attend: Attend = (q, k, v) => {
              const old = cache.tail
              cache.tail = keepPart(join(old, { k: toCache(k, rows, config), v: toCache(v, rows, config) }))
              disposePart(old)
              // Nothing is kept for a backward pass, so the sums are not asked for.
              return { y: attendTo(q, cache, mask, config), logSums: q }
            }
            return layerForward(config, ops, w, x, rotary(l), attend).out
          })
          if (cache.tail !== null && cache.tail.k.shape[2] >= tailLength) {
            const { main, tail } = cache
            cache.main = tf.tidy(() => keepPart(join(main, tail)))
            cache.tail = null
            disposePart(main)
            disposePart(tail)
          }
        }
        const { y } = ops.rmsNorm(x, weights.norm, config.rms_norm_eps)
        return LogProb.logits(ops, y, weights.head)
      })
    },
    draw: async (law, count, n, draws) => {
      if (logits === null) throw new RangeError("nothing was computed to draw from")
      const values = (await logits.data<"float32">()).slice()
      const rowAt = (r: number) => values.subarray(order[r] * vocabulary, (order[r] + 1) * vocabulary)
      const sums = Array.from({ length: count }, (_, r) => Sampling.masses(rowAt(r), law))
      for (let d = 0; d < n; d++) {
        const r = draws.rows[d]
        const token = Sampling.pick(rowAt(r), sums[r].total, draws.uniforms[d])
        draws.tokens[d] = token
        draws.logprobs[d] = Sampling.logprob(rowAt(r)[token], sums[r].total, sums[r].raw, law)
      }
    },
    fork: (slot) => add(rowOfSlot(slot)),
    release: (slot) => {
      rowOf.delete(slot)
    },
    dispose: () => {
      for (const { main, tail } of caches) {
        disposePart(main)
        disposePart(tail)
      }
      logits?.dispose()
      for (const { cos, sin } of tables.values()) tf.dispose([cos, sin])
    },
  }
}

/** @category constructors */
export const make = (ops: Ops, model: Model): Decoder => ({
  changed: () => {},
  open: (plan) => open(ops, model, model.weights(), plan),
})
