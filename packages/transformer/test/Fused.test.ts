/** Every fused operation against its composed oracle, forward and backward, over random shapes. */
import { Backend } from "@lpo/transformer"
import { Seed } from "@lpo/rollout"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import fc from "fast-check"
import { beforeAll, expect, it } from "vitest"
import { composed } from "../src/ops/Composed.ts"
import { make as fused } from "../src/ops/Fused.ts"
import * as Heap from "../src/ops/Heap.ts"
import * as KernelFile from "../src/device/KernelFile.ts"
import type { Ops } from "../src/ops/Ops.ts"
import { times } from "./counts.ts"

beforeAll(() => Effect.runPromise(Backend.start("wasm")))

const numRuns = times(60, 150)
const matrix = (name: string, rows: number, columns: number): tf.Tensor2D => {
  const random = Seed.stream(name)
  return tf.tensor2d(Float32Array.from({ length: rows * columns }, random.normal), [rows, columns])
}

/** Largest difference, relative to the largest value (or to `floor`, where the truth is a cancellation to 0). */
const gap = (a: tf.Tensor, b: tf.Tensor, floor: number): number => {
  expect(a.shape).toEqual(b.shape)
  const x = a.dataSync<"float32">()
  const y = b.dataSync<"float32">()
  const size = y.reduce((m, v) => Math.max(m, Math.abs(v)), floor)
  return x.reduce((m, v, i) => Math.max(m, Math.abs(v - y[i])), 0) / size
}

const agree = (a: Record<string, tf.Tensor>, b: Record<string, tf.Tensor>, floor = 1e-3): void => {
  for (const [name, tensor] of Object.entries(a)) expect(gap(tensor, b[name], floor), name).toBeLessThan(2e-5)
}

const inScope = (run: () => void): void => {
  tf.tidy(() => {
    run()
  })
}
const size = (max: number) => fc.integer({ min: 1, max })

/** Both tiles, whatever this machine would take. */
const tiles = () => {
  const compiled = KernelFile.compile()
  return ([4, 6] as const).map((height) => fused(Heap.open({ ...compiled, height })))
}
const perhaps = fc.boolean()

it("linear, sizes not divisible by the tile and a bias included", () => {
  const [narrow, wide] = tiles()
  fc.assert(
    fc.property(size(150), size(40), size(40), perhaps, perhaps, (rows, input, output, biased, summed) =>
      inScope(() => {
        const x = matrix("x", rows, input)
        const w = matrix("w", output, input)
        const bias = biased ? tf.reshape<tf.Rank.R1>(matrix("b", 1, output), [output]) : null
        const weight = { w, wT: tf.transpose(w), bias }
        const dy = matrix("dy", rows, output)
        const [onY, onX] = [matrix("on y", rows, output), matrix("on x", rows, input)]
        const all = (ops: Ops) => ({
          y: summed ? ops.linear(x, weight, onY) : ops.linear(x, weight),
          dx: summed ? ops.linearBackward(dy, weight, onX) : ops.linearBackward(dy, weight),
        })
        const ours = all(wide)
        agree(ours, all(composed))
        // The tiles give the same bits, so that results do not depend on the machine's vectors.
        for (const [name, tensor] of Object.entries(all(narrow)))
          expect(tensor.dataSync(), name).toEqual(ours[name as keyof typeof ours].dataSync())
      }),
    ),
    { numRuns },
  )
})

it("sums of gradients: products, vectors, rows", () =>
  fc.assert(
    fc.asyncProperty(size(200), size(40), size(40), async (rows, input, output) => {
      const [x, dy, ends] = [matrix("x", rows, input), matrix("dy", rows, output), tf.tensor1d([1, 2, 3])]
      const ids = Int32Array.from({ length: rows }, (_, r) => (r * 7) % output)
      const sums: Array<Float32Array> = []
      for (const ops of [...tiles(), composed]) {
        const sum = ops.gradient(output * input + output + 3)
        for (let i = 0; i < 2; i++) {
          sum.addLinear(3, dy, x)
          sum.addRowSum(3 + output * input, dy)
          sum.addRows(3, ids, x)
          sum.add(0, ends)
        }
        const values = new Float32Array(output * input + output + 3)
        await sum.read(values)
        sum.zero()
        const empty = values.slice()
        await sum.read(empty)
        expect(empty.every((v) => v === 0)).toBe(true)
        sum.dispose()
        sums.push(values)
      }
      tf.dispose([x, dy, ends])
      expect(sums[0]).toEqual(sums[1])
      inScope(() => agree({ sum: tf.tensor1d(sums[1]) }, { sum: tf.tensor1d(sums[2]) }))
    }),
    { numRuns: times(25, 60) },
  ))

it("rmsNorm", () => {
  const ops = fused()
  fc.assert(
    // From two features on: with one, the gradient is 0 but for rounding.
    fc.property(size(40), fc.integer({ min: 2, max: 40 }), perhaps, (rows, d, summed) =>
      inScope(() => {
        const x = matrix("x", rows, d)
        const gain = tf.reshape(matrix("g", 1, d), [d])
        const dy = matrix("dy", rows, d)
        const plus = summed ? matrix("plus", rows, d) : undefined
        const saved = composed.rmsNorm(x, gain, 1e-5)
        agree(ops.rmsNorm(x, gain, 1e-5), saved)
        const given = { x, scale: saved.scale }
        agree(ops.rmsNormBackward(dy, given, gain, plus), composed.rmsNormBackward(dy, given, gain, plus))
      }),
    ),
    { numRuns },
  )
})

/** Segments of random lengths; those after a first one may see it or an earlier one as their prefix. */
const segmentTables = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 70 }), fc.option(fc.nat(3))), { minLength: 1, maxLength: 5 })
  .map((parts) => {
    const table: Array<readonly [number, number, number, number]> = []
    let start = 0
    for (const [length, of] of parts) {
      const [from, prefix] = of === null ? [0, 0] : (table[of] ?? [0, 0])
      table.push([start, length, from, prefix])
      start += length
    }
    return { table, rows: start }
  })

it("attention: ragged segments with and without prefix, windows, grouped heads from 1 to 8", () => {
  const both = tiles()
  fc.assert(
    fc.property(
      segmentTables,
      fc.constantFrom([1, 1], [2, 1], [4, 2], [8, 1], [3, 3], [6, 2]),
      size(11),
      fc.option(size(40)),
      fc.option(fc.constantFrom(0.7, 4)),
      ({ rows, table }, [heads, kvHeads], half, window, cap) => {
        inScope(() => {
          const headSize = 2 * half
          const flat = Int32Array.from(table.flat())
          const segments = tf.tensor2d(flat, [table.length, 4], "int32")
          const scale = cap === null ? 1 / Math.sqrt(headSize) : 0.9
          const shape = { segments, table: flat, heads, kvHeads, headSize, window, scale, cap }
          const q = matrix("q", rows, heads * headSize)
          const k = matrix("k", rows, kvHeads * headSize)
          const v = matrix("v", rows, kvHeads * headSize)
          const dy = matrix("dy", rows, heads * headSize)
          const saved = composed.attention(q, k, v, shape)
          const given = { q, k, v, ...saved }
          const truth = composed.attentionBackward(dy, given, shape)
          const results = both.map((ops) => {
            const forward = ops.attention(q, k, v, shape)
            const backward = ops.attentionBackward(dy, given, shape)
            agree(forward, saved)
            // With one position to look at, the gradients by queries and keys are differences of equals.
            agree(backward, truth, 0.5)
            return Object.values({ ...forward, ...backward }).map((tensor) => tensor.dataSync<"float32">())
          })
          expect(results[0]).toEqual(results[1])
        })
      },
    ),
    { numRuns: times(25, 60) },
  )
})

it("attention: a prefix that responses share is what every response has to itself", () => {
  const ops = fused()
  inScope(() => {
    const [heads, headSize, prompt, own] = [2, 8, 21, 30]
    const x = matrix("x", prompt + 3 * own, heads * headSize)
    const shape = (table: ReadonlyArray<number>) => ({
      segments: tf.tensor2d(Int32Array.from(table), [table.length / 4, 4], "int32"),
      table: Int32Array.from(table),
      heads,
      kvHeads: heads,
      headSize,
      window: null,
      scale: 1 / Math.sqrt(headSize),
      cap: null,
    })
    const starts = [0, 1, 2].map((i) => prompt + i * own)
    const shared = ops.attention(x, x, x, shape([0, prompt, 0, 0, ...starts.flatMap((s) => [s, own, 0, prompt])])).y
    for (const start of starts) {
      const alone = tf.concat([tf.slice(x, [0, 0], [prompt, -1]), tf.slice(x, [start, 0], [own, -1])], 0)
      const y = ops.attention(alone, alone, alone, shape([0, prompt + own, 0, 0])).y
      const tail = tf.slice(y, [prompt, 0], [own, -1]).dataSync()
      expect(tf.slice(shared, [start, 0], [own, -1]).dataSync()).toEqual(tail)
    }
  })
})

it("rope", () => {
  const ops = fused()
  fc.assert(
    fc.property(size(40), size(4), size(11), (rows, heads, half) =>
      inScope(() => {
        const time = 17
        const table = (name: string): tf.Tensor2D => {
          const x = matrix(name, time, half)
          return tf.concat([x, x], 1)
        }
        const positions = tf.tensor1d(
          Int32Array.from({ length: rows }, (_, r) => (5 * r) % time),
          "int32",
        )
        const rotary = { cos: table("cos"), sin: table("sin"), positions }
        const x = () => matrix("x", rows, heads * 2 * half)
        agree({ y: ops.rope(x(), rotary, heads) }, { y: composed.rope(x(), rotary, heads) })
        agree({ y: ops.ropeBackward(x(), rotary, heads) }, { y: composed.ropeBackward(x(), rotary, heads) })
      }),
    ),
    { numRuns },
  )
})

it.each(["silu", "gelu"] as const)("gates by %s, large inputs of both signs included", (activation) => {
  const ops = fused()
  fc.assert(
    fc.property(size(30), size(30), fc.constantFrom(1, 10, 200), (rows, d, scale) =>
      inScope(() => {
        const gate: tf.Tensor2D = tf.mul(matrix("gate", rows, d), scale)
        const up = matrix("up", rows, d)
        const dy = matrix("dy", rows, d)
        agree({ y: ops.glu(gate, up, activation) }, { y: composed.glu(gate, up, activation) })
        agree(ops.gluBackward(dy, gate, up, activation), composed.gluBackward(dy, gate, up, activation))
      }),
    ),
    { numRuns },
  )
})

it("caps softly, far below and far above the cap", () => {
  const ops = fused()
  fc.assert(
    fc.property(size(30), size(30), fc.constantFrom(0.01, 1, 100), (rows, d, scale) =>
      inScope(() => {
        const x: tf.Tensor2D = tf.mul(matrix("x", rows, d), scale)
        const dy = matrix("dy", rows, d)
        agree({ y: ops.softCap(x, 3) }, { y: composed.softCap(x, 3) })
        agree({ dx: ops.softCapBackward(dy, x, 3) }, { dx: composed.softCapBackward(dy, x, 3) })
      }),
    ),
    { numRuns },
  )
})

it("rows of tables, gathered and scattered", () => {
  const ops = fused()
  fc.assert(
    fc.property(size(20), size(20), fc.array(fc.nat(19), { minLength: 1 }), (rows, d, picks) =>
      inScope(() => {
        const table = matrix("table", rows, d)
        const ids = Int32Array.from(picks, (id) => id % rows)
        const x = matrix("x", picks.length, d)
        agree({ y: ops.gatherRows(table, ids) }, { y: composed.gatherRows(table, ids) })
        agree({ y: ops.scatterRows(x, ids, rows) }, { y: composed.scatterRows(x, ids, rows) })
      }),
    ),
    { numRuns },
  )
})

it("logProb, logits far apart included", () => {
  const ops = fused()
  fc.assert(
    fc.property(size(30), fc.integer({ min: 2, max: 70 }), fc.constantFrom(1, 30), (rows, vocabulary, scale) =>
      inScope(() => {
        const logits = (): tf.Tensor2D => tf.mul(matrix("logits", rows, vocabulary), scale)
        const targets = Int32Array.from({ length: rows }, (_, r) => (r * 11) % vocabulary)
        const weights = matrix("weights", rows, 1).dataSync<"float32">()
        const [ours, truth] = [ops, composed].map((of) => ({
          logprobs: of.logProb(logits(), targets),
          dLogits: of.logProbBackward(logits(), targets, weights),
        }))
        agree(ours, truth)
      }),
    ),
    { numRuns },
  )
})
