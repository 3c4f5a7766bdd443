/** The thread of `EncoderThread.ts`: encodes one text after the other. */
import { parentPort, workerData } from "node:worker_threads"
import type { Answer } from "./GuardedThread.ts"
import * as Upstream from "./Upstream.ts"

export interface Setup {
  /** `tokenizer.json` and `tokenizer_config.json`. */
  readonly json: object
  readonly config: object
}
export interface Job {
  readonly text: string
  readonly around: boolean
}

const port = parentPort
if (port === null) throw new TypeError("this file runs as a worker thread only")
const { config, json } = workerData as Setup
let encode: ((job: Job) => Int32Array) | null = null

const prepare = (): ((job: Job) => Int32Array) => {
  const tokenizer = Upstream.make(json, config)
  return ({ around, text }) => Int32Array.from(tokenizer.encode(text, { add_special_tokens: around }).ids)
}

port.on("message", (job: Job) => {
  const answer = (message: Answer<Int32Array>): void => port.postMessage(message)
  answer({ begun: true })
  try {
    // Within the limits of the first text: what a tokenizer does as it is made is a stranger's work too.
    encode ??= prepare()
    answer({ done: encode(job) })
  } catch (cause) {
    answer({ reason: (cause as Error).message })
  }
})
