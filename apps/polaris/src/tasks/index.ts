/** The tasks that this program trains, by name: one line each. */
import { Effect } from "effect"
import { find, type UsageError } from "../Usage.ts"
import * as Code from "./Code.ts"
import * as Countdown from "./Countdown.ts"
import * as CountdownStep from "./CountdownStep.ts"
import * as CountdownTool from "./CountdownTool.ts"
import type { Domain, Make } from "./Domain.ts"
import * as Geometry3k from "./Geometry3k.ts"
import * as Mathematics from "./Mathematics.ts"
import * as Own from "./Own.ts"

export { type Domain, type Multiturn, type Reads, readsOf, type Tiny } from "./Domain.ts"

export const tasks: Readonly<Record<string, Make>> = {
  countdown: Countdown.make,
  "countdown-tool": CountdownTool.make,
  "countdown-step": CountdownStep.make,
  math: Mathematics.make,
  code: Code.make,
  geometry3k: Geometry3k.make,
  own: Own.make,
}

/** Those that judge rows of a dataset as they are; the others need a preset's parameters or a verifier. */
export const ofRows: ReadonlyArray<string> = ["countdown", "math", "code", "geometry3k"]

/** A task by its name, with its parameters. Fails with a `UsageError` with the nearest name, or the wrong parameter. */
export const open = (name: string, parameters: Parameters<Make>[0]): Effect.Effect<Domain, UsageError> =>
  Effect.flatMap(find("task", name, tasks), (make) => make(parameters))
