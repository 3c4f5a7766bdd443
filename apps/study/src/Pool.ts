/** Processes that make runs side by side. A run uses one core; its result does not depend on which process makes it. */
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import type { Job } from "./Arm.ts"
import type { Run } from "./Record.ts"
import * as Train from "./Train.ts"

const child = fileURLToPath(new URL("Child.ts", import.meta.url))

type Answer = { readonly run: Run } | { readonly reason: string }

/** A worker that makes runs, one at a time. */
interface Worker {
  readonly make: (job: Job) => Promise<Run>
  readonly end: () => void
}

const here: Worker = { make: (job) => Effect.runPromise(Train.run(job)), end: () => {} }

const ask = (worker: ChildProcess, job: Job): Promise<Run> =>
  new Promise((resolve, reject) => {
    const name = `${job.preset}, ${job.arm.name}, seed ${job.seed}`
    const settle = (act: () => void): void => {
      worker.off("message", answered)
      worker.off("exit", gone)
      act()
    }
    const answered = (answer: Answer): void =>
      settle(() => ("run" in answer ? resolve(answer.run) : reject(new Error(`${name}: ${answer.reason}`))))
    const gone = (code: number | null): void =>
      settle(() => reject(new Error(`${name}: its process ended with ${code}`)))
    worker.on("message", answered)
    worker.on("exit", gone)
    worker.send(job)
  })

const forked = (): Worker => {
  const worker = fork(child, { execArgv: ["--conditions=@lpo/source", "--disable-warning=ExperimentalWarning"] })
  return { make: (job) => ask(worker, job), end: () => worker.disconnect() }
}

/** @category models */
export interface Options {
  /** Processes; 0 works in this one. */
  readonly workers: number
  /** Called before each run; once it returns true, no run is started. */
  readonly isOver: () => boolean
  /** Called with each run and the number of runs. */
  readonly done: (run: Run, made: number) => void
}

/** Makes the runs in their order, until all are made or time is up. Rejects with the first one that fails. */
export const make = async (jobs: ReadonlyArray<Job>, { done, isOver, workers }: Options): Promise<void> => {
  let [next, made] = [0, 0]
  const work = async (): Promise<void> => {
    if (next >= jobs.length || isOver()) return
    const worker = workers === 0 ? here : forked()
    try {
      while (next < jobs.length && !isOver()) done(await worker.make(jobs[next++]), ++made)
    } finally {
      worker.end()
    }
  }
  await Promise.all(Array.from({ length: Math.min(Math.max(1, workers), jobs.length) }, work))
}
