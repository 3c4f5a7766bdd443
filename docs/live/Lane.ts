/** A lane as the page sees it: its worker, and what that has reported so far. */
import type { StepReport } from "@lpo/trainer/StepReport"
import type { Assets, Knobs, News, Order } from "./Protocol.ts"

export interface Lane {
  readonly reports: ReadonlyArray<StepReport>
  /** Steps after which the knobs were changed. */
  readonly changes: ReadonlyArray<number>
  readonly go: () => void
  readonly pause: () => void
  readonly change: (knobs: Knobs) => void
  readonly close: () => void
}

export interface Options {
  readonly assets: Assets
  readonly seed: string
  readonly knobs: Knobs
  readonly onNews: (news: News) => void
}

export const open = ({ assets, knobs, onNews, seed }: Options): Lane => {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" })
  const reports: Array<StepReport> = []
  const changes: Array<number> = []
  const order = (what: Order): void => worker.postMessage(what)
  worker.addEventListener("message", ({ data }: MessageEvent<News>) => {
    if (data.kind === "step") reports.push(data.report)
    onNews(data)
  })
  worker.addEventListener("error", ({ message }) =>
    onNews({ kind: "failed", reason: message || "the worker does not start" }),
  )
  order({ kind: "open", assets, seed, knobs })
  return {
    reports,
    changes,
    go: () => order({ kind: "go" }),
    pause: () => order({ kind: "pause" }),
    change: (next) => {
      if (reports.length > 0) changes.push(reports.length)
      order({ kind: "change", knobs: next })
    },
    close: () => worker.terminate(),
  }
}
