// Matrix products on row-major float32 matrices at addresses of the shared heap. Each packs its right factor into panels once
// (a small part of the work from some dozen rows on) and blocks the rows of the left one, so that both stay in the caches.
import { packColumns, packRows, settle, tile } from "./tile"

/** Rows of A that share a panel: a multiple of both tile heights. */
const BLOCK: i32 = 96
/** Rows that a gradient of a weight takes at once. */
const DEPTH: i32 = 128

/** C [m, n] = plus + A panels, A [m, k] with rows `rowA` and entries `stepA` bytes apart; `spare` holds one tile. */
@inline
function multiply(
  height: i32, m: i32, n: i32, k: i32, a: usize, rowA: usize, stepA: usize, panels: usize,
  c: usize, plus: usize, spare: usize,
): void {
  const rowC: usize = <usize>n << 2
  for (let i0 = 0; i0 < m; i0 += BLOCK) {
    const i1 = min(m, i0 + BLOCK)
    for (let j = 0; j < n; j += 16) {
      const panel = panels + (<usize>(j * k) << 2)
      const columns = min(16, n - j)
      for (let i = i0; i < i1; i += height) {
        const rows = min(height, i1 - i)
        const ai = a + <usize>i * rowA
        const at: usize = <usize>i * rowC + (<usize>j << 2)
        if (rows === height && columns === 16) tile(height, rows, k, ai, rowA, stepA, panel, c + at, rowC, plus ? plus + at : 0, rowC)
        else {
          tile(height, rows, k, ai, rowA, stepA, panel, spare, 64, 0, 0)
          settle(rows, columns, spare, c + at, rowC, plus ? plus + at : 0, rowC)
        }
      }
    }
  }
}

/** Y [m, n] = plus + X [m, k] W^T for W [n, k]. `scratch` holds 96 + 16 k ceil(n / 16) floats. */
export function linear(height: i32, m: i32, n: i32, k: i32, x: usize, w: usize, plus: usize, y: usize, scratch: usize): void {
  const row: usize = <usize>k << 2
  packColumns(n, k, w, row, scratch + 384)
  multiply(height, m, n, k, x, row, 4, scratch + 384, y, plus, scratch)
}

/** dX [m, k] = plus + dY [m, n] W for W [n, k]. `scratch` holds 96 + 16 n ceil(k / 16) floats. */
export function linearInput(height: i32, m: i32, n: i32, k: i32, dy: usize, w: usize, plus: usize, dx: usize, scratch: usize): void {
  packRows(n, k, w, <usize>k << 2, scratch + 384)
  multiply(height, m, k, n, dy, <usize>n << 2, 4, scratch + 384, dx, plus, scratch)
}

/** dW [n, k] += dY^T X of dY [m, n] and X [m, k]. `scratch` holds 96 + 128 (n + 32 + 16 ceil(k / 16)) floats. */
export function linearWeight(height: i32, m: i32, n: i32, k: i32, dy: usize, x: usize, dw: usize, scratch: usize): void {
  const rowY: usize = <usize>n << 2
  // Rows a power of two apart would share few sets of the cache.
  const rowCopy: usize = <usize>(((n >> 4) + 1) | 1) << 6
  const copy = scratch + 384
  const panels = copy + <usize>DEPTH * rowCopy
  for (let m0 = 0; m0 < m; m0 += DEPTH) {
    const depth = min(DEPTH, m - m0)
    for (let r = 0; r < depth; r++) memory.copy(copy + <usize>r * rowCopy, dy + <usize>(m0 + r) * rowY, rowY)
    packRows(depth, k, x + (<usize>(m0 * k) << 2), <usize>k << 2, panels)
    multiply(height, n, k, depth, copy, 4, rowCopy, panels, dw, dw, scratch)
  }
}
