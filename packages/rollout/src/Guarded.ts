/**
 * The side of a process that `GuardedProcess.ts` starts: reads jobs and answers them.
 *
 * @module
 */
import "./SupportedNode.ts"
import { createContext, Script } from "node:vm"
import { Worker } from "node:worker_threads"

/** What the process is sent: once what it needs, then one job after the other. @category models */
export type Request = { readonly setup: unknown; readonly seconds: number } | { readonly job: unknown }
/** What it says: that it has begun a job, so that its start does not count, then how the job ended. @category models */
export type Answer<Done> = { readonly begun: true } | { readonly done: Done } | { readonly reason: string }

/**
 * Answers jobs by what `prepare` makes of the setup, within the limits of the first job: that may be a stranger's work too.
 *
 * @category running
 */
export const serve = (prepare: (setup: never) => (job: never) => unknown): void => {
  let setup: unknown = null
  let milliseconds = 0
  let work: ((job: never) => unknown) | null = null
  const answer = (message: Answer<unknown>): boolean | undefined => process.send?.(message)
  const box = createContext({ run: (): unknown => null })
  const script = new Script("run()")
  process.on("message", (request: Request) => {
    if ("setup" in request) {
      setup = request.setup
      milliseconds = request.seconds * 1000
      return
    }
    answer({ begun: true })
    try {
      box["run"] = (): unknown => (work ??= prepare(setup as never))(request.job as never)
      // Whoever asked kills this process before that; if it is gone, nobody else would end a job without an end.
      answer({ done: script.runInContext(box, { timeout: 2 * milliseconds }) })
    } catch (cause) {
      answer({ reason: (cause as Error).message })
    }
  })
}

/** Ends this process once that which started it is gone: a loop without an end would not see that its channel is closed. */
const watch = (): void => {
  const code = `const parent = ${process.ppid}
setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, "SIGKILL") }, 1000)`
  new Worker(code, { eval: true }).unref()
}

/** Answers jobs by work that waits for files. @category running */
export const serveAsync = (work: (job: never) => Promise<unknown>): void => {
  const answer = (message: Answer<unknown>): boolean | undefined => process.send?.(message)
  watch()
  process.on("message", (request: Request) => {
    if ("setup" in request) return
    answer({ begun: true })
    work(request.job as never).then(
      (done) => answer({ done }),
      (cause: unknown) => answer({ reason: cause instanceof Error ? cause.message : String(cause) }),
    )
  })
}
