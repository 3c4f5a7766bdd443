/** The process of `Guard.ts`: renders one template after the other. */
import * as Guarded from "@lpo/rollout/Guarded"
import * as Template from "./jinja/Template.ts"
import * as Strftime from "./Strftime.ts"
import * as Variables from "./Variables.ts"

export interface Job {
  readonly source: string
  /** As `Variables.plain` makes them. */
  readonly values: unknown
  /** The day of `strftime_now`. */
  readonly date: string
  /** Longest text, in characters. */
  readonly maxLength: number
}

const compiled = new Map<string, ReturnType<typeof Template.compile>>()

Guarded.serve(() => ({ date, maxLength, source, values }: Job): string => {
  const template = compiled.get(source) ?? Template.compile(source)
  compiled.clear()
  compiled.set(source, template)
  const variables = Variables.restored(values) as Readonly<Record<string, unknown>>
  const text = template({ ...variables, strftime_now: Strftime.on(date) })
  if (text.length > maxLength)
    throw new RangeError(`it makes a text of ${text.length} characters, the most is ${maxLength}`)
  return text
})
