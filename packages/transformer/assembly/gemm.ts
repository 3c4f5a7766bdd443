// Matrix products on row-major float32 matrices at addresses of the shared heap. Both factors are packed block by block (a small
// part of the work from some dozen rows on): a panel of the right one stays in the first cache while the rows of the left one pass
// by. An entry is one chain over all of k, which a block goes on with where the one before left it.
import { packedTile, packTiles, packTilesAcross } from "./packed"
import { packColumns, packRows, settle } from "./tile"

/** Rows of A that share a panel: a multiple of both tile heights. */
const BLOCK: i32 = 96
/** Steps of k that are packed at once: 16 KiB of a panel. */
const DEEP: i32 = 256
/** Rows whose sum a gradient of a weight takes at once: the length of its chains. */
const DEPTH: i32 = 128
/** Rows of a gradient of a weight that are packed at once. */
const MOST: i32 = 1024

/** The entries of rows i0 to i1 and of a panel's columns from j on, of C [m, n]; A packed from i0 on, tiles `tileA` bytes apart. */
@inline
function column(
  height: i32, more: bool, i0: i32, i1: i32, j: i32, n: i32, k: i32, a: usize, tileA: usize, panel: usize, c: usize, plus: usize, spare: usize,
): void {
  const rowC: usize = <usize>n << 2
  const columns = min(16, n - j)
  for (let i = i0; i < i1; i += height) {
    const rows = min(height, i1 - i)
    const at: usize = <usize>i * rowC + (<usize>j << 2)
    if (rows === height && columns === 16) packedTile(height, more, k, a, panel, c + at, rowC, plus ? plus + at : 0, rowC)
    else {
      if (more) {
        for (let r = 0; r < rows; r++) memory.copy(spare + (<usize>r << 6), c + at + <usize>r * rowC, <usize>columns << 2)
      }
      packedTile(height, more, k, a, panel, spare, 64, 0, 0)
      settle(rows, columns, spare, c + at, rowC, plus ? plus + at : 0, rowC)
    }
    a += tileA
  }
}

/**
 * C [m, n] = plus + A [m, k] B; the panels of some steps of k are those of B [k, n], or with `across` of B^T [n, k]. `plus` is not C.
 * `scratch` holds 96 floats for a tile, 96 x 256 for rows of A, and 256 x 16 ceil(n / 16) for panels.
 */
@inline
function multiply(
  across: bool, height: i32, m: i32, n: i32, k: i32, a: usize, b: usize, c: usize, plus: usize, scratch: usize,
): void {
  const rowA: usize = <usize>k << 2
  const tiles = scratch + 384
  const panels = tiles + <usize>(BLOCK * DEEP << 2)
  for (let k0 = 0; k0 < k; k0 += DEEP) {
    const deep = min(DEEP, k - k0)
    if (across) packColumns(n, deep, b + (<usize>k0 << 2), <usize>k << 2, panels)
    else packRows(deep, n, b + <usize>k0 * (<usize>n << 2), <usize>n << 2, panels)
    const last = k0 + deep === k ? plus : 0
    for (let i0 = 0; i0 < m; i0 += BLOCK) {
      const i1 = min(m, i0 + BLOCK)
      packTiles(height, i1 - i0, deep, a + <usize>i0 * rowA + (<usize>k0 << 2), rowA, tiles)
      for (let j = 0; j < n; j += 16) {
        const panel = panels + (<usize>(j * deep) << 2)
        column(height, k0 > 0, i0, i1, j, n, deep, tiles, <usize>(height * deep) << 2, panel, c, last, scratch)
      }
    }
  }
}

/** Y [m, n] = plus + X [m, k] W^T for W [n, k]. `scratch` holds 96 + 256 (96 + 16 ceil(n / 16)) floats. */
export function linear(height: i32, m: i32, n: i32, k: i32, x: usize, w: usize, plus: usize, y: usize, scratch: usize): void {
  multiply(true, height, m, n, k, x, w, y, plus, scratch)
}

/** dX [m, k] = plus + dY [m, n] W for W [n, k]. `scratch` holds 96 + 256 (96 + 16 ceil(k / 16)) floats. */
export function linearInput(height: i32, m: i32, n: i32, k: i32, dy: usize, w: usize, plus: usize, dx: usize, scratch: usize): void {
  multiply(false, height, m, k, n, dy, w, dx, plus, scratch)
}

/**
 * dW [n, k] += dY^T X of dY [m, n] and X [m, k]: sums over 128 rows each, in the order of the rows, one after the other onto what is
 * there. `scratch` holds 96 + 1024 (96 + 16 ceil(k / 16)) floats, or m instead of 1024 where that is less, rounded up to 128.
 */
export function linearWeight(height: i32, m: i32, n: i32, k: i32, dy: usize, x: usize, dw: usize, scratch: usize): void {
  const rowY: usize = <usize>n << 2, rowX: usize = <usize>k << 2
  const wide: usize = <usize>((k + 15) & ~15) << 2
  const tiles = scratch + 384
  for (let m0 = 0; m0 < m; m0 += MOST) {
    const most = min(MOST, m - m0)
    const panels = tiles + <usize>((most + DEPTH - 1) / DEPTH * DEPTH * BLOCK << 2)
    for (let d = 0; d < most; d += DEPTH)
      packRows(min(DEPTH, most - d), k, x + <usize>(m0 + d) * rowX, rowX, panels + <usize>d * wide)
    for (let i0 = 0; i0 < n; i0 += BLOCK) {
      const i1 = min(n, i0 + BLOCK)
      for (let d = 0; d < most; d += DEPTH)
        packTilesAcross(height, i1 - i0, min(DEPTH, most - d), dy + <usize>(m0 + d) * rowY + (<usize>i0 << 2), rowY, tiles + <usize>(d * BLOCK << 2))
      for (let j = 0; j < k; j += 16) {
        // Entries of a column of tiles stay in the first cache until all rows are in them.
        for (let d = 0; d < most; d += DEPTH) {
          const deep = min(DEPTH, most - d)
          const panel = panels + <usize>d * wide + (<usize>(j * deep) << 2)
          column(height, false, i0, i1, j, k, deep, tiles + <usize>(d * BLOCK << 2), <usize>(height * deep) << 2, panel, dw, dw, scratch)
        }
      }
    }
  }
}
