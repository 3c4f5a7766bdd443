/** The commands of polaris: one line each. */
import * as Compare from "./compare.ts"
import * as Data from "./data/index.ts"
import * as Doctor from "./doctor.ts"
import * as Eval from "./eval.ts"
import type { Entry } from "./Entry.ts"
import * as Probe from "./probe.ts"
import * as Report from "./report.ts"
import * as Train from "./train.ts"
import * as WarmStart from "./warm-start.ts"

export const commands: ReadonlyArray<Entry> = [
  Train.command,
  Eval.command,
  Probe.command,
  Compare.command,
  Report.command,
  Data.command,
  WarmStart.command,
  Doctor.command,
]
