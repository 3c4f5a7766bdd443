/**
 * What somebody probably meant.
 *
 * @module
 */
import "./SupportedNode.ts"

/**
 * Of the names that one may write, the one that was probably meant: fewest letters added, dropped, changed or swapped, and at most
 * two in five, or one. Null where none is that near.
 *
 * @category text
 */
export const nearest = (word: string, known: ReadonlyArray<string>): string | null => {
  const distances = known.map((k) => distance(word.toLowerCase(), k.toLowerCase()))
  const least = distances.reduce((a, b) => Math.min(a, b), Infinity)
  return least <= Math.max(1, Math.floor(word.length * 0.4)) ? known[distances.indexOf(least)] : null
}

const distance = (a: string, b: string): number => {
  const rows: Array<Array<number>> = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2][j - 2] + 1 : Infinity
      row.push(Math.min(change, rows[i - 1][j] + 1, row[j - 1] + 1, swap))
    }
    rows.push(row)
  }
  return rows[a.length][b.length]
}
