/**
 * A thread for what strangers wrote: one job after the other, each within `seconds` and the thread within `megabytes`. A job that
 * takes more costs its caller an error and the process nothing: the thread is ended, and the next job gets another.
 */
import { Worker } from "node:worker_threads"
import { Effect } from "effect"

/** What a thread says: that it has begun a job, so that its start does not count, then how the job ended. */
export type Answer<Done> = { readonly begun: true } | { readonly done: Done } | { readonly reason: string }

export interface Limits {
  /** Longest time of one job, from its beginning. */
  readonly seconds: number
  /** Heap of the thread. */
  readonly megabytes: number
}

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"

/** Runs jobs in a thread of the module `entry` (a path beside this file, without its extension), which `setup` is given as it starts. */
export const make = <Done>(
  entry: string,
  { megabytes, seconds }: Limits,
  setup: unknown = null,
): ((job: unknown) => Effect.Effect<Done, Error>) => {
  /** The thread, while it is of use, and the jobs before the next one. */
  let worker: Worker | null = null
  let queue: Promise<unknown> = Promise.resolve()

  const start = (): Worker => {
    const started = new Worker(new URL(`${entry}.${extension}`, import.meta.url), {
      workerData: setup,
      // Warnings of Node about the types of a source file.
      execArgv: [...process.execArgv, "--disable-warning=ExperimentalWarning"],
      resourceLimits: { maxOldGenerationSizeMb: megabytes, maxYoungGenerationSizeMb: 32 },
    })
    // A thread that is given up may still run out of memory before it ends.
    started.on("error", () => {})
    started.unref()
    return started
  }
  const stop = (): void => {
    void worker?.terminate()
    worker = null
  }

  /** One job to its end; rejects with what to say of it. */
  const run = (job: unknown, signal: AbortSignal): Promise<Done> =>
    new Promise((resolve, reject) => {
      const own = (worker ??= start())
      own.ref()
      let timer: NodeJS.Timeout | null = null
      const end = (settle: () => void, isLost: boolean): void => {
        if (timer !== null) clearTimeout(timer)
        signal.removeEventListener("abort", interrupted)
        own.off("error", failed).off("exit", ended).off("message", answered)
        own.unref()
        if (isLost) stop()
        settle()
      }
      const lose = (reason: string): void => end(() => reject(new Error(reason)), true)
      const failed = (error: NodeJS.ErrnoException): void =>
        lose(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? `it takes more than ${megabytes} MB` : error.message)
      const ended = (): void => lose("its thread ended")
      const answered = (answer: Answer<Done>): void => {
        if ("begun" in answer) timer = setTimeout(() => lose(`it takes longer than ${seconds} s`), seconds * 1000)
        else end(() => ("done" in answer ? resolve(answer.done) : reject(new Error(answer.reason))), false)
      }
      const interrupted = (): void => lose("it was interrupted")
      signal.addEventListener("abort", interrupted)
      own.on("error", failed).on("exit", ended).on("message", answered)
      try {
        own.postMessage(job)
      } catch (cause) {
        // A value that no thread can be given, such as a function.
        end(() => reject(cause), false)
      }
    })

  return (job) =>
    Effect.tryPromise({
      try: (signal) => {
        const turn = queue.then(() => {
          if (signal.aborted) throw new Error("it was interrupted")
          return run(job, signal)
        })
        queue = turn.catch(() => {})
        return turn
      },
      catch: (cause) => cause as Error,
    })
}
