/** `polaris data`: work on a dataset before training. */
import { Command } from "effect/cli"
import type { Entry } from "../Entry.ts"
import * as Download from "./download.ts"
import * as Filter from "./filter.ts"
import * as Generate from "./generate.ts"
import * as Overlap from "./overlap.ts"
import * as Show from "./show.ts"
import * as Validate from "./validate.ts"

export const command: Entry = Command.make("data").pipe(
  Command.withDescription("Download, inspect, check and filter datasets"),
  Command.withSubcommands([
    Show.command,
    Validate.command,
    Overlap.command,
    Filter.command,
    Generate.command,
    Download.command,
  ]),
)
