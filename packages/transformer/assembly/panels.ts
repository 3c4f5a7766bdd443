// Matrix products with a weight that was packed once into panels of 16 columns, [n / 16][k][16], so that the products of
// decoding read it front to back whatever their number of rows. Every entry of C is bias + the terms in the order of k, in
// every tile: what a row gives does not depend on how many rows there are.

/** Columns of a panel. */
export const PANEL: i32 = 16

// @ts-ignore: decorator
@inline
function madd(acc: v128, a: v128, b: v128): v128 {
  return f32x4.add(acc, f32x4.mul(a, b))
}

// @ts-ignore: decorator
@inline
function put(c: usize, lo: v128, hi: v128, add: bool): void {
  if (add) {
    v128.store(c, f32x4.add(v128.load(c), lo))
    v128.store(c, f32x4.add(v128.load(c, 16), hi), 16)
  } else {
    v128.store(c, lo)
    v128.store(c, hi, 16)
  }
}

/** Four rows, eight columns: eight accumulators, as many as V8 keeps in registers beside the operands. */
// @ts-ignore: decorator
@inline
function tile4(k: i32, a: usize, rowA: usize, b: usize, s0: v128, s1: v128, c: usize, rowC: usize, add: bool): void {
  let p0 = a, p1 = a + rowA, p2 = a + 2 * rowA, p3 = a + 3 * rowA
  let a00 = s0, a01 = s1, a10 = s0, a11 = s1, a20 = s0, a21 = s1, a30 = s0, a31 = s1
  const end = p0 + (<usize>k << 2)
  while (p0 < end) {
    const b0 = v128.load(b), b1 = v128.load(b, 16)
    let s = v128.load32_splat(p0)
    a00 = madd(a00, s, b0); a01 = madd(a01, s, b1)
    s = v128.load32_splat(p1)
    a10 = madd(a10, s, b0); a11 = madd(a11, s, b1)
    s = v128.load32_splat(p2)
    a20 = madd(a20, s, b0); a21 = madd(a21, s, b1)
    s = v128.load32_splat(p3)
    a30 = madd(a30, s, b0); a31 = madd(a31, s, b1)
    p0 += 4; p1 += 4; p2 += 4; p3 += 4
    b += 64
  }
  put(c, a00, a01, add)
  put(c + rowC, a10, a11, add)
  put(c + 2 * rowC, a20, a21, add)
  put(c + 3 * rowC, a30, a31, add)
}

/** Two rows and a whole panel: as many sums in flight as the four-row tile has. */
// @ts-ignore: decorator
@inline
function tile2(k: i32, a: usize, rowA: usize, b: usize, bias: usize, c: usize, rowC: usize, add: bool): void {
  let p0 = a, p1 = a + rowA
  let a00 = v128.load(bias), a01 = v128.load(bias, 16), a02 = v128.load(bias, 32), a03 = v128.load(bias, 48)
  let a10 = a00, a11 = a01, a12 = a02, a13 = a03
  const end = p0 + (<usize>k << 2)
  while (p0 < end) {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48)
    let s = v128.load32_splat(p0)
    a00 = madd(a00, s, b0); a01 = madd(a01, s, b1); a02 = madd(a02, s, b2); a03 = madd(a03, s, b3)
    s = v128.load32_splat(p1)
    a10 = madd(a10, s, b0); a11 = madd(a11, s, b1); a12 = madd(a12, s, b2); a13 = madd(a13, s, b3)
    p0 += 4; p1 += 4
    b += 64
  }
  put(c, a00, a01, add)
  put(c + 32, a02, a03, add)
  put(c + rowC, a10, a11, add)
  put(c + rowC + 32, a12, a13, add)
}

// @ts-ignore: decorator
@inline
function tile1(k: i32, a: usize, b: usize, bias: usize, c: usize, add: bool): void {
  let a0 = v128.load(bias), a1 = v128.load(bias, 16), a2 = v128.load(bias, 32), a3 = v128.load(bias, 48)
  const end = a + (<usize>k << 2)
  while (a < end) {
    const s = v128.load32_splat(a)
    a0 = madd(a0, s, v128.load(b)); a1 = madd(a1, s, v128.load(b, 16))
    a2 = madd(a2, s, v128.load(b, 32)); a3 = madd(a3, s, v128.load(b, 48))
    a += 4
    b += 64
  }
  put(c, a0, a1, add)
  put(c + 32, a2, a3, add)
}

/** All rows and panels, `add` a constant so that the inner code has no branch. */
// @ts-ignore: decorator
@inline
function product(m: i32, n: i32, k: i32, a: usize, lda: i32, w: usize, bias: usize, c: usize, ldc: i32, add: bool): void {
  const rowA: usize = <usize>lda << 2
  const rowC: usize = <usize>ldc << 2
  // Rows whose activations stay in the L2 cache while the weight passes by.
  const block = max(4, (65536 / k) & ~3)
  for (let i0 = 0; i0 < m; i0 += block) {
    const i1 = min(m, i0 + block)
    for (let j = 0; j < n; j += PANEL) {
      const b = w + <usize>j * (<usize>k << 2)
      const bj = bias + (<usize>j << 2)
      const cj = c + (<usize>j << 2)
      let i = i0
      if (i + 4 <= i1) {
        const s0 = v128.load(bj), s1 = v128.load(bj, 16), s2 = v128.load(bj, 32), s3 = v128.load(bj, 48)
        for (; i + 4 <= i1; i += 4) {
          const ai = a + <usize>i * rowA
          const ci = cj + <usize>i * rowC
          tile4(k, ai, rowA, b, s0, s1, ci, rowC, add)
          tile4(k, ai, rowA, b + 32, s2, s3, ci + 32, rowC, add)
        }
      }
      if (i + 2 <= i1) {
        tile2(k, a + <usize>i * rowA, rowA, b, bj, cj + <usize>i * rowC, rowC, add)
        i += 2
      }
      if (i < i1) tile1(k, a + <usize>i * rowA, b, bj, cj + <usize>i * rowC, add)
    }
  }
}

/** C [m, n] = bias + A [m, k] W; rows of A and C are `lda` and `ldc` floats apart, n is a multiple of 16. */
export function panelProduct(m: i32, n: i32, k: i32, a: usize, lda: i32, w: usize, bias: usize, c: usize, ldc: i32): void {
  product(m, n, k, a, lda, w, bias, c, ldc, false)
}

/** C += bias + A W: the product onto the residual stream. */
export function panelProductAdd(m: i32, n: i32, k: i32, a: usize, lda: i32, w: usize, bias: usize, c: usize, ldc: i32): void {
  product(m, n, k, a, lda, w, bias, c, ldc, true)
}
