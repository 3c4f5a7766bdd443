/**
 * The registry: tasks by name. What the reward server, the command line and a training set of mixed tasks share.
 *
 * @module
 */
import { Verdict } from "@lpo/rollout"
import { Effect, type Scope } from "effect"
import type { Options as Comparison } from "./math/Grade.ts"
import * as AutoSandbox from "./sandbox/AutoSandbox.ts"
import { Sandbox } from "./sandbox/Sandbox.ts"
import * as Task from "./Task.ts"
import * as Code from "./tasks/Code.ts"
import * as Countdown from "./tasks/Countdown.ts"
import * as Geometry3k from "./tasks/Geometry3k.ts"
import * as Mathematics from "./tasks/Mathematics.ts"
import { type AnyGrader, define, type Mode, type Options, type VerifierService } from "@lpo/rollout/Verifier"
import { VerifierError } from "@lpo/rollout/VerifierError"

/** Tasks by name. @category models */
export type Registry<T extends Task.Judge = Task.Judge> = ReadonlyMap<string, T>

/** A registry; throws a `RangeError` when two tasks share a name. @category constructors */
export const make = <T extends Task.Judge>(tasks: ReadonlyArray<T>): Registry<T> => {
  const out = new Map(tasks.map((task) => [task.name, task]))
  if (out.size < tasks.length) throw new RangeError(`two tasks share a name: ${tasks.map((t) => t.name).join(", ")}`)
  return out
}

/**
 * The tasks of this package. What one needs (processes, a sandbox) starts when it is first asked for and ends with the scope.
 *
 * @category constructors
 */
export const standard: Effect.Effect<Registry<Task.AnyTask>, never, Scope.Scope> = Effect.all([
  Countdown.task(),
  Mathematics.task(),
  Code.task(),
  Geometry3k.task(),
]).pipe(
  Effect.map((tasks) => make<Task.AnyTask>(tasks)),
  Effect.provideServiceEffect(Sandbox, AutoSandbox.make()),
)

/** `standard`, where strict mode compares mathematics in this way. @category constructors */
export const comparing = (how: Comparison): Effect.Effect<Registry<Task.AnyTask>, never, Scope.Scope> =>
  Effect.map(Effect.all([standard, Mathematics.task(how), Geometry3k.task(how)]), ([tasks, ...others]) => {
    const replaced = new Map<string, Task.AnyTask>(tasks)
    for (const task of others) replaced.set(task.name, task)
    return replaced
  })

/** Whether this is how a mode is written; any grader name passes. @category predicates */
export const isMode = (mode: string): mode is Mode => mode === "strict" || /^reference:[\w.-]+$/.test(mode)

/** The modes of all tasks, `strict` first. @category lookup */
export const modes = (tasks: Registry): ReadonlyArray<Mode> => [
  ...new Set<Mode>(["strict", ...[...tasks.values()].flatMap(({ graders }) => Task.modes(graders))]),
]

/** The grader of a task in a mode, or why there is none. @category lookup */
export const grader = (tasks: Registry, name: string, mode: Mode): AnyGrader | VerifierError => {
  const task = tasks.get(name)
  if (task !== undefined) return Task.grader(task, mode)
  const reason = `no task of that name; there are ${[...tasks.keys()].join(", ")}`
  return new VerifierError({ verifier: name, reason })
}

/**
 * One verifier for all tasks, which goes by `problem.task`; a task or mode that there is not gives verdicts of status `error`.
 *
 * @category constructors
 */
export const verifier = (tasks: Registry, mode: Mode = "strict", options: Options = {}): VerifierService => {
  const services = new Map<string, VerifierService>()
  for (const name of tasks.keys()) {
    const found = grader(tasks, name, mode)
    if (!(found instanceof VerifierError)) services.set(name, define(found, options))
  }
  return {
    verify: (problem, response) => {
      const service = services.get(problem.task)
      if (service !== undefined) return service.verify(problem, response)
      const found = grader(tasks, problem.task, mode)
      const reason = found instanceof VerifierError ? found.message : "not a task"
      return Effect.succeed(Verdict.unreached("error", reason))
    },
  }
}
