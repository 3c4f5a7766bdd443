/** Datasets by what a person calls them: a file, or a name on the hub. What a file holds is seen from its first bytes. */
import { existsSync } from "node:fs"
import { Effect } from "effect"
import * as RegularFile from "../RegularFile.ts"
import * as Hub from "./Hub.ts"
import * as Parquet from "./Parquet.ts"
import { concat, fault, io, type Rows } from "./Rows.ts"
import * as Text from "./Text.ts"

/** The rows of one file. */
const file = Effect.fn("Dataset.file")(function* (path: string) {
  const head = yield* io(path, async () => {
    const handle = await RegularFile.open(path)
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  })
  if (head.toString("latin1") === "PAR1") return yield* Parquet.make(path)
  return yield* Text.make(path, head[0] === 0x1f && head[1] === 0x8b)
})

/** Whether a name stands for a file and not for a dataset of the hub. @category predicates */
export const isFile = (name: string): boolean =>
  existsSync(name) || /^[./~]/.test(name) || /\.(?:jsonl?|ndjson|parquet)(?:\.gz)?$/.test(name)

/**
 * The rows of a dataset: a file of JSON lines (also gzip), a JSON list or Parquet, or `name[@revision][:[config/]split]` on the hub.
 * Files stay open as long as the scope. Fails with a `DatasetError` where the file is not there, damaged, or empty.
 *
 * @category constructors
 */
export const open = Effect.fn("Dataset.open")(function* (name: string, options: Hub.Options = {}) {
  const rows: Rows = isFile(name)
    ? yield* file(name)
    : yield* Effect.flatMap(Hub.locate(name, options), ({ files, source }) =>
        Effect.map(Effect.forEach(files, file), (parts) => concat(source, parts)),
      )
  if (rows.length === 0) return yield* fault(rows.source, "has no rows; give at least one")
  return rows
})
