/**
 * The operations as companion kernels: a small SIMD WebAssembly module (`assembly/`) that works on the memory of the
 * TensorFlow.js WASM backend, so that its results are ordinary tensors. Only for that backend.
 */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor, Tensor1D, Tensor2D } from "@tensorflow/tfjs-core"
import * as Heap from "./Heap.ts"
import { type AttentionShape, gates, type GradientSum, type LinearWeight, type Ops } from "./Ops.ts"

interface WasmBackend {
  readonly dataIdMap: { readonly get: (id: object) => { readonly memoryOffset: number } }
  readonly makeOutput: (shape: ReadonlyArray<number>, dtype: "float32") => tf.TensorInfo
}

/** From this many rows on, packing the weight costs little beside the product. */
const MANY = 48
/** Steps of a product's inner dimension that are packed at once, as in `assembly/gemm.ts`. */
const DEEP = 256
const up16 = (n: number): number => Math.ceil(n / 16) * 16

/** The fused operations on the active backend, which must be `wasm`, whose heap this is. @category implementations */
export const make = (heap: Heap.Heap = Heap.open()): Ops => {
  const backend = tf.backend() as unknown as WasmBackend
  const { height, kernels, memory } = heap
  const at = (tensor: Tensor): number => backend.dataIdMap.get(tensor.dataId).memoryOffset
  const atOrNone = (tensor: Tensor | undefined): number => (tensor === undefined ? 0 : at(tensor))
  const allocate = (shape: ReadonlyArray<number>): Tensor =>
    tf.engine().makeTensorFromTensorInfo(backend.makeOutput(shape, "float32"))
  const integers = (values: Int32Array): Tensor1D => tf.tensor1d(values, "int32")
  const vector = (n: number): Tensor1D => allocate([n]) as Tensor1D
  const matrix = (rows: number, columns: number): Tensor2D => allocate([rows, columns]) as Tensor2D

  let spare: Tensor | null = null
  /** Address of at least `floats` floats that nobody keeps anything in. */
  const scratch = (floats: number): number => {
    if (spare === null || spare.size < floats) {
      spare?.dispose()
      spare = tf.keep(allocate([up16(floats)]))
    }
    return at(spare)
  }

  /** The most positions that a segment sees; `scratch` of attention grows with it. */
  const longest = (table: Int32Array): number => {
    let most = 0
    for (let i = 0; i < table.length; i += 4) most = Math.max(most, table[i + 1] + table[i + 3])
    return up16(most) + 16
  }
  const attentionArguments = ({ cap, headSize, heads, kvHeads, scale, segments, window }: AttentionShape) =>
    ({
      segments: [height, at(segments), segments.shape[0]],
      heads: [heads, kvHeads, headSize, window ?? 0, scale, cap ?? 0],
    }) as const

  const gradient = (size: number): GradientSum => {
    const sum = tf.keep(allocate([size]))
    const from = (offset: number): number => at(sum) + 4 * offset
    const zero = (): void => {
      new Float32Array(memory.buffer, at(sum), size).fill(0)
    }
    zero()
    return {
      zero,
      addLinear: (offset, dy, x) => {
        const [m, n] = dy.shape
        const k = x.shape[1]
        const rows = Math.min(1024, 128 * Math.ceil(m / 128))
        kernels.linearWeight(height, m, n, k, at(dy), at(x), from(offset), scratch(96 + rows * (96 + up16(k))))
      },
      add: (offset, x) => kernels.add(x.size, at(x), from(offset)),
      addRowSum: (offset, x) => kernels.addRows(x.shape[0], x.shape[1], at(x), from(offset)),
      addRows: (offset, ids, x) => {
        const where = integers(ids)
        kernels.scatterRows(x.shape[0], x.shape[1], at(x), at(where), from(offset))
        where.dispose()
      },
      read: async (into) => into.set(new Float32Array(memory.buffer, at(sum), size)),
      addTo: async (into) => {
        const own = new Float32Array(memory.buffer, at(sum), size)
        for (let i = 0; i < size; i++) into[i] += own[i]
      },
      dispose: () => sum.dispose(),
    }
  }

  return {
    linear: (x, weight: LinearWeight, plus) => {
      const { bias, w } = weight
      const [m, k] = x.shape
      const n = w.shape[0]
      const y = matrix(m, n)
      if (m >= MANY || plus !== undefined)
        kernels.linear(height, m, n, k, at(x), at(w), atOrNone(plus), at(y), scratch(96 + DEEP * (96 + up16(n))))
      else kernels.gemm(m, n, k, at(x), at(weight.wT), at(y))
      if (bias !== null) kernels.addToRows(m, n, at(bias), at(y))
      return y
    },
    linearBackward: (dy, { w }, plus) => {
      const [m, n] = dy.shape
      const k = w.shape[1]
      const dx = matrix(m, k)
      const space = scratch(96 + DEEP * (96 + up16(k)))
      kernels.linearInput(height, m, n, k, at(dy), at(w), atOrNone(plus), at(dx), space)
      return dx
    },
    rmsNorm: (x, gain, epsilon) => {
      const [n, d] = x.shape
      const result = { y: matrix(n, d), scale: matrix(n, 1) }
      kernels.rmsNorm(n, d, epsilon, at(x), at(gain), at(result.y), at(result.scale))
      return result
    },
    rmsNormBackward: (dy, { scale, x }, gain, plus) => {
      const [n, d] = dy.shape
      const result = { dx: matrix(n, d), dGain: vector(d) }
      new Float32Array(memory.buffer, at(result.dGain), d).fill(0)
      const addresses = [dy, x, scale, gain].map(at)
      kernels.rmsNormBackward(n, d, ...addresses, atOrNone(plus), at(result.dx), at(result.dGain), scratch(d))
      return result
    },
    rope: (x, { cos, positions, sin }, heads) => {
      const [n, width] = x.shape
      kernels.rope(n, heads, width / heads, 1, at(x), at(positions), at(cos), at(sin))
      return x
    },
    ropeBackward: (dy, { cos, positions, sin }, heads) => {
      const [n, width] = dy.shape
      kernels.rope(n, heads, width / heads, -1, at(dy), at(positions), at(cos), at(sin))
      return dy
    },
    attention: (q, k, v, shape) => {
      const { heads, segments } = attentionArguments(shape)
      const result = { y: matrix(...q.shape), logSums: matrix(q.shape[0], shape.heads) }
      const long = longest(shape.table)
      const space = scratch(96 + long * (shape.headSize + up16(shape.headSize) + 54))
      kernels.attention(...segments, ...heads, ...[q, k, v, result.y, result.logSums].map(at), space)
      return result
    },
    attentionBackward: (dy, { k, logSums, q, v, y }, shape) => {
      const { heads, segments } = attentionArguments(shape)
      const result = { dq: matrix(...q.shape), dk: matrix(...k.shape), dv: matrix(...v.shape) }
      const long = longest(shape.table)
      const wide = up16(shape.headSize)
      const space = scratch(96 + long * (2 * shape.headSize + 3 * wide + 108) + 96 * wide)
      const addresses = [dy, q, k, v, y, logSums, result.dq, result.dk, result.dv].map(at)
      kernels.attentionBackward(...segments, q.shape[0], ...heads, ...addresses, space)
      return result
    },
    glu: (gate, up, activation) => {
      const y = matrix(...gate.shape)
      kernels.glu(gate.size, ...gates[activation], at(gate), at(up), at(y))
      return y
    },
    gluBackward: (dy, gate, up, activation) => {
      const result = { dGate: matrix(...gate.shape), dUp: matrix(...up.shape) }
      const addresses = [dy, gate, up, result.dGate, result.dUp].map(at)
      kernels.gluBackward(dy.size, ...gates[activation], ...addresses)
      return result
    },
    softCap: (x, cap) => {
      const y = matrix(...x.shape)
      kernels.softCap(x.size, cap, at(x), at(y))
      return y
    },
    softCapBackward: (dy, x, cap) => {
      const dx = matrix(...x.shape)
      kernels.softCapBackward(x.size, cap, at(dy), at(x), at(dx))
      return dx
    },
    gatherRows: (table, ids) => {
      const y = matrix(ids.length, table.shape[1])
      const where = integers(ids)
      kernels.gatherRows(ids.length, table.shape[1], at(table), at(where), at(y))
      where.dispose()
      return y
    },
    scatterRows: (x, ids, rows) => {
      const y = matrix(rows, x.shape[1])
      new Float32Array(memory.buffer, at(y), y.size).fill(0)
      const where = integers(ids)
      kernels.scatterRows(ids.length, x.shape[1], at(x), at(where), at(y))
      where.dispose()
      return y
    },
    logProb: (logits, targets) => {
      const [m, size] = logits.shape
      // Two float64 per row: the target's logit minus the peak, and the sum of the exponentials.
      const parts = scratch(4 * m + 2)
      const aligned = Math.ceil(parts / 8) * 8
      const of = integers(targets)
      kernels.headForward(m, size, at(logits), at(of), aligned)
      of.dispose()
      const view = new Float64Array(memory.buffer, aligned, 2 * m)
      return tf.tensor1d(
        Float32Array.from({ length: m }, (_, r) => Math.min(0, view[2 * r] - Math.log(view[2 * r + 1]))),
      )
    },
    logProbBackward: (logits, targets, weights) => {
      const [m, size] = logits.shape
      const [of, by] = [integers(targets), tf.tensor1d(weights, "float32")]
      kernels.headBackward(m, size, at(logits), at(of), at(by))
      tf.dispose([of, by])
      return logits
    },
    gradient,
  }
}
