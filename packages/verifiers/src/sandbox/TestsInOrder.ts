/** One test after the other, within their total time and output: for sandboxes that start each by itself. */
import { Effect } from "effect"
import { type Job, type Limits, type Outcome, type Test, keep, limitsOf } from "./Sandbox.ts"

/** Runs a job's tests in order, within its total time and output; what `each` makes of the outcomes. */
export const inOrder = <E, A = Outcome>(
  job: Job,
  runOne: (test: Test, limits: Limits) => Effect.Effect<Outcome, E>,
  each: (outcome: Outcome, index: number) => A = keep,
): Effect.Effect<ReadonlyArray<A>, E> =>
  Effect.gen(function* () {
    const limits = limitsOf(job.limits)
    const kept: Array<A> = []
    let seconds = limits.totalSeconds
    let output = limits.totalOutput
    for (const [i, test] of job.tests.entries()) {
      const over =
        seconds <= 0
          ? `the time of all tests together, ${limits.totalSeconds} s, is over`
          : output <= 0
            ? `the output of all tests together, ${limits.totalOutput} bytes, is over`
            : null
      const outcome: Outcome =
        over === null
          ? yield* runOne(test, { ...limits, seconds: Math.min(limits.seconds, seconds) })
          : { status: "not-run", stdout: "", stderr: "", exitCode: 0, error: over, seconds: 0 }
      seconds -= outcome.seconds
      output -= outcome.stdout.length + (outcome.value?.length ?? 0)
      kept.push(each(outcome, i))
    }
    return kept
  })
