/** The loop of a sandbox process: a job after the other, its tests in order, until standard input ends. */
import type { Limits, Outcome, Test } from "../Sandbox.ts"
import * as Frames from "./Frames.ts"

/** What runs a program. */
export interface Runner {
  /** Runs one test, from the same memory as every other. */
  readonly test: (test: Test, limits: Limits) => Outcome | Promise<Outcome>
  /** Forgets what the program did in the test; false when that cannot be done, and the process has to end after this program. */
  readonly restore: () => boolean | Promise<boolean>
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

/**
 * Says that it is ready, then serves. `begin` makes the runner of one program; limits on time are for a nominal interpreter, and are
 * multiplied by `slowness`.
 */
export const serve = async (begin: (request: Frames.Request) => Runner, slowness = 1): Promise<void> => {
  Frames.reply({ type: "ready", slowness })
  for (let frame = Frames.read(); frame !== null; frame = Frames.read()) {
    const request = JSON.parse(frame.toString("utf8")) as Frames.Request
    const { limits, tests } = request
    const runner = begin(request)
    let left = slowness * limits.totalSeconds
    let output = limits.totalOutput
    let clean = true
    for (const test of tests) {
      const over =
        left <= 0
          ? `the time of all tests together, ${limits.totalSeconds} s, is over`
          : output <= 0
            ? `the output of all tests together, ${limits.totalOutput} bytes, is over`
            : null
      if (over !== null) {
        Frames.reply({ type: "outcome", outcome: notRun(over) })
        continue
      }
      const outcome = await runner.test(test, { ...limits, seconds: Math.min(slowness * limits.seconds, left) })
      left -= outcome.seconds
      output -= outcome.stdout.length + (outcome.value?.length ?? 0)
      Frames.reply({ type: "outcome", outcome })
      clean = (await runner.restore()) && clean
    }
    Frames.reply({ type: "done" })
    if (!clean) return
  }
}
