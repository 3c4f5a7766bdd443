/** Products of more than one block, and the head with its logits kept or computed again. */
import { Backend } from "@lpo/transformer"
import { Seed } from "@lpo/rollout"
import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import { beforeAll, expect, it } from "vitest"
import * as KernelFile from "../src/device/KernelFile.ts"
import { make as fused } from "../src/ops/Fused.ts"
import * as Heap from "../src/ops/Heap.ts"
import * as LogProb from "../src/ops/LogProb.ts"

beforeAll(() => Effect.runPromise(Backend.start("wasm")))

const normal = (name: string, length: number): Float32Array => {
  const random = Seed.stream(name)
  return Float32Array.from({ length }, random.normal)
}

/** A [m, k] times B [k, n] in float64. */
const exact = (
  m: number,
  n: number,
  k: number,
  a: (i: number, p: number) => number,
  b: (p: number, j: number) => number,
) =>
  Float64Array.from({ length: m * n }, (_, at) => {
    let sum = 0
    for (let p = 0; p < k; p++) sum += a(Math.floor(at / n), p) * b(p, at % n)
    return sum
  })

/** Entries are sums of `terms` products of normal numbers. */
const near = (x: ArrayLike<number>, truth: Float64Array, terms: number): void => {
  expect(x.length).toBe(truth.length)
  const worst = truth.reduce((most, value, i) => Math.max(most, Math.abs(value - x[i])), 0)
  expect(worst).toBeLessThan(4e-7 * terms)
}

it.each([
  [49, 257, 33],
  [97, 512, 16],
  [130, 520, 20],
  [1030, 18, 98],
])("%d rows, %d inputs, %d outputs: both tiles give the same bits, those of float64 up to rounding", (m, k, n) => {
  const [x, w, dy] = [normal("x", m * k), normal("w", n * k), normal("dy", m * n)]
  const results = ([4, 6] as const).map((height) => {
    const ops = fused(Heap.open({ ...KernelFile.compile(), height }))
    const gradient = ops.gradient(n * k)
    const out = tf.tidy(() => {
      const [x2, w2, dy2] = [tf.tensor2d(x, [m, k]), tf.tensor2d(w, [n, k]), tf.tensor2d(dy, [m, n])]
      const weight = { w: w2, wT: tf.transpose(w2), bias: null }
      gradient.addLinear(0, dy2, x2)
      return [ops.linear(x2, weight).dataSync(), ops.linearBackward(dy2, weight).dataSync()]
    })
    const sum = new Float32Array(n * k)
    return gradient.read(sum).then(() => {
      gradient.dispose()
      return [...out, sum]
    })
  })
  return Promise.all(results).then(([narrow, wide]) => {
    expect(wide).toEqual(narrow)
    const [y, dx, dw] = wide
    near(
      y,
      exact(
        m,
        n,
        k,
        (i, p) => x[i * k + p],
        (p, j) => w[j * k + p],
      ),
      k,
    )
    near(
      dx,
      exact(
        m,
        k,
        n,
        (i, p) => dy[i * n + p],
        (p, j) => w[p * k + j],
      ),
      n,
    )
    near(
      dw,
      exact(
        n,
        k,
        m,
        (i, p) => dy[p * n + i],
        (p, j) => x[p * k + j],
      ),
      m,
    )
  })
})

it.each([
  { cap: null, tempered: false, masked: false },
  { cap: null, tempered: true, masked: true },
  { cap: 3, tempered: true, masked: false },
])("logits kept give the bits of logits computed again: %o", ({ cap, masked, tempered }) => {
  const [rows, width, vocabulary] = [60, 24, 40]
  const ops = fused()
  const targets = Int32Array.from({ length: rows }, (_, r) => (r * 7) % vocabulary)
  const weights = Float32Array.from({ length: rows }, (_, r) => (masked && r % 3 === 0 ? 0 : Math.sin(r)))
  const slopes = tempered ? Float32Array.from({ length: rows }, (_, r) => 0.5 + (r % 4)) : null
  const run = (keep: boolean) => {
    const found: Array<ArrayLike<number>> = []
    tf.tidy(() => {
      const w = tf.tensor2d(normal("w", vocabulary * width), [vocabulary, width])
      const head = { w, wT: tf.transpose<tf.Tensor2D>(w), bias: null, cap }
      const hidden = tf.tensor2d(normal("h", rows * width), [rows, width])
      const { logprobs, saved } = LogProb.forward(ops, hidden, head, targets, slopes, undefined, keep)
      expect(saved.plain === null).toBe(!keep)
      found.push(logprobs.dataSync().slice())
      const dx = LogProb.backward(ops, saved, head, weights, (dLogits) => void found.push(dLogits.dataSync().slice()))
      found.push(dx.dataSync().slice())
    })
    return found
  }
  expect(run(true)).toEqual(run(false))
})
