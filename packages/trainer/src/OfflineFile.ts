/**
 * Offline data in a file; see {@link Offline}.
 *
 * @module
 */
import { RegularFile } from "@lpo/rollout"
import { DatasetError } from "@lpo/rollout/RolloutError"
import { Effect } from "effect"
import * as Offline from "./Offline.ts"

/** The groups of a file of JSON lines. Fails with a `DatasetError` that names the line, or why there is no such file. @category constructors */
export const read = (path: string): Effect.Effect<ReadonlyArray<Offline.Entry>, DatasetError> =>
  Effect.tryPromise({
    try: () => RegularFile.bytes(path).then(String),
    catch: (cause) =>
      new DatasetError({
        source: path,
        row: null,
        line: null,
        column: null,
        reason: `cannot be read (${(cause as Error).message})`,
      }),
  }).pipe(Effect.flatMap((text) => Offline.parse(text, path)))
