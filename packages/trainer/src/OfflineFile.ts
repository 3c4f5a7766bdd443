/**
 * Offline data in a file; see {@link Offline}.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { RegularFile } from "@lpo/rollout"
import { DatasetError } from "@lpo/rollout/RolloutError"
import { Effect } from "effect"
import * as Offline from "./Offline.ts"

/** @category models */
export interface File {
  readonly entries: ReadonlyArray<Offline.Entry>
  /** Of the bytes that were read, in hexadecimal. */
  readonly sha256: string
}

/** The groups of a file of JSON lines. Fails with a `DatasetError` that names the line, or why there is no such file. @category constructors */
export const read = (path: string): Effect.Effect<File, DatasetError> =>
  Effect.tryPromise({
    try: () => RegularFile.bytes(path),
    catch: (cause) =>
      new DatasetError({
        source: path,
        row: null,
        line: null,
        column: null,
        reason: `cannot be read (${(cause as Error).message})`,
      }),
  }).pipe(
    Effect.flatMap((bytes) =>
      Effect.map(Offline.parse(String(bytes), path), (entries) => ({
        entries,
        sha256: createHash("sha256").update(bytes).digest("hex"),
      })),
    ),
  )
