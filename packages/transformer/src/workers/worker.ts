/** A worker thread: a replica on a backend of its own, over the shared parameters; one job at a time. */
import { parentPort, workerData } from "node:worker_threads"
import { Effect } from "effect"
import * as Backend from "../device/Backend.ts"
import * as Kernels from "../ops/Kernels.ts"
import * as Replica from "./Replica.ts"
import type { Answer, Job, Start } from "./protocol.ts"
import { makeRunner } from "./Runner.ts"

const port = parentPort
if (port === null) throw new TypeError("this file runs as a worker thread only")
const { adapter, checkpointActivations, config, kernels, values } = workerData as Start

Kernels.share(kernels)
await Effect.runPromise(Backend.start("wasm"))
const replica = Replica.make(config, new Float32Array(values), {
  adapter: adapter && { config: adapter.config, values: new Float32Array(adapter.values) },
  checkpointActivations,
})
const run = makeRunner(replica)

const answer = (message: Answer): void => port.postMessage(message)

// The pool gives a worker one job at a time.
port.on("message", (job: Job) => {
  void run(job).then(
    (result) => answer({ ok: true, result }),
    (cause) => answer({ ok: false, reason: (cause as Error).message }),
  )
})
answer({ ready: true })
