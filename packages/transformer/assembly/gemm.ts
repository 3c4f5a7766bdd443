// Matrix products on row-major float32 matrices at addresses of the shared heap. No packing: a 4 x 8 tile of C is kept in
// eight registers (larger tiles spill), and rows are blocked so that a block of A and a panel of B stay in the L1 cache.

/** Rows of A that share a panel of B. */
const BLOCK: i32 = 64

function madd(acc: v128, a: v128, b: v128): v128 {
  return f32x4.add(acc, f32x4.mul(a, b))
}

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
    let acc: f32 = 0
    let bp = b + (<usize>col << 2)
    for (let p = 0; p < k; p++) {
      acc += load<f32>(a + (<usize>p << 2)) * load<f32>(bp)
      bp += <usize>n << 2
    }
    store<f32>(c + (<usize>col << 2), acc)
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

/** C [k, n] = A^T B of A [m, k] and B [m, n]. */
export function gemmTransposed(m: i32, n: i32, k: i32, a: usize, b: usize, c: usize): void {
  const rowA: usize = <usize>k << 2
  const rowB: usize = <usize>n << 2
  const wide = n & ~7
  const tall = k & ~3
  memory.fill(c, 0, <usize>k * rowB)
  for (let m0 = 0; m0 < m; m0 += BLOCK) {
    const rows = min(BLOCK, m - m0)
    const a0 = a + <usize>m0 * rowA
    const b0 = b + <usize>m0 * rowB
    for (let i = 0; i < tall; i += 4) {
      for (let j = 0; j < wide; j += 8) {
        const c0 = c + <usize>i * rowB + (<usize>j << 2)
        const c1 = c0 + rowB
        const c2 = c1 + rowB
        const c3 = c2 + rowB
        let a00 = v128.load(c0), a01 = v128.load(c0, 16), a10 = v128.load(c1), a11 = v128.load(c1, 16)
        let a20 = v128.load(c2), a21 = v128.load(c2, 16), a30 = v128.load(c3), a31 = v128.load(c3, 16)
        let ap = a0 + (<usize>i << 2)
        let bp = b0 + (<usize>j << 2)
        for (let r = 0; r < rows; r++) {
          const x0 = v128.load(bp), x1 = v128.load(bp, 16)
          let s = v128.load32_splat(ap)
          a00 = madd(a00, s, x0); a01 = madd(a01, s, x1)
          s = v128.load32_splat(ap, 4)
          a10 = madd(a10, s, x0); a11 = madd(a11, s, x1)
          s = v128.load32_splat(ap, 8)
          a20 = madd(a20, s, x0); a21 = madd(a21, s, x1)
          s = v128.load32_splat(ap, 12)
          a30 = madd(a30, s, x0); a31 = madd(a31, s, x1)
          ap += rowA
          bp += rowB
        }
        v128.store(c0, a00); v128.store(c0, a01, 16); v128.store(c1, a10); v128.store(c1, a11, 16)
        v128.store(c2, a20); v128.store(c2, a21, 16); v128.store(c3, a30); v128.store(c3, a31, 16)
      }
    }
    // The rim: columns and rows that no whole tile covers.
    for (let i = 0; i < k; i++) {
      for (let j = i < tall ? wide : 0; j < n; j++) {
        const ci = c + <usize>i * rowB + (<usize>j << 2)
        let sum = load<f32>(ci)
        let ap = a0 + (<usize>i << 2)
        let bp = b0 + (<usize>j << 2)
        for (let r = 0; r < rows; r++) {
          sum += load<f32>(ap) * load<f32>(bp)
          ap += rowA
          bp += rowB
        }
        store<f32>(ci, sum)
      }
    }
  }
}
