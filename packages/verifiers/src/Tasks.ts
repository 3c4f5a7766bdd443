/**
 * Tasks by name: which grader judges a row whose task is "countdown" in mode "reference:lab". What the reward server, the
 * command line and a training set of mixed tasks share.
 */
import { Verdict } from "@lpo/rollout"
import { Effect } from "effect"
import { type AnyGrader, define, type Mode, type Options, type VerifierService } from "./Verifier.ts"
import { VerifierError } from "./VerifierError.ts"

/** A task and its graders. @category models */
export interface Task {
  /** What rows and problems call it. */
  readonly name: string
  /** Names of its reference graders, without "reference:". */
  readonly references: ReadonlyArray<string>
  /** The grader of a mode that the task has. */
  readonly grader: (mode: Mode) => AnyGrader
}

/** @category models */
export type Tasks = ReadonlyMap<string, Task>

/** Tasks by name; throws a `RangeError` when two share one. @category constructors */
export const make = (tasks: ReadonlyArray<Task>): Tasks => {
  const out = new Map(tasks.map((task) => [task.name, task]))
  if (out.size < tasks.length) throw new RangeError(`two tasks share a name: ${tasks.map((t) => t.name).join(", ")}`)
  return out
}

/** Whether this is how a mode is written; any grader name passes. @category predicates */
export const isMode = (mode: string): mode is Mode => mode === "strict" || /^reference:[\w.-]+$/.test(mode)

/** The grader of a task in a mode, or why there is none. @category lookup */
export const grader = (tasks: Tasks, name: string, mode: Mode): AnyGrader | VerifierError => {
  const task = tasks.get(name)
  if (task === undefined) {
    const reason = `no task of that name; there are ${[...tasks.keys()].join(", ")}`
    return new VerifierError({ verifier: name, reason })
  }
  const reference = mode === "strict" ? null : mode.slice("reference:".length)
  if (reference !== null && !task.references.includes(reference)) {
    const reason = `no reference grader "${reference}"; there are ${task.references.join(", ") || "none"}`
    return new VerifierError({ verifier: name, reason })
  }
  return task.grader(mode)
}

/**
 * One verifier for all tasks, which goes by `problem.task`; a task or mode that there is not gives verdicts of status `error`.
 *
 * @category constructors
 */
export const verifier = (tasks: Tasks, mode: Mode = "strict", options: Options = {}): VerifierService => {
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
