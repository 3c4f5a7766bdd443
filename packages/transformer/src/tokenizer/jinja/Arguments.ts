/** Arguments by the names of parameters, as Python binds them. */
import { fail, type Named, typeOf, type Value } from "./Value.ts"

/** What was given for each parameter; null where nothing was. Those after `required` may be left out. */
export const bind = (
  what: string,
  parameters: ReadonlyArray<string>,
  required: number,
  args: ReadonlyArray<Value>,
  named: Named,
): ReadonlyArray<Value | undefined> => {
  if (args.length > parameters.length)
    return fail(`${what} takes at most ${parameters.length} arguments, ${args.length} were given`)
  const out: Array<Value | undefined> = parameters.map((_, i) => args[i])
  for (const [name, value] of named) {
    const at = parameters.indexOf(name)
    if (at < 0) return fail(`${what} got an unexpected keyword argument '${name}'`)
    if (at < args.length) return fail(`${what} got multiple values for argument '${name}'`)
    out[at] = value
  }
  const missing = out.slice(0, required).indexOf(undefined)
  return missing < 0 ? out : fail(`${what} misses the argument '${parameters[missing]}'`)
}

export const isInt = (value: Value): value is bigint | boolean =>
  typeof value === "bigint" || typeof value === "boolean"

/** An int as a number of JavaScript. */
export const int = (value: Value): number =>
  isInt(value) ? Number(value) : fail(`'${typeOf(value)}' object cannot be interpreted as an integer`)
