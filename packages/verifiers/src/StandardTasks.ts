/** The tasks of this package, as the reward server and the command line offer them. */
import type { Scope } from "effect"
import { Effect } from "effect"
import * as Countdown from "./Countdown.ts"
import * as Geometry3k from "./Geometry3k.ts"
import * as Mathematics from "./Mathematics.ts"
import * as Tasks from "./Tasks.ts"

/**
 * All tasks. What a task needs (workers, a sandbox) starts when it is first asked for and ends with the scope.
 *
 * @category constructors
 */
export const make: Effect.Effect<Tasks.Tasks, never, Scope.Scope> = Effect.map(Mathematics.make(), (math) =>
  Tasks.make([Countdown.task, math, Geometry3k.task]),
)
