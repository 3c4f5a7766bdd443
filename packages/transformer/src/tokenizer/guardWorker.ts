/** The thread of `Guard.ts`: renders one template after the other. */
import { parentPort } from "node:worker_threads"
import type { Answer } from "./GuardedThread.ts"
import * as Jinja from "./Jinja.ts"
import * as Strftime from "./Strftime.ts"

export interface Job {
  readonly source: string
  /** As `Jinja.plain` makes them. */
  readonly values: unknown
  /** The day of `strftime_now`. */
  readonly date: string
  /** Longest text, in characters. */
  readonly maxLength: number
}

const port = parentPort
if (port === null) throw new TypeError("this file runs as a worker thread only")
const compiled = new Map<string, ReturnType<typeof Jinja.compile>>()

port.on("message", ({ date, maxLength, source, values }: Job) => {
  const answer = (message: Answer<string>): void => port.postMessage(message)
  answer({ begun: true })
  try {
    const template = compiled.get(source) ?? Jinja.compile(source)
    compiled.clear()
    compiled.set(source, template)
    const variables = Jinja.restored(values) as Readonly<Record<string, unknown>>
    const text = template({ ...variables, strftime_now: Strftime.on(date) })
    if (text.length > maxLength)
      answer({ reason: `it makes a text of ${text.length} characters, the most is ${maxLength}` })
    else answer({ done: text })
  } catch (cause) {
    answer({ reason: (cause as Error).message })
  }
})
