// Causal attention with grouped key and value heads over packed segments, straight on rows [rows, heads * size].
//
// A segment is four integers: first row, length, first row and length of a prefix that all its rows may look at (a prompt that
// several responses share). Row i of a segment stands at position prefix + i and sees the prefix, and the rows of its segment
// up to itself; with a window w > 0 only the last w positions. Keys and values of a head are packed into panels once; scores are
// computed again in the backward pass from the logarithm of their sum, so that nothing quadratic is kept.
import { packPanel, packRows, settle, tile } from "./tile"
import { dot, exp4, log1, max4, sum4, tanh4 } from "./math"

/** Rows whose scores are in scratch at once: a multiple of both tile heights. */
const BLOCK: i32 = 48

@inline
function up16(n: i32): i32 {
  return (n + 15) & ~15
}

/** Panels [ceil(n / 16)][size][16] of the transposed rows of a prefix and a segment, n = prefix + length. */
function packKeys(x: usize, row: usize, start: i32, length: i32, from: i32, prefix: i32, size: i32, out: usize): void {
  const n = prefix + length
  for (let j = 0; j < n; j += 16) {
    let at = 0
    const panel = out + (<usize>(j * size) << 2)
    if (j < prefix) {
      at = min(16, prefix - j)
      packPanel(at, 0, size, x + <usize>(from + j) * row, row, panel)
    }
    if (at < 16 && j + at < n) {
      packPanel(min(16, n - j) - at, at, size, x + <usize>(start + j + at - prefix) * row, row, panel)
    }
  }
}

/** Panels [ceil(size / 16)][rows, rounded up to 16][16] of the rows of a prefix and a segment; missing rows are 0. */
function packValues(x: usize, row: usize, start: i32, length: i32, from: i32, prefix: i32, size: i32, out: usize): void {
  const n = prefix + length
  for (let c = 0; c < size; c += 16) {
    const columns = min(16, size - c)
    for (let j = 0; j < n; j++) {
      const at = x + <usize>(j < prefix ? from + j : start + j - prefix) * row + (<usize>c << 2)
      if (columns === 16) {
        v128.store(out, v128.load(at)); v128.store(out, v128.load(at, 16), 16)
        v128.store(out, v128.load(at, 32), 32); v128.store(out, v128.load(at, 48), 48)
      } else {
        memory.fill(out, 0, 64)
        for (let i = 0; i < columns; i++) store<f32>(out + (<usize>i << 2), load<f32>(at + (<usize>i << 2)))
      }
      out += 64
    }
    memory.fill(out, 0, <usize>(up16(n) - n) << 6)
    out += <usize>(up16(n) - n) << 6
  }
}

/** Scores of rows i0 to i1 (unscaled) against the keys they may see: block [i1 - i0, stride]. */
@inline
function score(
  height: i32, x: usize, rowX: usize, i0: i32, i1: i32, prefix: i32, first: i32, size: i32, panels: usize, block: usize, stride: i32,
): void {
  for (let i = i0; i < i1; i += height) {
    const rows = min(height, i1 - i)
    for (let j = first; j < prefix + i + rows; j += 16) {
      const panel = panels + (<usize>(j * size) << 2)
      const c = block + (<usize>((i - i0) * stride + j) << 2)
      // The block has room for the rows that a last tile has too many.
      tile(height, rows, size, x + <usize>i * rowX, rowX, 4, panel, c, <usize>stride << 2, 0, 0)
    }
  }
}

/** Everything of row [first, end) that lies outside [low, last) becomes `value`; all four are positions. */
@inline
function outside(row: usize, first: i32, low: i32, last: i32, end: i32, value: f32): void {
  for (let j = first; j < low; j++) store<f32>(row + (<usize>j << 2), value)
  for (let j = last; j < end; j++) store<f32>(row + (<usize>j << 2), value)
}

/** In place: cap tanh(scale x / cap) of row[first .. end), both multiples of 16. */
function capRow(row: usize, first: i32, end: i32, scale: f32, cap: f32): void {
  const factor = f32x4.splat(scale / cap), most = f32x4.splat(cap)
  const to = row + (<usize>end << 2)
  for (let at = row + (<usize>first << 2); at < to; at += 16) {
    v128.store(at, f32x4.mul(tanh4(f32x4.mul(v128.load(at), factor)), most))
  }
}

/** In place: softmax of scale * row[low .. last), 0 elsewhere from `first` (a multiple of 16) on; gives the logarithm of the sum. */
function softmax(row: usize, first: i32, low: i32, last: i32, end: i32, scale: f32): f32 {
  const stop = up16(last)
  outside(row, first, low, last, stop, -Infinity)
  for (let j = stop; j < end; j++) store<f32>(row + (<usize>j << 2), 0)
  const to = row + (<usize>stop << 2)
  const from = row + (<usize>first << 2)
  let top = f32x4.splat(-Infinity)
  for (let at = from; at < to; at += 16) top = f32x4.max(top, v128.load(at))
  const peak = max4(top) * scale
  const factor = f32x4.splat(scale), shift = f32x4.splat(peak)
  let sum0 = f32x4.splat(0), sum1 = f32x4.splat(0)
  for (let at = from; at < to; at += 32) {
    const e0 = exp4(f32x4.sub(f32x4.mul(v128.load(at), factor), shift))
    const e1 = exp4(f32x4.sub(f32x4.mul(v128.load(at, 16), factor), shift))
    v128.store(at, e0); v128.store(at, e1, 16)
    sum0 = f32x4.add(sum0, e0)
    sum1 = f32x4.add(sum1, e1)
  }
  const sum = sum4(f32x4.add(sum0, sum1))
  const inverse = f32x4.splat(1 / sum)
  for (let at = from; at < to; at += 32) {
    const e0 = v128.load(at), e1 = v128.load(at, 16)
    v128.store(at, f32x4.mul(e0, inverse)); v128.store(at, f32x4.mul(e1, inverse), 16)
  }
  return peak + log1(sum)
}

/** Scores are scaled, and with a cap > 0 become cap tanh(score / cap). y [n, heads * size]; logSums [n, heads] = log of the sum of the exponentials of the scaled scores. */
export function attention(
  height: i32, segments: usize, count: i32, heads: i32, kvHeads: i32, size: i32, window: i32, scale: f32, cap: f32,
  q: usize, k: usize, v: usize, y: usize, logSums: usize, scratch: usize,
): void {
  const rowQ: usize = <usize>(heads * size) << 2
  const rowK: usize = <usize>(kvHeads * size) << 2
  const group = heads / kvHeads
  for (let s = 0; s < count; s++) {
    const segment = segments + (<usize>s << 4)
    const start = load<i32>(segment), length = load<i32>(segment, 4)
    const from = load<i32>(segment, 8), prefix = load<i32>(segment, 12)
    const stride = up16(prefix + length)
    const keys = scratch + 384
    const values = keys + (<usize>(stride * size) << 2)
    const block = values + (<usize>(stride * up16(size)) << 2)
    for (let g = 0; g < kvHeads; g++) {
      const head: usize = <usize>(g * size) << 2
      packKeys(k + head, rowK, start, length, from, prefix, size, keys)
      packValues(v + head, rowK, start, length, from, prefix, size, values)
      for (let h = g * group; h < (g + 1) * group; h++) {
        const at: usize = <usize>start * rowQ + (<usize>(h * size) << 2)
        for (let i0 = 0; i0 < length; i0 += BLOCK) {
          const i1 = min(length, i0 + BLOCK)
          const first = (window > 0 ? max(0, prefix + i0 + 1 - window) : 0) & ~15
          score(height, q + at, rowQ, i0, i1, prefix, first, size, keys, block, stride)
          for (let i = i0; i < i1; i++) {
            const row = block + (<usize>((i - i0) * stride) << 2)
            const last = prefix + i + 1
            const low = window > 0 ? max(0, last - window) : 0
            if (cap > 0) capRow(row, first, up16(last), scale, cap)
            const sum = softmax(row, first, low, last, min(stride, up16(last + 6)), cap > 0 ? 1 : scale)
            store<f32>(logSums + (<usize>((start + i) * heads + h) << 2), sum)
          }
          weigh(height, block, stride, i0, i1, prefix, first, values, stride, size, y + at, rowQ, scratch)
        }
      }
    }
  }
}

/** Rows i0 to i1 of y = W values, W the block of weights [i1 - i0, stride], panels of `length` rows. */
@inline
function weigh(
  height: i32, block: usize, stride: i32, i0: i32, i1: i32, prefix: i32, first: i32, panels: usize, length: i32, size: i32,
  y: usize, rowY: usize, spare: usize,
): void {
  for (let i = i0; i < i1; i += height) {
    const rows = min(height, i1 - i)
    const seen = prefix + i + rows - first
    const a = block + (<usize>((i - i0) * stride + first) << 2)
    for (let c = 0; c < size; c += 16) {
      const panel = panels + (<usize>(c * length + first * 16) << 2)
      const to = y + <usize>i * rowY + (<usize>c << 2)
      const columns = min(16, size - c)
      if (rows === height && columns === 16) tile(height, rows, seen, a, <usize>stride << 2, 4, panel, to, rowY, 0, 0)
      else {
        tile(height, rows, seen, a, <usize>stride << 2, 4, panel, spare, 64, 0, 0)
        settle(rows, columns, spare, to, rowY, 0, 0)
      }
    }
  }
}

/** The block of scores becomes probabilities, and that of their gradients the gradient of the scores. */
@inline
function differentiate(p: usize, d: usize, first: i32, low: i32, last: i32, end: i32, scale: f32, logSum: f32, inner: f32): void {
  const factor = f32x4.splat(scale), shift = f32x4.splat(logSum), mean = f32x4.splat(inner)
  for (let j = first; j < up16(last); j += 8) {
    const o = <usize>j << 2
    const p0 = exp4(f32x4.sub(f32x4.mul(v128.load(p + o), factor), shift))
    const p1 = exp4(f32x4.sub(f32x4.mul(v128.load(p + o, 16), factor), shift))
    const d0 = f32x4.mul(f32x4.mul(p0, f32x4.sub(v128.load(d + o), mean)), factor)
    const d1 = f32x4.mul(f32x4.mul(p1, f32x4.sub(v128.load(d + o, 16), mean)), factor)
    v128.store(p + o, p0); v128.store(p + o, p1, 16)
    v128.store(d + o, d0); v128.store(d + o, d1, 16)
  }
  outside(p, first, low, last, end, 0)
  outside(d, first, low, last, end, 0)
}

/** The same where scores are capped: the slope of cap tanh(scale x / cap) is scale (1 - tanh^2). */
function differentiateCapped(
  p: usize, d: usize, first: i32, low: i32, last: i32, end: i32, scale: f32, cap: f32, logSum: f32, inner: f32,
): void {
  const factor = f32x4.splat(scale), inside = f32x4.splat(scale / cap), most = f32x4.splat(cap)
  const shift = f32x4.splat(logSum), mean = f32x4.splat(inner)
  for (let j = first; j < up16(last); j += 4) {
    const o = <usize>j << 2
    const t = tanh4(f32x4.mul(v128.load(p + o), inside))
    const e = exp4(f32x4.sub(f32x4.mul(t, most), shift))
    const slope = f32x4.mul(f32x4.sub(f32x4.splat(1), f32x4.mul(t, t)), factor)
    v128.store(p + o, e)
    v128.store(d + o, f32x4.mul(f32x4.mul(e, f32x4.sub(v128.load(d + o), mean)), slope))
  }
  outside(p, first, low, last, end, 0)
  outside(d, first, low, last, end, 0)
}

/** sums [keys, wide] += block^T x over rows i0 to i1 that see a key; x [i1 - i0, wide] in panels. */
@inline
function gather(
  height: i32, block: usize, stride: i32, i0: i32, i1: i32, prefix: i32, first: i32, panels: usize, size: i32, sums: usize, wide: i32,
): void {
  const rows = i1 - i0
  for (let r = first; r < prefix + i1; r += height) {
    const skip = max(0, r - prefix - i0)
    const a = block + (<usize>(skip * stride + r) << 2)
    const c = sums + (<usize>(r * wide) << 2)
    for (let j = 0; j < size; j += 16) {
      const cj = c + (<usize>j << 2)
      tile(height, height, rows - skip, a, 4, <usize>stride << 2, panels + (<usize>(j * rows + skip * 16) << 2), cj, <usize>wide << 2, cj, <usize>wide << 2)
    }
  }
}

/** Adds rows of sums [prefix + length, wide] to the rows of a prefix and a segment. */
function scatter(sums: usize, wide: i32, start: i32, length: i32, from: i32, prefix: i32, size: i32, out: usize, row: usize): void {
  for (let j = 0; j < prefix + length; j++) {
    const to = out + <usize>(j < prefix ? from + j : start + j - prefix) * row
    settle(1, size, sums + (<usize>(j * wide) << 2), to, 0, to, 0)
  }
}

/** Gradients by q, k and v, which are overwritten; n rows in all. */
export function attentionBackward(
  height: i32, segments: usize, count: i32, n: i32, heads: i32, kvHeads: i32, size: i32, window: i32, scale: f32, cap: f32,
  dy: usize, q: usize, k: usize, v: usize, y: usize, logSums: usize, dq: usize, dk: usize, dv: usize, scratch: usize,
): void {
  const rowQ: usize = <usize>(heads * size) << 2
  const rowK: usize = <usize>(kvHeads * size) << 2
  const group = heads / kvHeads
  const wide = up16(size)
  memory.fill(dk, 0, <usize>n * rowK)
  memory.fill(dv, 0, <usize>n * rowK)
  for (let s = 0; s < count; s++) {
    const segment = segments + (<usize>s << 4)
    const start = load<i32>(segment), length = load<i32>(segment, 4)
    const from = load<i32>(segment, 8), prefix = load<i32>(segment, 12)
    const panel = up16(prefix + length)
    // Key tiles may reach past the last key, into zeros.
    const stride = panel + 16
    const keysT = scratch + 384
    const valuesT = keysT + (<usize>(panel * size) << 2)
    const keys = valuesT + (<usize>(panel * size) << 2)
    const sumsK = keys + (<usize>(panel * wide) << 2)
    const sumsV = sumsK + (<usize>(stride * wide) << 2)
    const rowsQ = sumsV + (<usize>(stride * wide) << 2)
    const rowsY = rowsQ + (<usize>(BLOCK * wide) << 2)
    const p = rowsY + (<usize>(BLOCK * wide) << 2)
    const d = p + (<usize>((BLOCK + 6) * stride) << 2)
    for (let g = 0; g < kvHeads; g++) {
      const head: usize = <usize>(g * size) << 2
      packKeys(k + head, rowK, start, length, from, prefix, size, keysT)
      packKeys(v + head, rowK, start, length, from, prefix, size, valuesT)
      packValues(k + head, rowK, start, length, from, prefix, size, keys)
      memory.fill(sumsK, 0, <usize>(stride * wide) << 3)
      for (let h = g * group; h < (g + 1) * group; h++) {
        const at: usize = <usize>start * rowQ + (<usize>(h * size) << 2)
        for (let i0 = 0; i0 < length; i0 += BLOCK) {
          const i1 = min(length, i0 + BLOCK)
          const first = (window > 0 ? max(0, prefix + i0 + 1 - window) : 0) & ~15
          score(height, q + at, rowQ, i0, i1, prefix, first, size, keysT, p, stride)
          score(height, dy + at, rowQ, i0, i1, prefix, first, size, valuesT, d, stride)
          for (let i = i0; i < i1; i++) {
            const o: usize = <usize>((i - i0) * stride) << 2
            const last = prefix + i + 1
            const low = window > 0 ? max(0, last - window) : 0
            const inner = dot(dy + at + <usize>i * rowQ, y + at + <usize>i * rowQ, size)
            const logSum = load<f32>(logSums + (<usize>((start + i) * heads + h) << 2))
            if (cap > 0) differentiateCapped(p + o, d + o, first, low, last, up16(last + 6), scale, cap, logSum, inner)
            else differentiate(p + o, d + o, first, low, last, up16(last + 6), scale, logSum, inner)
          }
          weigh(height, d, stride, i0, i1, prefix, first, keys, panel, size, dq + at, rowQ, scratch)
          packRows(i1 - i0, size, q + at + <usize>i0 * rowQ, rowQ, rowsQ)
          packRows(i1 - i0, size, dy + at + <usize>i0 * rowQ, rowQ, rowsY)
          gather(height, d, stride, i0, i1, prefix, first, rowsQ, size, sumsK, wide)
          gather(height, p, stride, i0, i1, prefix, first, rowsY, size, sumsV, wide)
        }
      }
      scatter(sumsK, wide, start, length, from, prefix, size, dk + head, rowK)
      scatter(sumsV, wide, start, length, from, prefix, size, dv + head, rowK)
    }
  }
}
