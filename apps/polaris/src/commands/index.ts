/** The commands of polaris: one line each. */
import type { Entry } from "./Entry.ts"
import * as Train from "./train.ts"
import * as WarmStart from "./warm-start.ts"

export const commands: ReadonlyArray<Entry> = [Train.command, WarmStart.command]
