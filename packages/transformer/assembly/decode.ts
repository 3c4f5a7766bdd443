// One position of many sequences: everything of a decoder's layer that is not a product. Activations are rows [m, stride]; every
// head is padded to a multiple of four floats with zeros. Keys and values lie in blocks of 16 positions that a table per
// sequence names, one table for all layers, each layer at its own place in every block:
//
//   keys [kvHeads][16][padded size], then values likewise
//
// so that both are read front to back, and sequences with the same beginning name the same blocks.
import { C1, C2, C3, C4, C5, LOG2E, MAGIC, hold, power, unknownZero } from "./exp"
import { sum4, tanh4 } from "./math"
import { PANEL } from "./panels"
import { inner } from "./elementwise"
import { madd } from "./tile"

/** Positions of a block. */
const BLOCK: i32 = 16

/** x [m, stride] = `scale` times rows `tokens` of a table packed as panels. */
export function decodeEmbed(m: i32, d: i32, scale: f32, tokens: usize, panels: usize, x: usize, stride: i32): void {
  for (let r = 0; r < m; r++) {
    const token = load<i32>(tokens + (<usize>r << 2))
    let from = panels + (<usize>((token / PANEL) * d * PANEL + (token % PANEL)) << 2)
    let to = x + (<usize>(r * stride) << 2)
    for (let i = 0; i < d; i++) {
      store<f32>(to, load<f32>(from) * scale)
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

/** x [m, stride] += y / rms * gain, for y of the same stride and with padding of zeros; y is overwritten. */
export function decodeNormAdd(m: i32, d: i32, epsilon: f32, y: usize, gain: usize, x: usize, stride: i32): void {
  const width = (d + 3) & ~3
  const end = <usize>width << 2
  for (let r = 0; r < m; r++) {
    normRow(d, width, epsilon, y, gain, y)
    for (let o: usize = 0; o < end; o += 16) v128.store(x + o, f32x4.add(v128.load(x + o), v128.load(y + o)))
    x += <usize>stride << 2
    y += <usize>stride << 2
  }
}

/** In place: cap tanh(x / cap) of `width` floats (a multiple of four) of every row [m, stride]. */
export function decodeCap(m: i32, width: i32, cap: f32, x: usize, stride: i32): void {
  for (let r = 0; r < m; r++) {
    capInPlace(x, width, 1, cap)
    x += <usize>stride << 2
  }
}

/** In place: cap tanh(scale x / cap) of n floats (a multiple of four). */
function capInPlace(x: usize, n: i32, scale: f32, cap: f32): void {
  const factor = f32x4.splat(scale / cap), most = f32x4.splat(cap)
  const end = x + (<usize>n << 2)
  for (let at = x; at < end; at += 16) v128.store(at, f32x4.mul(tanh4(f32x4.mul(v128.load(at), factor)), most))
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
      a0 = madd(a0, x, v128.load(key + o))
      a1 = madd(a1, x, v128.load(k1 + o))
      a2 = madd(a2, x, v128.load(k2 + o))
      a3 = madd(a3, x, v128.load(k3 + o))
    }
    v128.store(out, sums(a0, a1, a2, a3))
    key = k3 + head
  }
}

/** Softmax of scale * x over n floats (a multiple of four), in place. */
function softmaxInPlace(x: usize, n: i32, scale: f32): void {
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
  const inverse = f32x4.splat(1 / sum4(sum))
  for (let at = x; at < end; at += 16) v128.store(at, f32x4.mul(v128.load(at), inverse))
}

/** y [width] += the weighted sum of values that follow each other, `head` bytes each, for weights from `p` to `end`. */
@inline
function mix(width: i32, head: usize, p: usize, end: usize, v: usize, y: usize): void {
  let y0 = v128.load(y), y1 = y0, y2 = y0, y3 = y0, y4 = y0, y5 = y0, y6 = y0, y7 = y0
  if (width > 4) {
    y1 = v128.load(y, 16); y2 = v128.load(y, 32); y3 = v128.load(y, 48)
  }
  if (width > 16) {
    y4 = v128.load(y, 64); y5 = v128.load(y, 80); y6 = v128.load(y, 96); y7 = v128.load(y, 112)
  }
  for (; p < end; p += 4) {
    const s = v128.load32_splat(p)
    y0 = madd(y0, s, v128.load(v))
    if (width > 4) {
      y1 = madd(y1, s, v128.load(v, 16)); y2 = madd(y2, s, v128.load(v, 32)); y3 = madd(y3, s, v128.load(v, 48))
    }
    if (width > 16) {
      y4 = madd(y4, s, v128.load(v, 64)); y5 = madd(y5, s, v128.load(v, 80))
      y6 = madd(y6, s, v128.load(v, 96)); y7 = madd(y7, s, v128.load(v, 112))
    }
    v += head
  }
  v128.store(y, y0)
  if (width > 4) {
    v128.store(y, y1, 16); v128.store(y, y2, 32); v128.store(y, y3, 48)
  }
  if (width > 16) {
    v128.store(y, y4, 64); v128.store(y, y5, 80); v128.store(y, y6, 96); v128.store(y, y7, 112)
  }
}

// Not inlined into the attention, whose many variables would push these loops' vectors out of the registers.
function mix32(head: usize, p: usize, end: usize, v: usize, y: usize): void {
  mix(32, head, p, end, v, y)
}

function mix16(head: usize, p: usize, end: usize, v: usize, y: usize): void {
  mix(16, head, p, end, v, y)
}

function mix4(head: usize, p: usize, end: usize, v: usize, y: usize): void {
  mix(4, head, p, end, v, y)
}

/**
 * Attention of every row over positions max(0, position + 1 - window) to `position` of its sequence, or all up to `position`
 * where window is 0; scores are scaled, and with a cap > 0 become cap tanh(score / cap). y [m, yStride]. `scores` holds, for every head, one float per position of the longest table.
 */
export function decodeAttend(
  m: i32, heads: i32, kvHeads: i32, size: i32, window: i32, scale: f32, cap: f32, q: usize, stride: i32, y: usize, yStride: i32,
  slots: usize, positions: usize, tables: usize, tableStride: i32, blocks: usize, blockBytes: i32,
  scores: usize,
): void {
  const padded = (size + 3) & ~3
  const head: usize = <usize>padded << 2
  const group = heads / kvHeads
  const scoresOfHead: usize = <usize>(tableStride * BLOCK) << 2
  for (let r = 0; r < m; r++) {
    const position = load<i32>(positions + (<usize>r << 2))
    const table = tables + (<usize>(load<i32>(slots + (<usize>r << 2)) * tableStride) << 2)
    const low = window > 0 ? max(0, position + 1 - window) : 0
    // In fours, the lanes before `low` and after `position` masked.
    const first = low & ~3
    const end = (position + 4) & ~3
    const qr = q + (<usize>(r * stride) << 2)
    const yr = y + (<usize>(r * yStride) << 2)
    // Block by block for all heads, so that memory is read front to back.
    for (let t = first; t < end; ) {
      const b = t / BLOCK
      const n = min(end, (b + 1) * BLOCK) - t
      const keys = blocks + <usize>load<i32>(table + (<usize>b << 2)) * <usize>blockBytes + <usize>(t % BLOCK) * head
      for (let h = 0; h < heads; h++) {
        const out = scores + <usize>h * scoresOfHead + (<usize>t << 2)
        score(n, head, qr + <usize>h * head, keys + <usize>((h / group) * BLOCK) * head, out)
      }
      t += n
    }
    for (let h = 0; h < heads; h++) {
      const own = scores + <usize>h * scoresOfHead
      if (cap > 0) capInPlace(own + (<usize>first << 2), end - first, scale, cap)
      for (let t = first; t < low; t++) store<f32>(own + (<usize>t << 2), -Infinity)
      for (let t = position + 1; t < end; t++) store<f32>(own + (<usize>t << 2), -Infinity)
      softmaxInPlace(own + (<usize>first << 2), end - first, cap > 0 ? 1 : scale)
    }
    memory.fill(yr, 0, <usize>heads * head)
    for (let t = low; t <= position; ) {
      const b = t / BLOCK
      const n = min(position + 1, (b + 1) * BLOCK) - t
      const block = blocks + <usize>load<i32>(table + (<usize>b << 2)) * <usize>blockBytes
      const values = block + <usize>(kvHeads * BLOCK + t % BLOCK) * head
      for (let h = 0; h < heads; h++) {
        const p = scores + <usize>h * scoresOfHead + (<usize>t << 2)
        const stop = p + (<usize>n << 2)
        let v = values + <usize>((h / group) * BLOCK) * head
        let yh = yr + <usize>h * head
        const done = yh + head
        for (; yh + 128 <= done; yh += 128, v += 128) mix32(head, p, stop, v, yh)
        for (; yh + 64 <= done; yh += 64, v += 64) mix16(head, p, stop, v, yh)
        for (; yh < done; yh += 16, v += 16) mix4(head, p, stop, v, yh)
      }
      t += n
    }
  }
}

/**
 * gate = gate sigmoid(gate (a + b gate^2)) up in place (see `glu`), over rows [m, stride] of `width` gates (a multiple of four)
 * followed by as many ups.
 */
export function decodeGate(m: i32, width: i32, a: f32, b: f32, x: usize, stride: i32): void {
  const zero = unknownZero(m)
  const magic = hold(zero, MAGIC), one = hold(zero, 1), least = hold(zero, -126), most = hold(zero, 126)
  const c1 = hold(zero, C1), c2 = hold(zero, C2), c3 = hold(zero, C3), c4 = hold(zero, C4), c5 = hold(zero, C5)
  const minus = hold(zero, -LOG2E), a4 = hold(zero, a), b4 = hold(zero, b)
  const apart: usize = <usize>width << 2
  for (let r = 0; r < m; r++) {
    let at = x + (<usize>(r * stride) << 2)
    const end = at + apart
    for (; at < end; at += 16) {
      const g = v128.load(at)
      const t = f32x4.pmax(f32x4.pmin(f32x4.mul(inner(g, a4, b4), minus), most), least)
      const silu = f32x4.div(g, f32x4.add(one, power(t, magic, one, c1, c2, c3, c4, c5)))
      v128.store(at, f32x4.mul(silu, v128.load(at + apart)))
    }
  }
}
