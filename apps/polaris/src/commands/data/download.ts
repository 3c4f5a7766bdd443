/** `polaris data download`: a dataset of the hub into the hub's cache. */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { Dataset, Terminal } from "@lpo/rollout"
import * as View from "../../View.ts"
import { UsageError } from "../../Usage.ts"
import * as Shared from "./shared.ts"

export const command = Command.make(
  "download",
  { data: Argument.String("data").pipe(Argument.withDescription("name[@revision][:[config/]split] on the hub")) },
  Effect.fn(function* ({ data }) {
    if (Dataset.isFile(data)) return yield* new UsageError({ reason: `${data} is a file; give a name on the hub` })
    const view = View.make()
    const rows = yield* Dataset.open(data, {
      onProgress: ({ file, received, size }) =>
        view.progress({
          title: `Downloading ${data}`,
          done: received,
          total: size,
          format: (bytes) => `${(bytes / 1e6).toFixed(1)} MB`,
          detail: [file],
        }),
    })
    view.done()
    yield* Shared.print(`${rows.source}: ${Terminal.counted(rows.length, "row")}, sha256 ${rows.fingerprint.sha256}`)
    for (const file of rows.files) yield* Shared.print(`  ${file}`)
  }, Effect.scoped),
).pipe(Command.withDescription("Download a dataset from the hub, and pin it to a commit"))
