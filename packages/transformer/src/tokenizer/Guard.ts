/**
 * Templates of a checkpoint are programs of strangers: they run in a thread that can be stopped, within `seconds` and
 * `megabytes`, so that an endless loop or a text that doubles costs its caller an error and the process nothing.
 */
import { Worker } from "node:worker_threads"
import { Effect } from "effect"
import { ModelError } from "../TransformerError.ts"
import type { Answer, Job } from "./guardWorker.ts"
import * as Jinja from "./Jinja.ts"

/** Longest time of one rendering, from its beginning. @category constants */
export const seconds = 5
/** Heap of the thread. @category constants */
export const megabytes = 256
/** Longest template, and longest text that it may make, in characters. @category constants */
export const maxLength = { source: 2 ** 20, text: 2 ** 24 } as const

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"

/** The thread, while it is of use, and the jobs before the next one. */
let worker: Worker | null = null
let queue: Promise<unknown> = Promise.resolve()

const start = (): Worker => {
  const started = new Worker(new URL(`./guardWorker.${extension}`, import.meta.url), {
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

/** One job to its end; rejects with what to say of the template. */
const run = (job: Job, signal: AbortSignal): Promise<string> =>
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
    const answered = (answer: Answer): void => {
      // Starting the thread is none of the template's time.
      if ("begun" in answer) timer = setTimeout(() => lose(`it takes longer than ${seconds} s`), seconds * 1000)
      else end(() => ("text" in answer ? resolve(answer.text) : reject(new Error(answer.reason))), false)
    }
    const interrupted = (): void => lose("it was interrupted")
    signal.addEventListener("abort", interrupted)
    own.on("error", failed).on("exit", ended).on("message", answered)
    try {
      own.postMessage(job)
    } catch (cause) {
      // A variable that no thread can be given, such as a function.
      end(() => reject(cause), false)
    }
  })

/**
 * Renders a template with its variables, on a day for `strftime_now`; fails with a `ModelError` that says what it does.
 *
 * @category running
 */
export const render = (
  source: string,
  values: Readonly<Record<string, unknown>>,
  date: string,
): Effect.Effect<string, ModelError> =>
  Effect.tryPromise({
    try: (signal) => {
      const turn = queue.then(() => {
        if (signal.aborted) throw new Error("it was interrupted")
        return run({ source, values: Jinja.plain(values), date, maxLength: maxLength.text }, signal)
      })
      queue = turn.catch(() => {})
      return turn
    },
    catch: (cause) => new ModelError({ reason: `the chat template refuses: ${(cause as Error).message}` }),
  })
