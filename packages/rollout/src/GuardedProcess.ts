/**
 * A process for what strangers wrote: one job after the other, each within `seconds` and the process within `megabytes`. A job that
 * takes more costs its caller an error: the process is killed, and the next job gets another. A thread would not do: one whose heap
 * is full in the middle of a large allocation takes the whole process with it.
 *
 * @module
 */
import "./SupportedNode.ts"
import { type ChildProcess, fork } from "node:child_process"
import { Effect, Schema } from "effect"
import type { Answer, Request } from "./Guarded.ts"

/** A job that came to nothing: it failed, ran into a limit, or was interrupted. @category errors */
export class JobError extends Schema.TaggedError<JobError>()("JobError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/** @category models */
export interface Limits {
  /** Longest time of one job, from its beginning. */
  readonly seconds: number
  /** Heap of the process. */
  readonly megabytes: number
}

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"
/** Packages are their sources, and Node does not warn of types in them. */
const ofSources = ["--conditions=@lpo/source", "--disable-warning=ExperimentalWarning"]

/**
 * Runs jobs in a process of the module `entry` (without its extension), which `setup` is given as it starts.
 *
 * @category constructors
 */
export const make = <Done>(
  entry: URL,
  { megabytes, seconds }: Limits,
  setup: unknown = null,
): ((job: unknown) => Effect.Effect<Done, JobError>) => {
  /** The process, while it is of use, and the jobs before the next one. */
  let child: ChildProcess | null = null
  let queue: Promise<unknown> = Promise.resolve()

  const start = (): ChildProcess => {
    const started = fork(new URL(`${entry.href}.${extension}`), {
      // It gets nothing of the run: no environment, no standard input.
      env: {},
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      serialization: "advanced",
      execArgv: [`--max-old-space-size=${megabytes}`, ...(extension === "ts" ? ofSources : [])],
    })
    // A process that is given up may still fail before it ends.
    started.on("error", () => {})
    started.send({ setup, seconds } satisfies Request)
    return started
  }
  const stop = (): void => {
    child?.kill("SIGKILL")
    child = null
  }

  /** One job to its end; rejects with what to say of it. */
  const run = (job: unknown, signal: AbortSignal): Promise<Done> =>
    new Promise((resolve, reject) => {
      const own = (child ??= start())
      // A process at work keeps this one alive; an idle one does not.
      own.ref()
      own.channel?.ref()
      let timer: NodeJS.Timeout | null = null
      const end = (settle: () => void, isLost: boolean): void => {
        if (timer !== null) clearTimeout(timer)
        signal.removeEventListener("abort", interrupted)
        own.off("error", failed).off("exit", ended).off("message", answered)
        own.unref()
        own.channel?.unref()
        if (isLost) stop()
        settle()
      }
      const lose = (reason: string): void => end(() => reject(new Error(reason)), true)
      const failed = (error: Error): void => lose(error.message)
      const ended = (code: number | null, by: NodeJS.Signals | null): void =>
        lose(
          by === "SIGABRT" || code === 134 ? `it takes more than ${megabytes} MB` : `its process ended (${by ?? code})`,
        )
      const answered = (answer: Answer<Done>): void => {
        // Starting the process is none of the job's time.
        if ("begun" in answer) timer = setTimeout(() => lose(`it takes longer than ${seconds} s`), seconds * 1000)
        else end(() => ("done" in answer ? resolve(answer.done) : reject(new Error(answer.reason))), false)
      }
      const interrupted = (): void => lose("it was interrupted")
      signal.addEventListener("abort", interrupted)
      own.on("error", failed).on("exit", ended).on("message", answered)
      try {
        own.send({ job } satisfies Request)
      } catch (cause) {
        // A value that no process can be given, such as a function.
        end(() => reject(cause), false)
      }
    })

  return (job) =>
    Effect.tryPromise({
      try: (signal) => {
        const turn = queue.then(() => {
          return signal.aborted ? Promise.reject(new JobError({ reason: "it was interrupted" })) : run(job, signal)
        })
        queue = turn.catch(() => {})
        return turn
      },
      catch: (cause) => new JobError({ reason: (cause as Error).message }),
    })
}
