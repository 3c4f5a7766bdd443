/** Every fused operation against its composed oracle, forward and backward, over random shapes. */
import { Backend, composed, fused } from "@lpo/transformer"
import { Seed } from "@lpo/rollout"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import fc from "fast-check"
import { beforeAll, expect, it } from "vitest"

beforeAll(() => Effect.runPromise(Backend.start("wasm")))

const numRuns = 150
const matrix = (name: string, rows: number, columns: number): tf.Tensor2D => {
  const random = Seed.stream(name)
  return tf.tensor2d(Float32Array.from({ length: rows * columns }, random.normal), [rows, columns])
}

/** Largest difference, relative to the largest value (or to 1e-3, where the truth is a cancellation to 0). */
const gap = (a: tf.Tensor, b: tf.Tensor): number => {
  expect(a.shape).toEqual(b.shape)
  const x = a.dataSync<"float32">()
  const y = b.dataSync<"float32">()
  const size = y.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3)
  return x.reduce((m, v, i) => Math.max(m, Math.abs(v - y[i])), 0) / size
}

const agree = (a: Record<string, tf.Tensor>, b: Record<string, tf.Tensor>): void => {
  for (const [name, tensor] of Object.entries(a)) expect(gap(tensor, b[name]), name).toBeLessThan(2e-5)
}

const inScope = (run: () => void): void => {
  tf.tidy(() => {
    run()
  })
}
const size = (max: number) => fc.integer({ min: 1, max })

it("linear, sizes not divisible by the tile included", () => {
  const ops = fused()
  fc.assert(
    fc.property(size(150), size(40), size(40), (rows, input, output) =>
      inScope(() => {
        const x = matrix("x", rows, input)
        const w = matrix("w", output, input)
        const dy = matrix("dy", rows, output)
        for (const bias of [null, tf.reshape<tf.Rank.R1>(matrix("b", 1, output), [output])]) {
          const weight = { w, wT: tf.transpose(w), bias }
          agree({ y: ops.linear(x, weight) }, { y: composed.linear(x, weight) })
          const { db, ...ours } = ops.linearBackward(dy, x, weight)
          const { db: truth, ...theirs } = composed.linearBackward(dy, x, weight)
          agree(ours, theirs)
          expect(db === null).toBe(bias === null)
          if (db !== null && truth !== null) agree({ db }, { db: truth })
        }
      }),
    ),
    { numRuns },
  )
})

it("rmsNorm", () => {
  const ops = fused()
  fc.assert(
    // From two features on: with one, the gradient is 0 but for rounding.
    fc.property(size(40), fc.integer({ min: 2, max: 40 }), (rows, d) =>
      inScope(() => {
        const x = matrix("x", rows, d)
        const gain = tf.reshape(matrix("g", 1, d), [d])
        const dy = matrix("dy", rows, d)
        const saved = composed.rmsNorm(x, gain, 1e-5)
        agree(ops.rmsNorm(x, gain, 1e-5), saved)
        agree(ops.rmsNormBackward(dy, saved, gain), composed.rmsNormBackward(dy, saved, gain))
      }),
    ),
    { numRuns },
  )
})

it("attention and rope, one position long, grouped heads from 1 to 8 and windows included", () => {
  const ops = fused()
  fc.assert(
    fc.property(
      size(5),
      size(17),
      fc.constantFrom([1, 1], [2, 1], [4, 2], [8, 1], [3, 3]),
      size(9),
      fc.option(size(9)),
      (sequences, time, [heads, kvHeads], half, window) =>
        inScope(() => {
          const headSize = 2 * half
          const shape = { sequences, time, heads, kvHeads, headSize, window }
          const q = matrix("q", sequences * time, heads * headSize)
          const k = matrix("k", sequences * time, kvHeads * headSize)
          const v = matrix("v", sequences * time, kvHeads * headSize)
          const dy = matrix("dy", sequences * time, heads * headSize)
          const saved = composed.attention(q, k, v, shape)
          agree(ops.attention(q, k, v, shape), saved)
          const given = { q, k, v, probabilities: saved.probabilities }
          agree(ops.attentionBackward(dy, given, shape), composed.attentionBackward(dy, given, shape))
          const table = (name: string) => {
            const x = matrix(name, time, half)
            return tf.reshape<tf.Rank.R4>(tf.concat([x, x], 1), [1, time, 1, headSize])
          }
          const rotate = new Float32Array(headSize * headSize)
          for (let i = 0; i < half; i++) {
            rotate[(i + half) * headSize + i] = -1
            rotate[i * headSize + i + half] = 1
          }
          const r = tf.tensor2d(rotate, [headSize, headSize])
          const rotary = { cos: table("cos"), sin: table("sin"), rotate: r, rotateBack: tf.transpose(r) }
          agree({ y: ops.rope(q, rotary, shape) }, { y: composed.rope(q, rotary, shape) })
          agree({ y: ops.ropeBackward(q, rotary, shape) }, { y: composed.ropeBackward(q, rotary, shape) })
        }),
    ),
    { numRuns },
  )
})

it("swiGlu, large inputs of both signs included", () => {
  const ops = fused()
  fc.assert(
    fc.property(size(30), size(30), fc.constantFrom(1, 10, 200), (rows, d, scale) =>
      inScope(() => {
        const gate: tf.Tensor2D = tf.mul(matrix("gate", rows, d), scale)
        const up = matrix("up", rows, d)
        const dy = matrix("dy", rows, d)
        agree({ y: ops.swiGlu(gate, up) }, { y: composed.swiGlu(gate, up) })
        agree(ops.swiGluBackward(dy, gate, up), composed.swiGluBackward(dy, gate, up))
      }),
    ),
    { numRuns },
  )
})
