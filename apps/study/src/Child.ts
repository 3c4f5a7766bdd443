/** A process that makes one run after another, as its parent sends them. */
import { Effect } from "effect"
import type { Job } from "./Arm.ts"
import * as Train from "./Train.ts"

process.on("message", (job: Job) => {
  Effect.runPromise(Effect.result(Train.run(job))).then(
    (result) =>
      process.send?.(result._tag === "Success" ? { run: result.success } : { reason: result.failure.message }),
    (cause: unknown) =>
      process.send?.({ reason: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }),
  )
})
process.on("disconnect", () => process.exit())
