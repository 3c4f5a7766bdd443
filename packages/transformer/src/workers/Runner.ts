/** Runs jobs on a replica, one after the other: the same code in a worker thread and in the thread of the caller. */
import * as Team from "../decode/Team.ts"
import type { Forward, Replica } from "./Replica.ts"
import * as AdamW from "../train/AdamW.ts"
import type { Job, Result } from "./protocol.ts"

export const makeRunner = (replica: Replica): ((job: Job) => Promise<Result>) => {
  let version = 0
  let pending: Forward | null = null
  const run = async (job: Job): Promise<Result> => {
    if (job.version !== version) {
      replica.changed()
      version = job.version
    }
    switch (job.kind) {
      case "generate":
        return replica.generate(job.requests, job.options, job.seat)
      case "logprobs":
        return replica.logprobs(job.pairs)
      case "forward":
        if (job.fresh) replica.dropGradient()
        pending = await replica.forward(job.pairs)
        return pending.logprobs
      case "backward": {
        const forward = pending
        pending = null
        if (forward === null) throw new TypeError("a backward job needs a forward job before it")
        if (job.weights === null) forward.drop()
        else forward.addGradient(job.weights)
        return null
      }
      case "gradient":
        await replica.takeGradient(new Float32Array(job.into), job.add)
        return null
      case "squares":
        return AdamW.squares(job.gradient, ...job.parts)
      case "move":
        AdamW.move(job.vectors, ...job.parts, job.pace)
        return null
    }
  }
  return async (job) => {
    try {
      return await run(job)
    } catch (cause) {
      if (job.kind === "generate" && job.seat !== undefined) Team.leave(job.seat)
      throw cause
    }
  }
}
