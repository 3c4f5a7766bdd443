/** The loop of a sandbox process: a job after the other, its tests in order, until standard input ends. */
import type { Limits, Outcome, Test } from "../Sandbox.ts"
import * as Frames from "./Frames.ts"

/** What runs a program. */
export interface Runner {
  /** Runs one test; only called between `begin` and `end`. */
  readonly test: (test: Test, limits: Limits) => Outcome | Promise<Outcome>
  /** Forgets the program and all that it did; false when that cannot be done, and the process has to end. */
  readonly end: () => boolean | Promise<boolean>
}

// Not from `Sandbox.ts`: a process loads nothing but its own files.
const notRun = (error: string): Outcome => ({
  status: "not-run",
  stdout: "",
  stderr: "",
  exitCode: 0,
  error,
  seconds: 0,
})

/** Says that it is ready, then serves. `begin` makes the runner of one program. */
export const serve = async (begin: (request: Frames.Request) => Runner): Promise<void> => {
  Frames.reply({ type: "ready" })
  for (let frame = Frames.read(); frame !== null; frame = Frames.read()) {
    const request = JSON.parse(frame.toString("utf8")) as Frames.Request
    const { limits, tests } = request
    const runner = begin(request)
    let left = limits.totalSeconds
    for (const test of tests) {
      const seconds = Math.min(limits.seconds, left)
      const outcome =
        seconds > 0
          ? await runner.test(test, { ...limits, seconds })
          : notRun(`the time of all tests together, ${limits.totalSeconds} s, is over`)
      left -= outcome.seconds
      Frames.reply({ type: "outcome", outcome })
    }
    const clean = await runner.end()
    Frames.reply({ type: "done" })
    if (!clean) return
  }
}
