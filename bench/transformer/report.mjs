/** Medians, ratios and how they are printed. */
export const median = (xs) => {
  const sorted = xs.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** Median, smallest and largest. */
export const spread = (xs, digits = 3) =>
  `${median(xs).toFixed(digits)} (${Math.min(...xs).toFixed(digits)} to ${Math.max(...xs).toFixed(digits)})`

/** One line of the result: seconds of both sides; `tokens` makes rates of them. */
export const row = (name, title, { cpu, ours, peer }, tokens) => {
  const known = peer.length > 0
  return {
    name,
    title,
    ours,
    peer: known ? peer : null,
    tokens,
    ratio: known ? median(peer) / median(ours) : null,
    // Processor time, which other programs on the machine disturb less.
    cpu: known ? median(cpu.peer) / median(cpu.ours) : null,
    // Round by round, neighbours in time: what the noise of the machine leaves open.
    ratios: known ? ours.map((seconds, i) => peer[i] / seconds) : null,
  }
}

const figure = (seconds, tokens) => {
  if (seconds === null) return "skipped"
  return tokens === null
    ? `${median(seconds).toFixed(3)} s`
    : `${Math.round(tokens / median(seconds)).toLocaleString("en")} tokens/s`
}

/** Lines of aligned columns; the first is left-aligned, the others right. */
export const columns = (lines) => {
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)))
  return lines
    .map((line) => line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("   "))
    .join("\n")
}

export const table = (results) =>
  columns([
    ["medians", "ours", "peer", "speed, ours / peer", "min to max", "processor time, peer / ours"],
    ...results.map(({ cpu, ours, peer, ratio, ratios, title, tokens }) => [
      title,
      figure(ours, tokens),
      figure(peer, tokens),
      ratio === null ? "-" : `${ratio.toFixed(2)}x`,
      ratios === null ? "-" : `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
      cpu === null ? "-" : `${cpu.toFixed(2)}x`,
    ]),
  ])
