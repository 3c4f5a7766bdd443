/** Errors about what you asked for, with the nearest thing that is possible. */
import { Registry } from "@lpo/trainer"
import { Effect, Schema } from "effect"

/** The command line, a preset or a run's configuration asks for something impossible. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/** The name that was probably meant; null if none is near. */
export const nearest: (text: string, names: ReadonlyArray<string>) => string | null = Registry.nearest

/** One of these by its name. Fails with a `UsageError` with the nearest one. */
export const find = <A>(what: string, name: string, all: Readonly<Record<string, A>>): Effect.Effect<A, UsageError> => {
  if (Object.hasOwn(all, name)) return Effect.succeed(all[name])
  const near = nearest(name, Object.keys(all))
  const hint = near === null ? `choose one of: ${Object.keys(all).join(", ")}` : `did you mean ${near}?`
  return Effect.fail(new UsageError({ reason: `there is no ${what} "${name}"; ${hint}` }))
}

/** The name of an option on the command line and in a file, from its key: `groupSize` is `k`, `maxTokens` is `max-tokens`. */
export const nameOf = (key: string): string =>
  key === "groupSize" ? "k" : key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** The first option that is given without any of those that it needs, as an error; null if there is none. Null is not given. */
export const stray = <G extends object>(
  given: G,
  needs: { readonly [K in keyof G & string]?: ReadonlyArray<keyof G & string> },
): UsageError | null => {
  const values = given as Readonly<Record<string, unknown>>
  for (const [key, others] of Object.entries(needs as Readonly<Record<string, ReadonlyArray<string>>>)) {
    if (values[key] === null || others.some((other) => values[other] !== null)) continue
    const names = others.map((other) => `--${nameOf(other)}`)
    const all = names.length === 1 ? names[0] : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`
    return new UsageError({
      reason: `--${nameOf(key)} is given without ${all}; give ${names.length === 1 ? "both" : "one of them"}, or leave it out`,
    })
  }
  return null
}

/** Checks that an option's value is a whole number in its range. */
export const whole = (option: string, value: number, low: number, high: number): Effect.Effect<number, UsageError> =>
  Number.isInteger(value) && value >= low && value <= high
    ? Effect.succeed(value)
    : Effect.fail(new UsageError({ reason: `--${option} is ${value}; give a whole number from ${low} to ${high}` }))

/** Checks that an option's value is a positive number. */
export const positive = (option: string, value: number): Effect.Effect<number, UsageError> =>
  Number.isFinite(value) && value > 0
    ? Effect.succeed(value)
    : Effect.fail(new UsageError({ reason: `--${option} is ${value}; give a positive number` }))

/** An option's base URLs of servers, comma-separated; a slash at the end is removed. */
export const urls = (option: string, text: string): Effect.Effect<ReadonlyArray<string>, UsageError> => {
  const all = text.split(",").map((url) => url.trim().replace(/\/+$/, ""))
  const bad = all.find((url) => !/^https?:\/\/[^/\s]+/.test(url))
  return bad === undefined
    ? Effect.succeed(all)
    : Effect.fail(
        new UsageError({
          reason: `--${option} has "${bad}"; give base URLs such as http://127.0.0.1:8000, comma-separated`,
        }),
      )
}
