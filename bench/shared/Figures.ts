/** Medians, and the printing of figures. */

export const sum = (xs: ReadonlyArray<number>): number => xs.reduce((a, b) => a + b, 0)

export const mean = (xs: ReadonlyArray<number>): number => sum(xs) / xs.length

export const median = (xs: ReadonlyArray<number>): number => {
  const sorted = xs.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** Median, smallest and largest. */
export const spread = (xs: ReadonlyArray<number>, digits = 3): string =>
  `${median(xs).toFixed(digits)} (${Math.min(...xs).toFixed(digits)} to ${Math.max(...xs).toFixed(digits)})`

/** Four significant digits, for JSON; null stays. */
export const rounded = <A extends number | null>(x: A, digits = 4): A =>
  (x === null ? null : Number(x.toPrecision(digits))) as A

export const grouped = (x: number): string => Math.round(x).toLocaleString("en")

export const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20)

/** The peak memory of this process, bytes. */
export const peakBytes = (): number => process.resourceUsage().maxRSS * 1024

/** Seconds of processor time, all threads of this process together, since an earlier reading. */
export const cpuSince = (reading: NodeJS.CpuUsage): number => {
  const { system, user } = process.cpuUsage(reading)
  return (user + system) / 1e6
}

/** Lines of aligned columns; the first is left-aligned, the others right. */
export const columns = (lines: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)))
  return lines
    .map((line) => line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("   "))
    .join("\n")
}
