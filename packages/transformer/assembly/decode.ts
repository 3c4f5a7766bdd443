// One position of many sequences: everything of a decoder's layer that is not a product. Activations are rows [m, stride]; every
// head is padded to a multiple of four floats with zeros. Keys and values lie in blocks of 16 positions that a table per
// sequence names, one table for all layers, each layer at its own place in every block:
//
//   keys [kvHeads][16][padded size], then values likewise
//
// so that both are read front to back, and sequences with the same beginning name the same blocks.
import { C1, C2, C3, C4, C5, LOG2E, MAGIC, hold, power, unknownZero } from "./exp"
import { sum4 } from "./math"
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
  const head: usize = <usize>((size + 3) & ~3) << 2
  const valuesAt: usize = <usize>(kvHeads * BLOCK) * head
  for (let r = 0; r < m; r++) {
    const position = load<i32>(positions + (<usize>r << 2))
    const table = tables + (<usize>(load<i32>(slots + (<usize>r << 2)) * tableStride) << 2)
    let to = blocks + <usize>load<i32>(table + (<usize>(position / BLOCK) << 2)) * <usize>blockBytes
    to += <usize>(position % BLOCK) * head
    let from: usize = <usize>(r * stride) << 2
    for (let g = 0; g < kvHeads; g++) {
      for (let o: usize = 0; o < head; o += 16) {
        v128.store(to + o, v128.load(k + from + o))
        v128.store(to + valuesAt + o, v128.load(v + from + o))
      }
      from += head
      to += BLOCK * head
    }
  }
}

/** The sums of the lanes of four vectors, each as sum4. */
// @ts-ignore: decorator
@inline
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7))
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 2, 4, 6), v128.shuffle<f32>(c, d, 1, 3, 5, 7))
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7))
}

/** Scores of a query with `n` keys (a multiple of four) that follow each other, `head` bytes each. */
function score(n: i32, head: usize, q: usize, key: usize, out: usize): void {
  const end = out + (<usize>n << 2)
  for (; out < end; out += 16) {
    const k1 = key + head, k2 = k1 + head, k3 = k2 + head
    let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0
    for (let o: usize = 0; o < head; o += 16) {
      const x = v128.load(q + o)
      a0 = f32x4.add(a0, f32x4.mul(x, v128.load(key + o)))
      a1 = f32x4.add(a1, f32x4.mul(x, v128.load(k1 + o)))
      a2 = f32x4.add(a2, f32x4.mul(x, v128.load(k2 + o)))
      a3 = f32x4.add(a3, f32x4.mul(x, v128.load(k3 + o)))
    }
    v128.store(out, sums(a0, a1, a2, a3))
    key = k3 + head
  }
}

/** exp(scale (x - max)) of n floats (a multiple of four) in place; gives 1 / their sum. */
function softmaxInPlace(x: usize, n: i32, scale: f32): f32 {
  const end = x + (<usize>n << 2)
  let top = v128.load(x)
  for (let at = x; at < end; at += 16) top = f32x4.pmax(top, v128.load(at))
  top = f32x4.pmax(top, v128.shuffle<f32>(top, top, 2, 3, 0, 1))
  top = f32x4.pmax(top, v128.shuffle<f32>(top, top, 1, 0, 3, 2))
  let sum = f32x4.splat(0)
  const zero = unknownZero(n)
  const magic = hold(zero, MAGIC), one = hold(zero, 1), least = hold(zero, -126), factor = f32x4.splat(scale * LOG2E)
  const c1 = hold(zero, C1), c2 = hold(zero, C2), c3 = hold(zero, C3), c4 = hold(zero, C4), c5 = hold(zero, C5)
  for (let at = x; at < end; at += 16) {
    const t = f32x4.pmax(f32x4.mul(f32x4.sub(v128.load(at), top), factor), least)
    const e = power(t, magic, one, c1, c2, c3, c4, c5)
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

// Not inlined into the attention, whose many variables would push these loops' vectors out of the registers.
function mix32(
  padded: i32, low: i32, position: i32, scores: usize, table: usize, blocks: usize, bytes: usize, values: usize, inverse: f32,
  out: usize,
): void {
  mix(8, padded, low, position, scores, table, blocks, bytes, values, f32x4.splat(inverse), out)
}

function mix16(
  padded: i32, low: i32, position: i32, scores: usize, table: usize, blocks: usize, bytes: usize, values: usize, inverse: f32,
  out: usize,
): void {
  mix(4, padded, low, position, scores, table, blocks, bytes, values, f32x4.splat(inverse), out)
}

function mix4(
  padded: i32, low: i32, position: i32, scores: usize, table: usize, blocks: usize, bytes: usize, values: usize, inverse: f32,
  out: usize,
): void {
  mix(1, padded, low, position, scores, table, blocks, bytes, values, f32x4.splat(inverse), out)
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
  const head: usize = <usize>padded << 2
  const bytes: usize = blockBytes
  const group = heads / kvHeads
  const scale: f32 = <f32>(1.0 / Math.sqrt(<f64>size))
  for (let r = 0; r < m; r++) {
    const position = load<i32>(positions + (<usize>r << 2))
    const table = tables + (<usize>(load<i32>(slots + (<usize>r << 2)) * tableStride) << 2)
    const low = window > 0 ? max(0, position + 1 - window) : 0
    // In fours, the lanes before `low` and after `position` masked.
    const first = low & ~3
    const end = (position + 4) & ~3
    for (let h = 0; h < heads; h++) {
      const g = h / group
      const qh = q + (<usize>(r * stride) << 2) + <usize>h * head
      const keys: usize = <usize>(g * BLOCK) * head
      for (let t = first; t < end; ) {
        const b = t / BLOCK
        const n = min(end, (b + 1) * BLOCK) - t
        const block = blocks + <usize>load<i32>(table + (<usize>b << 2)) * bytes
        score(n, head, qh, block + keys + <usize>(t % BLOCK) * head, scores + (<usize>t << 2))
        t += n
      }
      for (let t = first; t < low; t++) store<f32>(scores + (<usize>t << 2), -Infinity)
      for (let t = position + 1; t < end; t++) store<f32>(scores + (<usize>t << 2), -Infinity)
      const from = scores + (<usize>first << 2)
      const inverse = softmaxInPlace(from, end - first, scale)
      const values: usize = <usize>((kvHeads + g) * BLOCK) * head
      const yh = y + (<usize>(r * yStride) << 2) + <usize>h * head
      let c = 0
      for (; c + 32 <= padded; c += 32) {
        const at: usize = <usize>c << 2
        mix32(padded, low, position, scores, table, blocks, bytes, values + at, inverse, yh + at)
      }
      for (; c + 16 <= padded; c += 16) {
        const at: usize = <usize>c << 2
        mix16(padded, low, position, scores, table, blocks, bytes, values + at, inverse, yh + at)
      }
      for (; c < padded; c += 4) {
        const at: usize = <usize>c << 2
        mix4(padded, low, position, scores, table, blocks, bytes, values + at, inverse, yh + at)
      }
    }
  }
}

/** gate = silu(gate) * up in place, over rows [m, stride] of `width` gates (a multiple of four) followed by as many ups. */
export function decodeGate(m: i32, width: i32, x: usize, stride: i32): void {
  const zero = unknownZero(m)
  const magic = hold(zero, MAGIC), one = hold(zero, 1), least = hold(zero, -126), most = hold(zero, 126)
  const c1 = hold(zero, C1), c2 = hold(zero, C2), c3 = hold(zero, C3), c4 = hold(zero, C4), c5 = hold(zero, C5)
  const minus = hold(zero, -LOG2E)
  const apart: usize = <usize>width << 2
  for (let r = 0; r < m; r++) {
    let at = x + (<usize>(r * stride) << 2)
    const end = at + apart
    for (; at < end; at += 16) {
      const g = v128.load(at)
      const t = f32x4.pmax(f32x4.pmin(f32x4.mul(g, minus), most), least)
      const silu = f32x4.div(g, f32x4.add(one, power(t, magic, one, c1, c2, c3, c4, c5)))
      v128.store(at, f32x4.mul(silu, v128.load(at + apart)))
    }
  }
}
