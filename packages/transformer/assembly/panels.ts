// Matrix products with a weight that was packed once into panels of 16 columns, [n / 16][k][16], so that the products of
// decoding read it front to back. The tiles of training where there are rows for them, and smaller ones of the same chains: what
// a row gives does not depend, to the bit, on how many rows there are.
import { madd, put, tile, WIDE } from "./tile"

/** Columns of a panel. */
export const PANEL: i32 = 16

/** Four rows and a whole panel: for vectors of 256 bits, of which it fills eight. */
function four(k: i32, a: usize, rowA: usize, panel: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize): void {
  let p0 = a, p1 = a + rowA, p2 = a + 2 * rowA, p3 = a + 3 * rowA
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0)
  let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0)
  let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0)
  let d0 = f32x4.splat(0), d1 = f32x4.splat(0), d2 = f32x4.splat(0), d3 = f32x4.splat(0)
  const end = panel + (<usize>k << 6)
  while (panel < end) {
    const x0 = v128.load(panel), x1 = v128.load(panel, 16), x2 = v128.load(panel, 32), x3 = v128.load(panel, 48)
    let s = v128.load32_splat(p0)
    a0 = madd(a0, s, x0); a1 = madd(a1, s, x1); a2 = madd(a2, s, x2); a3 = madd(a3, s, x3)
    s = v128.load32_splat(p1)
    b0 = madd(b0, s, x0); b1 = madd(b1, s, x1); b2 = madd(b2, s, x2); b3 = madd(b3, s, x3)
    s = v128.load32_splat(p2)
    c0 = madd(c0, s, x0); c1 = madd(c1, s, x1); c2 = madd(c2, s, x2); c3 = madd(c3, s, x3)
    s = v128.load32_splat(p3)
    d0 = madd(d0, s, x0); d1 = madd(d1, s, x1); d2 = madd(d2, s, x2); d3 = madd(d3, s, x3)
    p0 += 4; p1 += 4; p2 += 4; p3 += 4
    panel += 64
  }
  put(c, plus, a0, a1, a2, a3)
  put(c + rowC, plus ? plus + rowPlus : 0, b0, b1, b2, b3)
  put(c + 2 * rowC, plus ? plus + 2 * rowPlus : 0, c0, c1, c2, c3)
  put(c + 3 * rowC, plus ? plus + 3 * rowPlus : 0, d0, d1, d2, d3)
}

function two(k: i32, a: usize, rowA: usize, panel: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize): void {
  let p0 = a, p1 = a + rowA
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0)
  let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0)
  const end = panel + (<usize>k << 6)
  while (panel < end) {
    const x0 = v128.load(panel), x1 = v128.load(panel, 16), x2 = v128.load(panel, 32), x3 = v128.load(panel, 48)
    let s = v128.load32_splat(p0)
    a0 = madd(a0, s, x0); a1 = madd(a1, s, x1); a2 = madd(a2, s, x2); a3 = madd(a3, s, x3)
    s = v128.load32_splat(p1)
    b0 = madd(b0, s, x0); b1 = madd(b1, s, x1); b2 = madd(b2, s, x2); b3 = madd(b3, s, x3)
    p0 += 4; p1 += 4
    panel += 64
  }
  put(c, plus, a0, a1, a2, a3)
  put(c + rowC, plus ? plus + rowPlus : 0, b0, b1, b2, b3)
}

/** One row and two panels, the second `next` bytes after the first: sums enough not to wait for each other. */
function one(k: i32, a: usize, panel: usize, next: usize, c: usize, plus: usize): void {
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0)
  let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0)
  const end = panel + (<usize>k << 6)
  let other = panel + next
  while (panel < end) {
    const s = v128.load32_splat(a)
    a0 = madd(a0, s, v128.load(panel)); a1 = madd(a1, s, v128.load(panel, 16))
    a2 = madd(a2, s, v128.load(panel, 32)); a3 = madd(a3, s, v128.load(panel, 48))
    b0 = madd(b0, s, v128.load(other)); b1 = madd(b1, s, v128.load(other, 16))
    b2 = madd(b2, s, v128.load(other, 32)); b3 = madd(b3, s, v128.load(other, 48))
    a += 4
    panel += 64
    other += 64
  }
  put(c, plus, a0, a1, a2, a3)
  // Without a second panel it is the first again.
  if (next) put(c + 64, plus ? plus + 64 : 0, b0, b1, b2, b3)
}

/**
 * C [m, n] = plus + A [m, k] W; rows of A, C and `plus` are `lda`, `ldc` and `ldp` floats apart, n is a multiple of 16. `plus` may
 * be C, a bias with ldp 0, or 0 for none. `height` is that of the tiles, see `tile`.
 */
export function panelProduct(
  height: i32, m: i32, n: i32, k: i32, a: usize, lda: i32, w: usize, plus: usize, ldp: i32, c: usize, ldc: i32,
): void {
  const rowA: usize = <usize>lda << 2
  const rowC: usize = <usize>ldc << 2
  const rowP: usize = <usize>ldp << 2
  const size: usize = <usize>k << 6
  // Rows whose activations stay in the L2 cache while the weight passes by.
  const block = max(12, 65536 / k / 12 * 12)
  for (let i0 = 0; i0 < m; i0 += block) {
    const i1 = min(m, i0 + block)
    let single = false
    for (let j = 0; j < n; j += PANEL) {
      const panel = w + <usize>(j / PANEL) * size
      const cj = c + (<usize>j << 2)
      const pj = plus ? plus + (<usize>j << 2) : 0
      let i = i0
      if (height == WIDE) {
        for (; i + 6 <= i1; i += 6) {
          const r = <usize>i
          tile(WIDE, 6, k, a + r * rowA, rowA, 4, panel, cj + r * rowC, rowC, pj ? pj + r * rowP : 0, rowP)
        }
        if (i + 4 <= i1) {
          const r = <usize>i
          four(k, a + r * rowA, rowA, panel, cj + r * rowC, rowC, pj ? pj + r * rowP : 0, rowP)
          i += 4
        }
      } else {
        for (; i + 4 <= i1; i += 4) {
          const r = <usize>i
          tile(4, 4, k, a + r * rowA, rowA, 4, panel, cj + r * rowC, rowC, pj ? pj + r * rowP : 0, rowP)
        }
      }
      for (; i + 2 <= i1; i += 2) {
        const r = <usize>i
        two(k, a + r * rowA, rowA, panel, cj + r * rowC, rowC, pj ? pj + r * rowP : 0, rowP)
      }
      if (i < i1) {
        const r = <usize>i
        // Every other panel is done with the one before it.
        if (!single) one(k, a + r * rowA, panel, j + PANEL < n ? size : 0, cj + r * rowC, pj ? pj + r * rowP : 0)
        single = !single
      }
    }
  }
}

/** Adds a row to each of m rows of n floats, a multiple of four. */
export function addBias(m: i32, n: i32, bias: usize, x: usize, stride: i32): void {
  for (let r = 0; r < m; r++) {
    const at = x + (<usize>(r * stride) << 2)
    for (let o: usize = 0; o < <usize>n << 2; o += 16) {
      v128.store(at + o, f32x4.add(v128.load(at + o), v128.load(bias + o)))
    }
  }
}
