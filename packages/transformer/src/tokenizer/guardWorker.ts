/** The thread of `Guard.ts`: renders one template after the other. */
import { parentPort } from "node:worker_threads"
import { Template } from "@huggingface/jinja"

export interface Job {
  readonly source: string
  readonly values: Readonly<Record<string, unknown>>
  /** Longest text, in characters. */
  readonly maxLength: number
}
export type Answer = { readonly begun: true } | { readonly text: string } | { readonly reason: string }

const port = parentPort
if (port === null) throw new TypeError("this file runs as a worker thread only")
const compiled = new Map<string, Template>()

port.on("message", ({ maxLength, source, values }: Job) => {
  const answer = (message: Answer): void => port.postMessage(message)
  answer({ begun: true })
  try {
    const template = compiled.get(source) ?? new Template(source)
    compiled.clear()
    compiled.set(source, template)
    const text = template.render(values)
    if (text.length > maxLength)
      answer({ reason: `it makes a text of ${text.length} characters, the most is ${maxLength}` })
    else answer({ text })
  } catch (cause) {
    answer({ reason: (cause as Error).message })
  }
})
