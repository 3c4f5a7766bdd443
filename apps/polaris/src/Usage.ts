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
