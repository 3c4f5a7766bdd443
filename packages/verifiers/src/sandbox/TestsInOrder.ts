/** One test after the other, within their total time: for sandboxes that start each by itself. */
import { Effect } from "effect"
import { type Job, type Limits, type Outcome, type Test, limitsOf } from "./Sandbox.ts"

/** Runs a job's tests in order, within its total time. */
export const inOrder = <E>(
  job: Job,
  runOne: (test: Test, limits: Limits) => Effect.Effect<Outcome, E>,
): Effect.Effect<ReadonlyArray<Outcome>, E> =>
  Effect.gen(function* () {
    const limits = limitsOf(job.limits)
    const outcomes: Array<Outcome> = []
    let left = limits.totalSeconds
    for (const test of job.tests) {
      const seconds = Math.min(limits.seconds, left)
      if (seconds <= 0) {
        const error = `the time of all tests together, ${limits.totalSeconds} s, is over`
        outcomes.push({ status: "not-run", stdout: "", stderr: "", exitCode: 0, error, seconds: 0 })
        continue
      }
      const outcome = yield* runOne(test, { ...limits, seconds })
      left -= outcome.seconds
      outcomes.push(outcome)
    }
    return outcomes
  })
