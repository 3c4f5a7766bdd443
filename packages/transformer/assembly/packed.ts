// The tile of the large products: A comes packed as well, `height` rows side by side, so that one address serves all of them, and
// a chain may go on from where an earlier tile of the same entries left it: the bits are those of one chain over all of k.
import { madd, NARROW, put, putHalf, WIDE } from "./tile"

@inline
function wide(more: bool, k: i32, a: usize, panel: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize): void {
  let a0 = more ? v128.load(c) : f32x4.splat(0), a1 = more ? v128.load(c, 16) : f32x4.splat(0), a2 = more ? v128.load(c, 32) : f32x4.splat(0), a3 = more ? v128.load(c, 48) : f32x4.splat(0)
  let b0 = more ? v128.load(c + rowC) : f32x4.splat(0), b1 = more ? v128.load(c + rowC, 16) : f32x4.splat(0), b2 = more ? v128.load(c + rowC, 32) : f32x4.splat(0), b3 = more ? v128.load(c + rowC, 48) : f32x4.splat(0)
  let c0 = more ? v128.load(c + 2 * rowC) : f32x4.splat(0), c1 = more ? v128.load(c + 2 * rowC, 16) : f32x4.splat(0), c2 = more ? v128.load(c + 2 * rowC, 32) : f32x4.splat(0), c3 = more ? v128.load(c + 2 * rowC, 48) : f32x4.splat(0)
  let d0 = more ? v128.load(c + 3 * rowC) : f32x4.splat(0), d1 = more ? v128.load(c + 3 * rowC, 16) : f32x4.splat(0), d2 = more ? v128.load(c + 3 * rowC, 32) : f32x4.splat(0), d3 = more ? v128.load(c + 3 * rowC, 48) : f32x4.splat(0)
  let e0 = more ? v128.load(c + 4 * rowC) : f32x4.splat(0), e1 = more ? v128.load(c + 4 * rowC, 16) : f32x4.splat(0), e2 = more ? v128.load(c + 4 * rowC, 32) : f32x4.splat(0), e3 = more ? v128.load(c + 4 * rowC, 48) : f32x4.splat(0)
  let f0 = more ? v128.load(c + 5 * rowC) : f32x4.splat(0), f1 = more ? v128.load(c + 5 * rowC, 16) : f32x4.splat(0), f2 = more ? v128.load(c + 5 * rowC, 32) : f32x4.splat(0), f3 = more ? v128.load(c + 5 * rowC, 48) : f32x4.splat(0)
  const end = panel + (<usize>k << 6)
  while (panel < end) {
    const x0 = v128.load(panel), x1 = v128.load(panel, 16), x2 = v128.load(panel, 32), x3 = v128.load(panel, 48)
    let s = v128.load32_splat(a)
    a0 = madd(a0, s, x0); a1 = madd(a1, s, x1); a2 = madd(a2, s, x2); a3 = madd(a3, s, x3)
    s = v128.load32_splat(a, 4)
    b0 = madd(b0, s, x0); b1 = madd(b1, s, x1); b2 = madd(b2, s, x2); b3 = madd(b3, s, x3)
    s = v128.load32_splat(a, 8)
    c0 = madd(c0, s, x0); c1 = madd(c1, s, x1); c2 = madd(c2, s, x2); c3 = madd(c3, s, x3)
    s = v128.load32_splat(a, 12)
    d0 = madd(d0, s, x0); d1 = madd(d1, s, x1); d2 = madd(d2, s, x2); d3 = madd(d3, s, x3)
    s = v128.load32_splat(a, 16)
    e0 = madd(e0, s, x0); e1 = madd(e1, s, x1); e2 = madd(e2, s, x2); e3 = madd(e3, s, x3)
    s = v128.load32_splat(a, 20)
    f0 = madd(f0, s, x0); f1 = madd(f1, s, x1); f2 = madd(f2, s, x2); f3 = madd(f3, s, x3)
    a += 24
    panel += 64
  }
  put(c, plus, a0, a1, a2, a3)
  put(c + rowC, plus ? plus + rowPlus : 0, b0, b1, b2, b3)
  put(c + 2 * rowC, plus ? plus + 2 * rowPlus : 0, c0, c1, c2, c3)
  put(c + 3 * rowC, plus ? plus + 3 * rowPlus : 0, d0, d1, d2, d3)
  put(c + 4 * rowC, plus ? plus + 4 * rowPlus : 0, e0, e1, e2, e3)
  put(c + 5 * rowC, plus ? plus + 5 * rowPlus : 0, f0, f1, f2, f3)
}

@inline
function narrow(more: bool, k: i32, a: usize, panel: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize): void {
  let a0 = more ? v128.load(c) : f32x4.splat(0), a1 = more ? v128.load(c, 16) : f32x4.splat(0)
  let b0 = more ? v128.load(c + rowC) : f32x4.splat(0), b1 = more ? v128.load(c + rowC, 16) : f32x4.splat(0)
  let c0 = more ? v128.load(c + 2 * rowC) : f32x4.splat(0), c1 = more ? v128.load(c + 2 * rowC, 16) : f32x4.splat(0)
  let d0 = more ? v128.load(c + 3 * rowC) : f32x4.splat(0), d1 = more ? v128.load(c + 3 * rowC, 16) : f32x4.splat(0)
  const end = panel + (<usize>k << 6)
  while (panel < end) {
    const x0 = v128.load(panel), x1 = v128.load(panel, 16)
    let s = v128.load32_splat(a)
    a0 = madd(a0, s, x0); a1 = madd(a1, s, x1)
    s = v128.load32_splat(a, 4)
    b0 = madd(b0, s, x0); b1 = madd(b1, s, x1)
    s = v128.load32_splat(a, 8)
    c0 = madd(c0, s, x0); c1 = madd(c1, s, x1)
    s = v128.load32_splat(a, 12)
    d0 = madd(d0, s, x0); d1 = madd(d1, s, x1)
    a += 16
    panel += 64
  }
  putHalf(c, plus, a0, a1)
  putHalf(c + rowC, plus ? plus + rowPlus : 0, b0, b1)
  putHalf(c + 2 * rowC, plus ? plus + 2 * rowPlus : 0, c0, c1)
  putHalf(c + 3 * rowC, plus ? plus + 3 * rowPlus : 0, d0, d1)
}

function wideFirst(k: i32, a: usize, panel: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize): void {
  wide(false, k, a, panel, c, rowC, plus, rowPlus)
}

function wideNext(k: i32, a: usize, panel: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize): void {
  wide(true, k, a, panel, c, rowC, plus, rowPlus)
}

function narrowFirst(k: i32, a: usize, panel: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize): void {
  narrow(false, k, a, panel, c, rowC, plus, rowPlus)
}

function narrowNext(k: i32, a: usize, panel: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize): void {
  narrow(true, k, a, panel, c, rowC, plus, rowPlus)
}

/**
 * c [height, 16] = plus + the chains over A [k, height] and a panel [k, 16]; with `more` they go on from c. `plus` is 0 for none, or
 * may be c where the chains start anew.
 */
@inline
export function packedTile(
  height: i32, more: bool, k: i32, a: usize, panel: usize, c: usize, rowC: usize, plus: usize, rowPlus: usize,
): void {
  if (height === WIDE) {
    if (more) wideNext(k, a, panel, c, rowC, plus, rowPlus)
    else wideFirst(k, a, panel, c, rowC, plus, rowPlus)
    return
  }
  const half = plus ? plus + 32 : 0
  if (more) {
    narrowNext(k, a, panel, c, rowC, plus, rowPlus)
    narrowNext(k, a, panel + 32, c + 32, rowC, half, rowPlus)
  } else {
    narrowFirst(k, a, panel, c, rowC, plus, rowPlus)
    narrowFirst(k, a, panel + 32, c + 32, rowC, half, rowPlus)
  }
}

/** Four floats of each of four rows as columns, `step` bytes apart. */
@inline
function across(x0: v128, x1: v128, x2: v128, x3: v128, out: usize, step: usize): void {
  const l01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5), h01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7)
  const l23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5), h23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7)
  v128.store(out, v128.shuffle<f32>(l01, l23, 0, 1, 4, 5))
  v128.store(out + step, v128.shuffle<f32>(l01, l23, 2, 3, 6, 7))
  v128.store(out + 2 * step, v128.shuffle<f32>(h01, h23, 0, 1, 4, 5))
  v128.store(out + 3 * step, v128.shuffle<f32>(h01, h23, 2, 3, 6, 7))
}

/** [ceil(m / height)][k][height] of A [m, k], rows `rowA` bytes apart; what stands for missing rows is never used. */
export function packTiles(height: i32, m: i32, k: i32, a: usize, rowA: usize, out: usize): void {
  const step: usize = <usize>height << 2
  for (let i = 0; i < m; i += height) {
    const a0 = a + <usize>i * rowA, a1 = a + <usize>min(m - 1, i + 1) * rowA
    const a2 = a + <usize>min(m - 1, i + 2) * rowA, a3 = a + <usize>min(m - 1, i + 3) * rowA
    const a4 = a + <usize>min(m - 1, i + 4) * rowA, a5 = a + <usize>min(m - 1, i + 5) * rowA
    const isWide = height === WIDE
    let p: usize = 0
    const fours: usize = <usize>(k & ~3) << 2, end: usize = <usize>k << 2
    for (; p < fours; p += 16) {
      across(v128.load(a0 + p), v128.load(a1 + p), v128.load(a2 + p), v128.load(a3 + p), out, step)
      if (isWide) {
        const x4 = v128.load(a4 + p), x5 = v128.load(a5 + p)
        const low = v128.shuffle<f32>(x4, x5, 0, 4, 1, 5), high = v128.shuffle<f32>(x4, x5, 2, 6, 3, 7)
        v128.store64_lane(out, low, 0, 16); v128.store64_lane(out, low, 1, 40)
        v128.store64_lane(out, high, 0, 64); v128.store64_lane(out, high, 1, 88)
      }
      out += 4 * step
    }
    for (; p < end; p += 4) {
      store<f32>(out, load<f32>(a0 + p)); store<f32>(out, load<f32>(a1 + p), 4)
      store<f32>(out, load<f32>(a2 + p), 8); store<f32>(out, load<f32>(a3 + p), 12)
      if (isWide) {
        store<f32>(out, load<f32>(a4 + p), 16); store<f32>(out, load<f32>(a5 + p), 20)
      }
      out += step
    }
  }
}

/** The same of A^T for A [k, m], rows `rowA` bytes apart. */
export function packTilesAcross(height: i32, m: i32, k: i32, a: usize, rowA: usize, out: usize): void {
  for (let i = 0; i < m; i += height) {
    const rows = min(height, m - i)
    let from = a + (<usize>i << 2)
    for (let p = 0; p < k; p++) {
      if (rows >= NARROW) {
        v128.store(out, v128.load(from))
        for (let r = NARROW; r < rows; r++) store<f32>(out + (<usize>r << 2), load<f32>(from + (<usize>r << 2)))
      } else {
        for (let r = 0; r < rows; r++) store<f32>(out + (<usize>r << 2), load<f32>(from + (<usize>r << 2)))
      }
      from += rowA
      out += <usize>height << 2
    }
  }
}
