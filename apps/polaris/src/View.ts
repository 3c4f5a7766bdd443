/** The display of a run in progress: a live block in a terminal, plain lines elsewhere. */
import { styleText } from "node:util"
import { Terminal } from "@lpo/rollout"
import { createLogUpdate } from "log-update"

/** Something with progress: a line of it, and in a terminal a bar. */
export interface View {
  /** A line that stays. */
  readonly print: (line: string) => void
  /** The state of the current phase; replaces the previous one in a terminal, and is thinned out elsewhere. */
  readonly progress: (state: {
    readonly title: string
    readonly done: number
    readonly total: number
    /** How `done` and `total` are written. Default: as they are. */
    readonly format?: (amount: number) => string
    readonly detail: ReadonlyArray<string>
  }) => void
  /** Ends the live block. */
  readonly done: () => void
}

const bars = "▁▂▃▄▅▆▇█"

/** The values as a row of bars, the last `width` of them. */
export const sparkline = (values: ReadonlyArray<number>, width = 40): string => {
  const shown = values.slice(-width)
  const low = Math.min(...shown)
  const span = Math.max(...shown) - low
  return shown.map((v) => bars[span > 0 ? Math.round(((v - low) / span) * (bars.length - 1)) : 0]).join("")
}

/** Seconds as 1:05 or 1:02:03. */
export const clock = (seconds: number): string => {
  const s = Math.max(0, Math.round(seconds))
  const two = (n: number) => String(n).padStart(2, "0")
  const minutes = Math.floor(s / 60)
  return minutes < 60 ? `${minutes}:${two(s % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`
}

/** Where a view writes: standard output, or a substitute. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly write: (text: string) => unknown
}

/** A log is read, not watched: a line when this much more is done or this much time has passed. */
const lineShare = 0.1
const lineSeconds = 10

/** A view on standard output; `now` is a clock in seconds. */
export const make = (output: Output = process.stdout, now: () => number = () => performance.now() / 1000): View => {
  // A terminal without a size, as in some containers, has no room for a live block.
  const live = output.isTTY === true && output.columns !== 0
  const update = createLogUpdate(process.stdout)
  let phase = ""
  let started = 0
  let firstDone = 0
  let lastShare = -1
  let drawn = -Infinity
  return {
    print: (line) => {
      if (live) update.clear()
      output.write(`${Terminal.visible(line)}\n`)
    },
    progress: ({ detail, done, format = String, title, total }) => {
      if (title !== phase) {
        phase = title
        started = now()
        firstDone = done
        lastShare = -1
        drawn = -Infinity
      }
      const elapsed = now() - started
      const left = done > firstDone ? ` left ${clock(((total - done) * elapsed) / (done - firstDone))}` : ""
      const share = total === 0 ? 1 : done / total
      if (live) {
        // A download reports every packet; a person sees ten pictures a second.
        if (done !== total && now() - drawn < 0.1) return
        drawn = now()
        const width = 30
        const full = Math.round(share * width)
        const bar = styleText("cyan", "█".repeat(full)) + styleText("dim", "░".repeat(width - full))
        update(
          [
            `${styleText("bold", Terminal.visible(title))} ${bar} ${format(done)}/${format(total)}  ${clock(elapsed)}${left}`,
            ...detail.map((d) => `  ${Terminal.visible(d)}`),
          ].join("\n"),
        )
        return
      }
      const tenth = Math.floor(share / lineShare + 1e-9)
      if (tenth === lastShare && now() - drawn < lineSeconds && done !== total) return
      lastShare = tenth
      drawn = now()
      output.write(
        `${Terminal.visible(`${title} ${format(done)}/${format(total)} ${clock(elapsed)}${left}${detail.length > 0 ? `  ${detail[0]}` : ""}`)}\n`,
      )
    },
    done: () => {
      if (live) update.clear()
      phase = ""
    },
  }
}
