// One position of many sequences: everything of a decoder's layer that is not a product. Activations are rows [m, stride]; every
// head is padded to a multiple of four floats with zeros. Keys and values lie in blocks of 16 positions that a table per
// sequence names, one table for all layers, each layer at its own place in every block:
//
//   keys [kvHeads][size][16], then values [kvHeads][16][padded size]
//
// so that scores are computed 16 positions at once, values are read front to back, and sequences with the same beginning name
// the same blocks.
import { exp4, sum4 } from "./math"
import { PANEL } from "./panels"

/** Positions of a block. */
const BLOCK: i32 = 16

/** x [m, stride] = rows `tokens` of a table packed as panels. */
export function decodeEmbed(m: i32, d: i32, tokens: usize, panels: usize, x: usize, stride: i32): void {
  for (let r = 0; r < m; r++) {
    const token = load<i32>(tokens + (<usize>r << 2))
    let from = panels + (<usize>((token / PANEL) * d * PANEL + (token % PANEL)) << 2)
    let to = x + (<usize>(r * stride) << 2)
    for (let i = 0; i < d; i++) {
      store<f32>(to, load<f32>(from))
      from += PANEL << 2
      to += 4
    }
  }
}

/** y [m, yStride] = x[rows[r]] / rms * gain over d features; the padding of x is zeros and that of `gain` too. */
export function decodeNorm(
  m: i32, d: i32, epsilon: f32, rows: usize, x: usize, xStride: i32, gain: usize, y: usize, yStride: i32,
): void {
  const width = (d + 3) & ~3
  for (let r = 0; r < m; r++) {
    const from = x + (<usize>(load<i32>(rows + (<usize>r << 2)) * xStride) << 2)
    normRow(d, width, epsilon, from, gain, y + (<usize>(r * yStride) << 2))
  }
}

/** The norm of each of `heads` heads of every row, in place. */
export function decodeHeadNorm(m: i32, heads: i32, size: i32, epsilon: f32, x: usize, stride: i32, gain: usize): void {
  const padded = (size + 3) & ~3
  for (let r = 0; r < m; r++) {
    let at = x + (<usize>(r * stride) << 2)
    for (let h = 0; h < heads; h++) {
      normRow(size, padded, epsilon, at, gain, at)
      at += <usize>padded << 2
    }
  }
}

// @ts-ignore: decorator
@inline
function normRow(d: i32, width: i32, epsilon: f32, x: usize, gain: usize, y: usize): void {
  let squares = f32x4.splat(0)
  const end = <usize>width << 2
  for (let o: usize = 0; o < end; o += 16) {
    const v = v128.load(x + o)
    squares = f32x4.add(squares, f32x4.mul(v, v))
  }
  const scale = f32x4.splat(1 / sqrt<f32>(sum4(squares) / <f32>d + epsilon))
  for (let o: usize = 0; o < end; o += 16) {
    v128.store(y + o, f32x4.mul(f32x4.mul(v128.load(x + o), scale), v128.load(gain + o)))
  }
}

/** Turns the heads of every row by its position, in place; tables [positions, size / 2]. */
export function decodeRotate(
  m: i32, heads: i32, size: i32, positions: usize, cos: usize, sin: usize, x: usize, stride: i32,
): void {
  const half = size >> 1
  const padded = (size + 3) & ~3
  const apart: usize = <usize>half << 2
  for (let r = 0; r < m; r++) {
    const table: usize = <usize>(load<i32>(positions + (<usize>r << 2)) * half) << 2
    const c = cos + table
    const s = sin + table
    let at = x + (<usize>(r * stride) << 2)
    for (let h = 0; h < heads; h++) {
      let i = 0
      for (; i + 4 <= half; i += 4) {
        const o: usize = <usize>i << 2
        const a = v128.load(at + o)
        const b = v128.load(at + o + apart)
        const ci = v128.load(c + o)
        const si = v128.load(s + o)
        v128.store(at + o, f32x4.sub(f32x4.mul(a, ci), f32x4.mul(b, si)))
        v128.store(at + o + apart, f32x4.add(f32x4.mul(b, ci), f32x4.mul(a, si)))
      }
      for (; i < half; i++) {
        const o: usize = <usize>i << 2
        const a = load<f32>(at + o)
        const b = load<f32>(at + o + apart)
        const ci = load<f32>(c + o)
        const si = load<f32>(s + o)
        store<f32>(at + o, a * ci - b * si)
        store<f32>(at + o + apart, b * ci + a * si)
      }
      at += <usize>padded << 2
    }
  }
}

/** Writes keys and values of every row at its position. */
export function decodeStore(
  m: i32, kvHeads: i32, size: i32, k: usize, v: usize, stride: i32,
  slots: usize, positions: usize, tables: usize, tableStride: i32, blocks: usize, blockBytes: i32,
): void {
  const padded = (size + 3) & ~3
  const bytes: usize = blockBytes
  const valuesAt: usize = <usize>(kvHeads * size * BLOCK) << 2
  for (let r = 0; r < m; r++) {
    const position = load<i32>(positions + (<usize>r << 2))
    const table = tables + (<usize>(load<i32>(slots + (<usize>r << 2)) * tableStride) << 2)
    const lane = position % BLOCK
    const block = blocks + <usize>load<i32>(table + (<usize>(position / BLOCK) << 2)) * bytes
    const row: usize = <usize>(r * stride) << 2
    for (let g = 0; g < kvHeads; g++) {
      const from = row + (<usize>(g * padded) << 2)
      let key = block + (<usize>(g * size * BLOCK + lane) << 2)
      for (let i = 0; i < size; i++) {
        store<f32>(key, load<f32>(k + from + (<usize>i << 2)))
        key += BLOCK << 2
      }
      const value = block + valuesAt + (<usize>((g * BLOCK + lane) * padded) << 2)
      for (let o: usize = 0; o < <usize>padded << 2; o += 16) v128.store(value + o, v128.load(v + from + o))
    }
  }
}

/** Scores of one query with the 16 keys of a block. */
// @ts-ignore: decorator
@inline
function scoreBlock(size: i32, q: usize, key: usize, scale: v128, out: usize): void {
  const zero = f32x4.splat(0)
  let a0 = zero, a1 = zero, a2 = zero, a3 = zero, b0 = zero, b1 = zero, b2 = zero, b3 = zero
  const end = q + (<usize>size << 2)
  // Even and odd features apart, so that there are eight sums in flight.
  while (q < end) {
    let s = v128.load32_splat(q)
    a0 = f32x4.add(a0, f32x4.mul(s, v128.load(key))); a1 = f32x4.add(a1, f32x4.mul(s, v128.load(key, 16)))
    a2 = f32x4.add(a2, f32x4.mul(s, v128.load(key, 32))); a3 = f32x4.add(a3, f32x4.mul(s, v128.load(key, 48)))
    s = v128.load32_splat(q, 4)
    b0 = f32x4.add(b0, f32x4.mul(s, v128.load(key, 64))); b1 = f32x4.add(b1, f32x4.mul(s, v128.load(key, 80)))
    b2 = f32x4.add(b2, f32x4.mul(s, v128.load(key, 96))); b3 = f32x4.add(b3, f32x4.mul(s, v128.load(key, 112)))
    q += 8
    key += 128
  }
  v128.store(out, f32x4.mul(f32x4.add(a0, b0), scale))
  v128.store(out, f32x4.mul(f32x4.add(a1, b1), scale), 16)
  v128.store(out, f32x4.mul(f32x4.add(a2, b2), scale), 32)
  v128.store(out, f32x4.mul(f32x4.add(a3, b3), scale), 48)
}

/** exp(x - max) of n floats (a multiple of 16) in place; gives 1 / their sum. */
// @ts-ignore: decorator
@inline
function softmaxInPlace(x: usize, n: i32): f32 {
  const end = x + (<usize>n << 2)
  let m0 = v128.load(x), m1 = m0
  for (let at = x; at < end; at += 32) {
    m0 = f32x4.max(m0, v128.load(at))
    m1 = f32x4.max(m1, v128.load(at, 16))
  }
  m0 = f32x4.max(m0, m1)
  const peak = max(
    max(f32x4.extract_lane(m0, 0), f32x4.extract_lane(m0, 1)),
    max(f32x4.extract_lane(m0, 2), f32x4.extract_lane(m0, 3)),
  )
  const top = f32x4.splat(peak)
  let sum = f32x4.splat(0)
  for (let at = x; at < end; at += 16) {
    const e = exp4(f32x4.sub(v128.load(at), top))
    v128.store(at, e)
    sum = f32x4.add(sum, e)
  }
  return 1 / sum4(sum)
}

/** Columns [c, c + 4 * lanes) of `sum_t p_t v_t`, t from `low` to `position`. */
// @ts-ignore: decorator
@inline
function mix(
  lanes: i32, padded: i32, low: i32, position: i32, scores: usize, table: usize, blocks: usize, bytes: usize,
  values: usize, inverse: v128, out: usize,
): void {
  const zero = f32x4.splat(0)
  let y0 = zero, y1 = zero, y2 = zero, y3 = zero, y4 = zero, y5 = zero, y6 = zero, y7 = zero
  const step: usize = <usize>padded << 2
  const last = position / BLOCK
  for (let b = low / BLOCK; b <= last; b++) {
    const from = max(low - b * BLOCK, 0)
    const to = min(position - b * BLOCK, BLOCK - 1)
    let v = blocks + <usize>load<i32>(table + (<usize>b << 2)) * bytes + values + <usize>from * step
    let p = scores + (<usize>(b * BLOCK + from) << 2)
    const end = scores + (<usize>(b * BLOCK + to) << 2)
    for (; p <= end; p += 4) {
      const s = v128.load32_splat(p)
      y0 = f32x4.add(y0, f32x4.mul(s, v128.load(v)))
      if (lanes > 1) y1 = f32x4.add(y1, f32x4.mul(s, v128.load(v, 16)))
      if (lanes > 2) {
        y2 = f32x4.add(y2, f32x4.mul(s, v128.load(v, 32)))
        y3 = f32x4.add(y3, f32x4.mul(s, v128.load(v, 48)))
      }
      if (lanes > 4) {
        y4 = f32x4.add(y4, f32x4.mul(s, v128.load(v, 64))); y5 = f32x4.add(y5, f32x4.mul(s, v128.load(v, 80)))
        y6 = f32x4.add(y6, f32x4.mul(s, v128.load(v, 96))); y7 = f32x4.add(y7, f32x4.mul(s, v128.load(v, 112)))
      }
      v += step
    }
  }
  v128.store(out, f32x4.mul(y0, inverse))
  if (lanes > 1) v128.store(out, f32x4.mul(y1, inverse), 16)
  if (lanes > 2) {
    v128.store(out, f32x4.mul(y2, inverse), 32)
    v128.store(out, f32x4.mul(y3, inverse), 48)
  }
  if (lanes > 4) {
    v128.store(out, f32x4.mul(y4, inverse), 64)
    v128.store(out, f32x4.mul(y5, inverse), 80)
    v128.store(out, f32x4.mul(y6, inverse), 96)
    v128.store(out, f32x4.mul(y7, inverse), 112)
  }
}

/**
 * Attention of every row over positions max(0, position + 1 - window) to `position` of its sequence, or all up to `position`
 * where window is 0; y [m, yStride]. `scores` holds one float per position of the longest table.
 */
export function decodeAttend(
  m: i32, heads: i32, kvHeads: i32, size: i32, window: i32, q: usize, stride: i32, y: usize, yStride: i32,
  slots: usize, positions: usize, tables: usize, tableStride: i32, blocks: usize, blockBytes: i32,
  scores: usize,
): void {
  const padded = (size + 3) & ~3
  const bytes: usize = blockBytes
  const group = heads / kvHeads
  const scale = f32x4.splat(<f32>(1.0 / Math.sqrt(<f64>size)))
  for (let r = 0; r < m; r++) {
    const position = load<i32>(positions + (<usize>r << 2))
    const table = tables + (<usize>(load<i32>(slots + (<usize>r << 2)) * tableStride) << 2)
    const low = window > 0 ? max(0, position + 1 - window) : 0
    const first = low / BLOCK
    const last = position / BLOCK
    for (let h = 0; h < heads; h++) {
      const g = h / group
      const qh = q + (<usize>(r * stride + h * padded) << 2)
      const keys: usize = <usize>(g * size * BLOCK) << 2
      for (let b = first; b <= last; b++) {
        const block = blocks + <usize>load<i32>(table + (<usize>b << 2)) * bytes
        scoreBlock(size, qh, block + keys, scale, scores + (<usize>(b * BLOCK) << 2))
      }
      // Lanes outside of the window hold whatever the block held.
      for (let t = first * BLOCK; t < low; t++) store<f32>(scores + (<usize>t << 2), -Infinity)
      for (let t = position + 1; t < (last + 1) * BLOCK; t++) store<f32>(scores + (<usize>t << 2), -Infinity)
      const own = scores + (<usize>(first * BLOCK) << 2)
      const inverse = f32x4.splat(softmaxInPlace(own, (last + 1 - first) * BLOCK))
      const values: usize = <usize>(kvHeads * size * BLOCK + g * BLOCK * padded) << 2
      const yh = y + (<usize>(r * yStride + h * padded) << 2)
      let c = 0
      for (; c + 32 <= padded; c += 32) {
        const at: usize = <usize>c << 2
        mix(8, padded, low, position, scores, table, blocks, bytes, values + at, inverse, yh + at)
      }
      for (; c + 16 <= padded; c += 16) {
        const at: usize = <usize>c << 2
        mix(4, padded, low, position, scores, table, blocks, bytes, values + at, inverse, yh + at)
      }
      for (; c < padded; c += 4) {
        const at: usize = <usize>c << 2
        mix(1, padded, low, position, scores, table, blocks, bytes, values + at, inverse, yh + at)
      }
    }
  }
}

/** gate = silu(gate) * up in place, over rows [m, stride] of `width` gates (a multiple of four) followed by as many ups. */
export function decodeGate(m: i32, width: i32, x: usize, stride: i32): void {
  const one = f32x4.splat(1)
  const apart: usize = <usize>width << 2
  for (let r = 0; r < m; r++) {
    let at = x + (<usize>(r * stride) << 2)
    const end = at + apart
    for (; at < end; at += 16) {
      const g = v128.load(at)
      const s = f32x4.div(g, f32x4.add(one, exp4(f32x4.neg(g))))
      v128.store(at, f32x4.mul(s, v128.load(at + apart)))
    }
  }
}
