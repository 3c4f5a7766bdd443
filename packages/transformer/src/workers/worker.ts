/** A worker thread: a replica on a backend of its own, over the shared parameters; one job at a time. */
import { parentPort, workerData } from "node:worker_threads"
import { Effect } from "effect"
import * as Backend from "../Backend.ts"
import * as Replica from "../Replica.ts"
import type { Answer, Job, Start } from "./protocol.ts"
import { makeRunner } from "./Runner.ts"

const port = parentPort
if (port === null) throw new TypeError("this file runs as a worker thread only")
const { adapter, checkpointActivations, config, values } = workerData as Start

await Effect.runPromise(Backend.start("wasm"))
const replica = Replica.make(config, new Float32Array(values), {
  adapter: adapter && { config: adapter.config, values: new Float32Array(adapter.values) },
  checkpointActivations,
})
const run = makeRunner(replica)

const answer = (message: Answer): void => {
  // A gradient moves without a copy.
  const transfer = "result" in message && message.result instanceof Float32Array ? [message.result.buffer] : []
  port.postMessage(message, transfer)
}

port.on("message", (job: Job) => {
  try {
    answer({ ok: true, result: run(job) })
  } catch (cause) {
    answer({ ok: false, reason: (cause as Error).message })
  }
})
answer({ ready: true })
