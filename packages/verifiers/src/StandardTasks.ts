/** The tasks of this package, as the reward server and the command line offer them. */
import type { Scope } from "effect"
import { Effect } from "effect"
import * as Code from "./Code.ts"
import * as Countdown from "./Countdown.ts"
import * as Geometry3k from "./Geometry3k.ts"
import * as Mathematics from "./Mathematics.ts"
import * as AutoSandbox from "./sandbox/AutoSandbox.ts"
import * as Tasks from "./Tasks.ts"

/**
 * All tasks. What a task needs (workers, a sandbox) starts when it is first asked for and ends with the scope.
 *
 * @category constructors
 */
export const make: Effect.Effect<Tasks.Tasks, never, Scope.Scope> = Effect.gen(function* () {
  const sandbox = yield* AutoSandbox.make()
  return Tasks.make([Countdown.task, yield* Mathematics.make(), Code.task(sandbox), Geometry3k.task])
})
