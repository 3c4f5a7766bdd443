/** Reading and writing of small files, with errors that name the file. */
import { rename } from "node:fs/promises"
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

/** Puts a file that was written under a temporary name in its place. */
export const commit = (temporary: string, path: string): Effect.Effect<void, ModelError> =>
  io(path, () => rename(temporary, path))

/** Writes a small file: under a temporary name, synced, then renamed. */
export const writeText = (path: string, text: string): Effect.Effect<void, ModelError> =>
  io(path, async () => {
    const temporary = `${path}.tmp-${process.pid}`
    const handle = await RegularFile.open(temporary, "w")
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  })
