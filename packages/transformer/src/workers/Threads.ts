/**
 * Worker threads that each run a replica over the same shared parameters. A job goes to the first idle worker; a worker that
 * dies fails its job with an `EngineError` and takes the pool out of service.
 */
import { Worker } from "node:worker_threads"
import { Effect, type Scope } from "effect"
import { EngineError } from "../TransformerError.ts"
import type { Lease, Pool } from "./Pool.ts"
import type { Answer, Job, Result, Start } from "./protocol.ts"

interface Member {
  readonly worker: Worker
  settle: ((answer: Answer) => void) | null
}

const source = import.meta.url.endsWith(".ts")

/** Starts `size` workers, and ends them with the scope. @category constructors */
export const make = (size: number, start: Start): Effect.Effect<Pool, EngineError, Scope.Scope> =>
  Effect.gen(function* () {
    let broken: string | null = null
    const members: Array<Member> = []
    const idle: Array<Member> = []
    const waiting: Array<(member: Member) => void> = []
    yield* Effect.addFinalizer(() =>
      Effect.promise(() => {
        broken ??= "the pool was closed"
        return Promise.all(members.map(({ worker }) => worker.terminate()))
      }),
    )
    const fail = (reason: string): void => {
      broken ??= reason
      for (const member of members) member.settle?.({ ok: false, reason })
      for (const give of waiting.splice(0)) give(members[0])
    }
    const spawn = (): Effect.Effect<void, EngineError> =>
      Effect.callback<void, EngineError>((resume) => {
        const worker = new Worker(new URL(source ? "./worker.ts" : "./worker.js", import.meta.url), {
          workerData: start,
          // Sources run under the condition that picks sources.
          execArgv: source ? ["--conditions=@lpo/source", "--disable-warning=ExperimentalWarning"] : [],
        })
        const member: Member = { worker, settle: null }
        members.push(member)
        worker.on("message", (answer: Answer) => {
          if ("ready" in answer) {
            // An idle worker keeps nobody alive; one at work does.
            worker.unref()
            idle.push(member)
            resume(Effect.void)
          } else member.settle?.(answer)
        })
        const died = (reason: string): void => {
          fail(
            `a worker thread died (${reason}); the run can be resumed from its last checkpoint, with fewer workers if memory is short`,
          )
          resume(new EngineError({ reason: broken ?? reason }))
        }
        worker.on("error", (error) => died(error.message))
        worker.on("exit", (code) => died(`exit code ${code}`))
      })
    yield* Effect.all(Array.from({ length: size }, spawn), { concurrency: "unbounded" })

    const acquire = Effect.callback<Member, EngineError>((resume) => {
      const give = (member: Member) =>
        resume(broken === null ? Effect.succeed(member) : Effect.fail(new EngineError({ reason: broken })))
      const member = idle.shift()
      if (broken !== null || member !== undefined) give(member ?? members[0])
      else waiting.push(give)
      return Effect.sync(() => {
        const at = waiting.indexOf(give)
        if (at >= 0) waiting.splice(at, 1)
      })
    })
    const release = (member: Member) =>
      Effect.sync(() => {
        const next = waiting.shift()
        if (next === undefined) idle.push(member)
        else next(member)
      })
    const run = (member: Member, job: Job) =>
      Effect.uninterruptible(
        Effect.callback<Result, EngineError>((resume) => {
          if (broken !== null) {
            resume(new EngineError({ reason: broken }))
            return
          }
          member.worker.ref()
          member.settle = (answer) => {
            member.settle = null
            member.worker.unref()
            resume(
              "result" in answer
                ? Effect.succeed(answer.result)
                : new EngineError({ reason: "reason" in answer ? answer.reason : "no answer" }),
            )
          }
          member.worker.postMessage(job)
        }),
      )
    const leaseOf = (member: Member): Lease => ({ run: (job) => run(member, job) })
    return {
      size,
      workers: members.map((m) => m.worker),
      withWorker: (use) => Effect.acquireUseRelease(acquire, (member) => use(leaseOf(member)), release),
      withAll: (use) =>
        Effect.acquireUseRelease(
          Effect.sync(() => (idle.length === size && broken === null ? idle.splice(0) : [])),
          (all) => (all.length === 0 ? Effect.succeed(null) : use(all.map(leaseOf))),
          (all) => Effect.forEach(all, release, { discard: true }),
        ),
    }
  })
