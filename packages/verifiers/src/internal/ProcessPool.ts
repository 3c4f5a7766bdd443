/**
 * Processes kept warm for work that must be stoppable: each request has a process to itself, and a deadline after which the
 * process is killed. Threads would share memory with the run; a process that runs wild takes nothing down with it.
 *
 * A process that dies for another reason (killed from outside, out of memory) has its request run again elsewhere; one that
 * dies three times over the same request is blamed on the request. The entry module answers `{ id, request }` with `{ id, reply
 * }` and says "ready" once it is loaded; deadlines start after that.
 */
import { type ChildProcess, fork } from "node:child_process"
import { Duration, Effect, type Scope, Semaphore } from "effect"
import { VerifierError } from "@lpo/rollout/VerifierError"
import * as Turn from "@lpo/rollout/Turn"

export interface Options {
  /** For messages. */
  readonly name: string
  /** The module that a process runs: its URL without the extension, which is that of the importing module. */
  readonly entry: URL
  /** Processes at once. Started when first needed. */
  readonly size: number
  /** Longest time of one request. */
  readonly deadline: Duration.Input
  /** Largest heap of a process, in MiB. Default 512. */
  readonly memory?: number
}

export interface Pool<Request, Reply> {
  /** Fails with `timeout` at the deadline. */
  readonly run: (request: Request) => Effect.Effect<Reply, VerifierError>
}

interface Member {
  readonly child: ChildProcess
  readonly ready: Promise<void>
  settle: ((outcome: { readonly reply: unknown } | { readonly died: string }) => void) | null
}

/** Runs of one request whose process died under it. */
const attempts = 3

class Died {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

export const make = <Request, Reply>(options: Options): Effect.Effect<Pool<Request, Reply>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { deadline, entry, memory = 512, name, size } = options
    const source = import.meta.url.endsWith(".ts")
    const file = new URL(`${entry.href}${source ? ".ts" : ".js"}`)
    const idle: Array<Member> = []
    const all = new Set<Member>()
    let serial = 0
    const turns = yield* Semaphore.make(size)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const { child } of all) child.kill("SIGKILL")
      }),
    )

    const spawn = (): Member => {
      const child = fork(file, {
        // The answer decides what it computes, so it gets nothing of the run: no environment, no standard input.
        env: {},
        stdio: ["ignore", "ignore", "ignore", "ipc"],
        execArgv: [
          `--max-old-space-size=${memory}`,
          ...(source ? ["--conditions=@lpo/source", "--disable-warning=ExperimentalWarning"] : []),
        ],
      })
      let loaded: () => void
      const member: Member = { child, ready: new Promise((resolve) => (loaded = resolve)), settle: null }
      all.add(member)
      const died = (reason: string): void => {
        if (!all.delete(member)) return
        const at = idle.indexOf(member)
        if (at >= 0) idle.splice(at, 1)
        loaded()
        member.settle?.({ died: reason })
      }
      child.on("message", (message: "ready" | { readonly id: number; readonly reply: unknown }) => {
        if (message === "ready") loaded()
        else member.settle?.(message)
      })
      child.on("error", (error) => died(error.message))
      child.on("exit", (code, signal) => died(signal ?? `exit code ${code}`))
      return member
    }
    /** A process at work keeps this one alive; an idle one does not. */
    const hold = ({ child }: Member, busy: boolean): void => {
      if (busy) {
        child.ref()
        child.channel?.ref()
      } else {
        child.unref()
        child.channel?.unref()
      }
    }

    const once = (request: Request, turn: Turn.Turn): Effect.Effect<Reply, VerifierError | Died> =>
      Effect.callback((resume) => {
        const member = idle.pop() ?? spawn()
        const started = turn.enter("waiting")
        let timer: NodeJS.Timeout | undefined
        hold(member, true)
        const finish = (result: Effect.Effect<Reply, VerifierError | Died>): void => {
          clearTimeout(timer)
          started()
          member.settle = null
          resume(result)
        }
        member.settle = (outcome) => {
          if ("died" in outcome) return finish(Effect.fail(new Died(outcome.died)))
          hold(member, false)
          idle.push(member)
          finish(Effect.succeed(outcome.reply as Reply))
        }
        void member.ready.then(() => {
          // Died before it was ready, or interrupted.
          if (member.settle === null) return
          started()
          const id = ++serial
          member.child.send({ id, request }, (error) => {
            if (error !== null) member.child.kill("SIGKILL")
          })
          timer = setTimeout(() => {
            const reason = `no verdict within ${Duration.format(Duration.fromInputUnsafe(deadline))}`
            finish(Effect.fail(new VerifierError({ verifier: name, reason, timeout: true })))
            member.child.kill("SIGKILL")
          }, Duration.toMillis(deadline))
        })
        return Effect.sync(() => {
          clearTimeout(timer)
          started()
          member.settle = null
          member.child.kill("SIGKILL")
        })
      })

    const again = (request: Request, turn: Turn.Turn, left: number): Effect.Effect<Reply, VerifierError> =>
      Effect.catch(once(request, turn), (error) => {
        if (error instanceof VerifierError) return Effect.fail(error)
        if (left > 1) return again(request, turn, left - 1)
        const reason = `${attempts} processes died on it (${error.reason}); it may need more than ${memory} MiB`
        return Effect.fail(new VerifierError({ verifier: name, reason }))
      })
    return {
      run: (request) => Turn.take(turns)(Effect.flatMap(Turn.Turn, (turn) => again(request, turn, attempts))),
    }
  })
