/** Reading and writing of small files, with errors that name the file. */
import { rename, rm } from "node:fs/promises"
import { Received, RegularFile } from "@lpo/rollout"
import { Effect } from "effect"
import { ModelError } from "./TransformerError.ts"

/** Runs `run`; what it throws becomes a `ModelError` that starts with the path. */
export const io = <A>(path: string, run: () => Promise<A>): Effect.Effect<A, ModelError> =>
  Effect.tryPromise({ try: run, catch: (cause) => new ModelError({ reason: `${path}: ${(cause as Error).message}` }) })

/** The text of a file, or null where there is none. */
export const readText = (path: string): Effect.Effect<string | null, ModelError> =>
  io(path, () => RegularFile.text(path))

/** The JSON object in a file, or null where there is no file. */
export const readJson = (path: string): Effect.Effect<Readonly<Record<string, unknown>> | null, ModelError> =>
  Effect.gen(function* () {
    const text = yield* readText(path)
    if (text === null) return null
    const value = yield* Effect.try({
      try: () => Received.parse(text),
      catch: (cause) => new ModelError({ reason: `${path}: is not JSON (${(cause as Error).message})` }),
    })
    if (value === null || typeof value !== "object" || Array.isArray(value))
      return yield* new ModelError({ reason: `${path}: is not a JSON object` })
    return value as Readonly<Record<string, unknown>>
  })

/** Writes a file under a temporary name by `write`, and then gives it its own; what a failure leaves is removed. */
export const whole = (
  path: string,
  write: (temporary: string) => Effect.Effect<void, ModelError>,
): Effect.Effect<void, ModelError> => {
  const temporary = `${path}.tmp-${process.pid}`
  return write(temporary).pipe(
    Effect.andThen(io(path, () => rename(temporary, path))),
    Effect.onError(() => Effect.ignore(io(temporary, () => rm(temporary, { force: true })))),
  )
}

/** Writes a small file, whole or not at all. */
export const writeText = (path: string, text: string): Effect.Effect<void, ModelError> =>
  io(path, () => RegularFile.write(path, text))
