// The inner product of everything: a tile of C = A B from a panel of B, kept in registers. Each entry is one chain of fused
// multiply-adds in the order of k, so that every tile shape gives the same bits.
//
// A panel is 16 columns of B, [k, 16] without gaps: `packRows` and `packColumns` make them.

/** acc + a b, rounded once where the processor can. */
@inline
export function madd(acc: v128, a: v128, b: v128): v128 {
  return f32x4.relaxed_madd(a, b, acc)
}

/** Rows of a wide tile: 6 x 16 fills 12 of 16 registers of 256 bits, when the engine pairs 128-bit operations. */
export const WIDE: i32 = 6
/** Rows of a narrow tile: 4 x 8 fills 8 of 16 registers of 128 bits. */
export const NARROW: i32 = 4

/** Address of row r of A, or of its last row where there are fewer. */
@inline
function row(a: usize, r: i32, rows: i32, rowA: usize): usize {
  return a + <usize>min(r, rows - 1) * rowA
}

/** c [16] = plus + four vectors. */
@inline
export function put(c: usize, plus: usize, x0: v128, x1: v128, x2: v128, x3: v128): void {
  if (plus) {
    x0 = f32x4.add(v128.load(plus), x0); x1 = f32x4.add(v128.load(plus, 16), x1)
    x2 = f32x4.add(v128.load(plus, 32), x2); x3 = f32x4.add(v128.load(plus, 48), x3)
  }
  v128.store(c, x0); v128.store(c, x1, 16); v128.store(c, x2, 32); v128.store(c, x3, 48)
}

/** c [8] = plus + two vectors. */
@inline
export function putHalf(c: usize, plus: usize, x0: v128, x1: v128): void {
  if (plus) {
    x0 = f32x4.add(v128.load(plus), x0); x1 = f32x4.add(v128.load(plus, 16), x1)
  }
  v128.store(c, x0); v128.store(c, x1, 16)
}

function wide(rows: i32, k: i32, a: usize, rowA: usize, stepA: usize, panel: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize): void {
  let p0 = a, p1 = row(a, 1, rows, rowA), p2 = row(a, 2, rows, rowA)
  let p3 = row(a, 3, rows, rowA), p4 = row(a, 4, rows, rowA), p5 = row(a, 5, rows, rowA)
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), a2 = f32x4.splat(0), a3 = f32x4.splat(0)
  let b0 = f32x4.splat(0), b1 = f32x4.splat(0), b2 = f32x4.splat(0), b3 = f32x4.splat(0)
  let c0 = f32x4.splat(0), c1 = f32x4.splat(0), c2 = f32x4.splat(0), c3 = f32x4.splat(0)
  let d0 = f32x4.splat(0), d1 = f32x4.splat(0), d2 = f32x4.splat(0), d3 = f32x4.splat(0)
  let e0 = f32x4.splat(0), e1 = f32x4.splat(0), e2 = f32x4.splat(0), e3 = f32x4.splat(0)
  let f0 = f32x4.splat(0), f1 = f32x4.splat(0), f2 = f32x4.splat(0), f3 = f32x4.splat(0)
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
    s = v128.load32_splat(p4)
    e0 = madd(e0, s, x0); e1 = madd(e1, s, x1); e2 = madd(e2, s, x2); e3 = madd(e3, s, x3)
    s = v128.load32_splat(p5)
    f0 = madd(f0, s, x0); f1 = madd(f1, s, x1); f2 = madd(f2, s, x2); f3 = madd(f3, s, x3)
    p0 += stepA; p1 += stepA; p2 += stepA; p3 += stepA; p4 += stepA; p5 += stepA
    panel += 64
  }
  put(c, plus, a0, a1, a2, a3)
  put(c + rowC, plus ? plus + rowPlus : 0, b0, b1, b2, b3)
  put(c + 2 * rowC, plus ? plus + 2 * rowPlus : 0, c0, c1, c2, c3)
  put(c + 3 * rowC, plus ? plus + 3 * rowPlus : 0, d0, d1, d2, d3)
  put(c + 4 * rowC, plus ? plus + 4 * rowPlus : 0, e0, e1, e2, e3)
  put(c + 5 * rowC, plus ? plus + 5 * rowPlus : 0, f0, f1, f2, f3)
}

function narrow(rows: i32, k: i32, a: usize, rowA: usize, stepA: usize, panel: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize): void {
  let p0 = a, p1 = row(a, 1, rows, rowA), p2 = row(a, 2, rows, rowA), p3 = row(a, 3, rows, rowA)
  let a0 = f32x4.splat(0), a1 = f32x4.splat(0), b0 = f32x4.splat(0), b1 = f32x4.splat(0)
  let c0 = f32x4.splat(0), c1 = f32x4.splat(0), d0 = f32x4.splat(0), d1 = f32x4.splat(0)
  const end = panel + (<usize>k << 6)
  while (panel < end) {
    const x0 = v128.load(panel), x1 = v128.load(panel, 16)
    let s = v128.load32_splat(p0)
    a0 = madd(a0, s, x0); a1 = madd(a1, s, x1)
    s = v128.load32_splat(p1)
    b0 = madd(b0, s, x0); b1 = madd(b1, s, x1)
    s = v128.load32_splat(p2)
    c0 = madd(c0, s, x0); c1 = madd(c1, s, x1)
    s = v128.load32_splat(p3)
    d0 = madd(d0, s, x0); d1 = madd(d1, s, x1)
    p0 += stepA; p1 += stepA; p2 += stepA; p3 += stepA
    panel += 64
  }
  putHalf(c, plus, a0, a1)
  putHalf(c + rowC, plus ? plus + rowPlus : 0, b0, b1)
  putHalf(c + 2 * rowC, plus ? plus + 2 * rowPlus : 0, c0, c1)
  putHalf(c + 3 * rowC, plus ? plus + 3 * rowPlus : 0, d0, d1)
}

/** c [height, 16] = plus + A [height, k] panel; of A's last rows only `rows` are there. `plus` is 0 for none, or may be c. */
@inline
export function tile(height: i32, rows: i32, k: i32, a: usize, rowA: usize, stepA: usize, panel: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize): void {
  if (height === WIDE) wide(rows, k, a, rowA, stepA, panel, c, rowC, plus, rowPlus)
  else {
    narrow(rows, k, a, rowA, stepA, panel, c, rowC, plus, rowPlus)
    narrow(rows, k, a, rowA, stepA, panel + 32, c + 32, rowC, plus ? plus + 32 : 0, rowPlus)
  }
}

/** c [rows, columns] = plus + t [rows, 16]; `plus` may be c, or 0 for none. */
@inline
export function settle(rows: i32, columns: i32, t: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize): void {
  for (let r = 0; r < rows; r++) {
    let i = 0
    for (; i + 8 <= columns; i += 8) {
      const o = <usize>i << 2
      let x = v128.load(t + o), y = v128.load(t + o, 16)
      if (plus) {
        x = f32x4.add(x, v128.load(plus + o))
        y = f32x4.add(y, v128.load(plus + o, 16))
      }
      v128.store(c + o, x)
      v128.store(c + o, y, 16)
    }
    for (; i < columns; i++) {
      const o = <usize>i << 2
      store<f32>(c + o, plus ? load<f32>(plus + o) + load<f32>(t + o) : load<f32>(t + o))
    }
    t += 64
    c += rowC
    if (plus) plus += rowPlus
  }
}

/** Panels [ceil(n / 16)][k][16] of B [k, n], rows `rowB` bytes apart; missing columns are 0. */
export function packRows(k: i32, n: i32, b: usize, rowB: usize, out: usize): void {
  for (let j = 0; j < n; j += 16) {
    const columns = min(16, n - j)
    let from = b + (<usize>j << 2)
    for (let p = 0; p < k; p++) {
      if (columns === 16) {
        v128.store(out, v128.load(from)); v128.store(out, v128.load(from, 16), 16)
        v128.store(out, v128.load(from, 32), 32); v128.store(out, v128.load(from, 48), 48)
      } else {
        memory.fill(out, 0, 64)
        for (let i = 0; i < columns; i++) store<f32>(out + (<usize>i << 2), load<f32>(from + (<usize>i << 2)))
      }
      from += rowB
      out += 64
    }
  }
}

/** Four floats of each of four rows, as columns. */
@inline
function transpose4(x0: v128, x1: v128, x2: v128, x3: v128, out: usize): void {
  const l01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), h01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7)
  const l23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5), h23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7)
  v128.store(out, v128.shuffle<f32>(l01, l23, 0, 1, 4, 5))
  v128.store(out, v128.shuffle<f32>(l01, l23, 2, 3, 6, 7), 64)
  v128.store(out, v128.shuffle<f32>(h01, h23, 0, 1, 4, 5), 128)
  v128.store(out, v128.shuffle<f32>(h01, h23, 2, 3, 6, 7), 192)
}

/** Panels of B = W^T for W [n, k], whose rows are `rowW` bytes apart; missing columns are 0. */
export function packColumns(n: i32, k: i32, w: usize, rowW: usize, out: usize): void {
  for (let j = 0; j < n; j += 16) packPanel(min(16, n - j), 0, k, w + <usize>j * rowW, rowW, out + ((<usize>(j * k)) << 2))
}

/** Columns `at` to `at + columns` of one panel of W^T from the first `columns` rows of W; zeroes the panel's later columns. */
export function packPanel(columns: i32, at: i32, k: i32, w: usize, rowW: usize, out: usize): void {
  let c = 0
  for (; c + 4 <= columns; c += 4) {
    const w0 = w + <usize>c * rowW, w1 = w0 + rowW, w2 = w1 + rowW, w3 = w2 + rowW
    let to = out + (<usize>(at + c) << 2)
    let p = 0
    for (; p + 4 <= k; p += 4) {
      const o = <usize>p << 2
      transpose4(v128.load(w0 + o), v128.load(w1 + o), v128.load(w2 + o), v128.load(w3 + o), to)
      to += 256
    }
    for (; p < k; p++) {
      const o = <usize>p << 2
      store<f32>(to, load<f32>(w0 + o)); store<f32>(to, load<f32>(w1 + o), 4)
      store<f32>(to, load<f32>(w2 + o), 8); store<f32>(to, load<f32>(w3 + o), 12)
      to += 64
    }
  }
  for (; c < columns; c++) {
    const wc = w + <usize>c * rowW
    let to = out + (<usize>(at + c) << 2)
    for (let p = 0; p < k; p++) {
      store<f32>(to, load<f32>(wc + (<usize>p << 2)))
      to += 64
    }
  }
  for (c += at; c < 16; c++) {
    let to = out + (<usize>c << 2)
    for (let p = 0; p < k; p++) {
      store<f32>(to, 0)
      to += 64
    }
  }
}
