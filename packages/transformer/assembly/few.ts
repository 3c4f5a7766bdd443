// The product for a handful of rows, where packing the right factor would cost as much as the product itself. The same chains
// of fused multiply-adds as the packed products, so the same bits.
import { madd } from "./tile"

/** Rows of A that share a panel of B. */
const BLOCK: i32 = 64

/** One row of C from column j on: the columns that the 8-wide tiles leave over. */
function rowTail(j: i32, n: i32, k: i32, a: usize, b: usize, c: usize): void {
  let col = j
  for (; col + 4 <= n; col += 4) {
    let acc = f32x4.splat(0)
    let bp = b + (<usize>col << 2)
    for (let p = 0; p < k; p++) {
      acc = madd(acc, v128.load32_splat(a + (<usize>p << 2)), v128.load(bp))
      bp += <usize>n << 2
    }
    v128.store(c + (<usize>col << 2), acc)
  }
  for (; col < n; col++) {
    let acc = f32x4.splat(0)
    let bp = b + (<usize>col << 2)
    for (let p = 0; p < k; p++) {
      acc = madd(acc, v128.load32_splat(a + (<usize>p << 2)), v128.load32_splat(bp))
      bp += <usize>n << 2
    }
    store<f32>(c + (<usize>col << 2), f32x4.extract_lane(acc, 0))
  }
}

/** C [m, n] = A [m, k] B [k, n]. */
export function gemm(m: i32, n: i32, k: i32, a: usize, b: usize, c: usize): void {
  const rowA: usize = <usize>k << 2
  const rowC: usize = <usize>n << 2
  const wide = n & ~7
  for (let i0 = 0; i0 < m; i0 += BLOCK) {
    const i1 = min(m, i0 + BLOCK)
    for (let j = 0; j < wide; j += 8) {
      const panel = b + (<usize>j << 2)
      let i = i0
      for (; i + 4 <= i1; i += 4) {
        let p0 = a + <usize>i * rowA
        let p1 = p0 + rowA
        let p2 = p1 + rowA
        let p3 = p2 + rowA
        const c0 = c + <usize>i * rowC + (<usize>j << 2)
        const c1 = c0 + rowC
        const c2 = c1 + rowC
        const c3 = c2 + rowC
        let a00 = f32x4.splat(0), a01 = f32x4.splat(0), a10 = f32x4.splat(0), a11 = f32x4.splat(0)
        let a20 = f32x4.splat(0), a21 = f32x4.splat(0), a30 = f32x4.splat(0), a31 = f32x4.splat(0)
        let bp = panel
        const end = p0 + rowA
        while (p0 < end) {
          const b0 = v128.load(bp), b1 = v128.load(bp, 16)
          let s = v128.load32_splat(p0)
          a00 = madd(a00, s, b0); a01 = madd(a01, s, b1)
          s = v128.load32_splat(p1)
          a10 = madd(a10, s, b0); a11 = madd(a11, s, b1)
          s = v128.load32_splat(p2)
          a20 = madd(a20, s, b0); a21 = madd(a21, s, b1)
          s = v128.load32_splat(p3)
          a30 = madd(a30, s, b0); a31 = madd(a31, s, b1)
          p0 += 4; p1 += 4; p2 += 4; p3 += 4
          bp += rowC
        }
        v128.store(c0, a00); v128.store(c0, a01, 16); v128.store(c1, a10); v128.store(c1, a11, 16)
        v128.store(c2, a20); v128.store(c2, a21, 16); v128.store(c3, a30); v128.store(c3, a31, 16)
      }
      for (; i < i1; i++) {
        const ci = c + <usize>i * rowC + (<usize>j << 2)
        let x0 = f32x4.splat(0)
        let x1 = f32x4.splat(0)
        let p = a + <usize>i * rowA
        const end = p + rowA
        let bp = panel
        while (p < end) {
          const s = v128.load32_splat(p)
          x0 = madd(x0, s, v128.load(bp)); x1 = madd(x1, s, v128.load(bp, 16))
          p += 4
          bp += rowC
        }
        v128.store(ci, x0); v128.store(ci, x1, 16)
      }
    }
    if (wide < n) for (let i = i0; i < i1; i++) rowTail(wide, n, k, a + <usize>i * rowA, b, c + <usize>i * rowC)
  }
}
