/** The rows of the comparison and how they are printed. */
import { columns, grouped, median } from "../shared/Figures.ts"

/** Seconds of a run of something on either side. */
export interface Seconds {
  readonly ours: Array<number>
  readonly peer: Array<number>
  /** Processor time, which other programs on the machine disturb less. */
  readonly cpu: { readonly ours: Array<number>; readonly peer: Array<number> }
}

export const noSeconds = (): Seconds => ({ ours: [], peer: [], cpu: { ours: [], peer: [] } })

/** One line of the result; what a peer is needed for is null without one. */
export interface Row {
  readonly name: string
  readonly title: string
  readonly ours: ReadonlyArray<number>
  readonly peer: ReadonlyArray<number> | null
  /** Makes rates of the seconds. */
  readonly tokens: number | null
  readonly ratio: number | null
  readonly cpu: number | null
  /** Round by round, neighbours in time: what the noise of the machine leaves open. */
  readonly ratios: ReadonlyArray<number> | null
}

export const row = (name: string, title: string, { cpu, ours, peer }: Seconds, tokens: number | null): Row => {
  const known = peer.length > 0
  return {
    name,
    title,
    ours,
    peer: known ? peer : null,
    tokens,
    ratio: known ? median(peer) / median(ours) : null,
    cpu: known ? median(cpu.peer) / median(cpu.ours) : null,
    ratios: known ? ours.map((seconds, i) => peer[i] / seconds) : null,
  }
}

const figure = (seconds: ReadonlyArray<number> | null, tokens: number | null): string => {
  if (seconds === null) return "skipped"
  return tokens === null ? `${median(seconds).toFixed(3)} s` : `${grouped(tokens / median(seconds))} tokens/s`
}

export const table = (results: ReadonlyArray<Row>): string =>
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
