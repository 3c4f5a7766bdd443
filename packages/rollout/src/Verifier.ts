/**
 * The verifier: judges one completion against a problem's ground truth. It always answers, with a verdict.
 *
 * A verifier is made from a grader, which is a name, a schema of the ground truth and a function; `define` adds what keeps
 * a run going: decoding, a deadline, and verdicts of status `error` or `timeout` instead of exceptions. Everything here is
 * asynchronous by interruption: a deadline cannot stop a synchronous loop inside `grade`. Work whose time the input
 * decides belongs in a process or a worker that can be killed.
 *
 * @module
 */
import type * as Completion from "./Completion.ts"
import type * as Problem from "./Problem.ts"
import * as Trajectory from "./Trajectory.ts"
import * as Verdict from "./Verdict.ts"
import { Cause, Clock, Context, Deferred, Duration, Effect, Fiber, Layer, Result, Schema, type Stream } from "effect"
import { inOrder } from "./Concurrent.ts"
import * as Turn from "./Turn.ts"
import { VerifierError } from "./VerifierError.ts"

/**
 * How a verifier judges. `strict`: what this package holds to be right, the default. `reference:NAME`: exactly what the
 * named grader of the field does, its defects included.
 *
 * @category models
 */
export type Mode = "strict" | `reference:${string}`

/** The part of a completion that a verifier may look at; only length penalties need `tokens`, and episodes `trajectory`. @category models */
export type Response = Pick<Completion.Completion, "text" | "finish"> &
  Partial<Pick<Completion.Completion, "tokens" | "trajectory">>

/** @category services */
export interface VerifierService {
  /** Never fails: what could not be judged is a verdict whose status is `error` or `timeout`. */
  readonly verify: (problem: Problem.Problem, completion: Response) => Effect.Effect<Verdict.Verdict>
}

/** @category services */
export class Verifier extends Context.Service<Verifier, VerifierService>()("@lpo/rollout/Verifier") {}

/** Judges episodes by what their environment said. @category layers */
export const ofEpisodes: Layer.Layer<Verifier> = Layer.succeed(Verifier, {
  verify: ({ id }, { trajectory }) =>
    Effect.succeed(
      trajectory === undefined
        ? Verdict.unreached("error", `problem ${id}: the response is not an episode; sample with Episodes.layer`)
        : Trajectory.verdict(trajectory),
    ),
})

/** What `grade` may return. @category models */
export type Graded = Verdict.Verdict | Effect.Effect<Verdict.Verdict, VerifierError>

/**
 * The heart of a verifier. `answer` decodes the ground truth; `grade` judges the text of a response against it, and gets
 * the problem too, for graders that read the prompt. One whose `grade` returns a plain verdict (`Grader<A, Verdict>`) can
 * be called without Effect.
 *
 * @category models
 */
export interface Grader<A, V extends Graded = Graded> {
  readonly name: string
  readonly answer: Schema.Decoder<A>
  readonly grade: (answer: A, response: string, problem?: Pick<Problem.Problem, "prompt">) => V
}

/** A grader of some ground truth that only its own schema knows. @category models */
// oxlint-disable-next-line typescript/no-explicit-any -- the ground truth is existential: only `answer` makes one.
export type AnyGrader = Grader<any>

/** @category models */
export interface Options {
  /**
   * Longest time of work for one verdict; then it is a `timeout`. Neither waiting for a free process nor a program in a sandbox
   * counts: a sandbox has limits of its own, and a program that runs into one has failed. Default 30 seconds.
   */
  readonly deadline?: Duration.Input
  /** Longest time that one verdict may wait for a free process or sandbox; then it is a `timeout` that says so. Default 1 hour. */
  readonly waiting?: Duration.Input
}

/** The longest time of work for one verdict unless told otherwise. @category models */
export const defaultDeadline: Duration.Duration = Duration.seconds(30)

/** The longest wait of one verdict for its turn unless told otherwise. @category models */
export const defaultWaiting: Duration.Duration = Duration.hours(1)

const explain = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

/** Ends when one of the two clocks has run out, and tells which. Only the one that the state names runs. */
const expiry = (
  limits: { readonly working: Duration.Input; readonly waiting: Duration.Input },
  turn: { readonly state: () => Turn.State; readonly changed: () => Deferred.Deferred<void> },
): Effect.Effect<"working" | "waiting"> =>
  Effect.gen(function* () {
    const left = {
      working: Duration.toMillis(limits.working),
      waiting: Duration.toMillis(limits.waiting),
    }
    for (;;) {
      const state = turn.state()
      const change = Deferred.await(turn.changed())
      if (state === "bounded") {
        yield* change
        continue
      }
      const started = yield* Clock.currentTimeMillis
      const over = yield* Effect.raceFirst(Effect.as(Effect.sleep(left[state]), true), Effect.as(change, false))
      if (over) return state
      left[state] = Math.max(0, left[state] - ((yield* Clock.currentTimeMillis) - started))
    }
  })

/**
 * Ends in a verdict, whatever `effect` does: a failure or a defect is status `error`, and after `deadline` of work, or `waiting` of
 * waiting, it is `timeout` even when `effect` refuses to be interrupted (it is then left to end by itself). Interruption from
 * outside stays interruption.
 *
 * @category combinators
 */
export const within = (
  effect: Effect.Effect<Verdict.Verdict, VerifierError>,
  name: string,
  { deadline = defaultDeadline, waiting = defaultWaiting }: Options = {},
): Effect.Effect<Verdict.Verdict> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      let changed = Deferred.makeUnsafe<void>()
      const turn = Turn.make(yield* Turn.Turn, () => {
        const before = changed
        changed = Deferred.makeUnsafe<void>()
        Deferred.doneUnsafe(before, Effect.void)
      })
      const work = Effect.provideService(restore(effect), Turn.Turn, turn)
      const fiber = yield* Effect.forkDetach(work, { startImmediately: true })
      const done = fiber.pollUnsafe()
      const clocks = expiry({ working: deadline, waiting }, { state: turn.state, changed: () => changed })
      const exit =
        done ??
        (yield* restore(Effect.raceFirst(Fiber.await(fiber), clocks)).pipe(
          Effect.onInterrupt(() => Fiber.interrupt(fiber)),
        ))
      if (typeof exit === "string") {
        fiber.interruptUnsafe()
        // A few turns let a well-behaved grader release what it holds before the next item starts.
        for (let turn = 0; turn < 16 && fiber.pollUnsafe() === undefined; turn++) yield* Effect.yieldNow
        const limit = Duration.format(Duration.fromInputUnsafe(exit === "working" ? deadline : waiting))
        const what = exit === "working" ? `no verdict within ${limit}` : `waited ${limit} for its turn`
        return Verdict.unreached("timeout", `${name}: ${what}`)
      }
      if (exit._tag === "Success") return exit.value
      const error = Cause.squash(exit.cause)
      if (error instanceof VerifierError && error.timeout === true) return Verdict.unreached("timeout", error.message)
      return Verdict.unreached(
        "error",
        error instanceof VerifierError ? error.message : `${name}: ${explain(exit.cause)}`,
      )
    }),
  )

/**
 * A verifier from a grader. A ground truth that does not decode, an exception and a failure are verdicts of status
 * `error`; a verdict with a score that is not finite is one too.
 *
 * @category constructors
 */
export const define = <A>(grader: Grader<A>, options: Options = {}): VerifierService => {
  const decode = Schema.decodeUnknownResult(grader.answer)
  const { name } = grader
  const judge = (problem: Problem.Problem, response: Response) =>
    Effect.suspend((): Effect.Effect<Verdict.Verdict, VerifierError> => {
      const answer = decode(problem.answer)
      if (Result.isFailure(answer)) {
        const reason = `problem ${problem.id}: ground truth does not decode: ${answer.failure.message}`
        return Effect.fail(new VerifierError({ verifier: name, reason }))
      }
      const graded = grader.grade(answer.success, response.text, problem)
      return (Effect.isEffect(graded) ? graded : Effect.succeed(graded)).pipe(
        Effect.filterOrFail(
          ({ score }) => Verdict.scoreRefusal(score) === null,
          ({ score }) => new VerifierError({ verifier: name, reason: `score ${Verdict.scoreRefusal(score)}` }),
        ),
      )
    })
  return { verify: (problem, response) => within(judge(problem, response), name, options) }
}

/** The verifier of a grader, as a layer. @category layers */
export const layer = <A>(grader: Grader<A>, options: Options = {}): Layer.Layer<Verifier> =>
  Layer.succeed(Verifier, define(grader, options))

/** One thing to verify. @category models */
export interface Item {
  readonly problem: Problem.Problem
  readonly completion: Response
}

/** @category models */
export interface BatchOptions extends Options {
  /** Verifications running at once, >= 1. Default 16. */
  readonly concurrency?: number
}

const verifyWithin = (verifier: VerifierService, { completion, problem }: Item, options: Options) =>
  within(
    Effect.suspend(() => verifier.verify(problem, completion)),
    problem.task,
    options,
  )

/**
 * Verifies items as they come, at most `concurrency` at once: one verdict per item, in the order of the items. An item that takes
 * its whole deadline does not stop those after it until there are 64 times `concurrency` of them.
 *
 * @category combinators
 */
export const stream = <E, R>(
  verifier: VerifierService,
  items: Stream.Stream<Item, E, R>,
  options: BatchOptions = {},
): Stream.Stream<Verdict.Verdict, E, R> =>
  inOrder(items, (item) => verifyWithin(verifier, item, options), options.concurrency ?? 16)

/**
 * Verifies a list, at most `concurrency` at once: one verdict per item, in the order of the items, each within its own
 * deadline, which starts when its turn comes.
 *
 * @category combinators
 */
export const batch = (
  verifier: VerifierService,
  items: ReadonlyArray<Item>,
  options: BatchOptions = {},
): Effect.Effect<Array<Verdict.Verdict>> =>
  Effect.forEach(items, (item) => verifyWithin(verifier, item, options), { concurrency: options.concurrency ?? 16 })
