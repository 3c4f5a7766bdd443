/**
 * Trackers: external programs that draw a run's curves. `events.jsonl` stays the source of truth; a tracker gets its content, and
 * catches up on what it has missed when it is back. None can stop or delay a run: points wait in a separate queue, a tracker
 * that fails is retried a limited number of times, and the failure is reported once.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { Clock, Duration, Effect, Fiber, Queue, Result, Schedule, Schema, Scope, Semaphore } from "effect"
import type { Config, Run } from "../RunStore.ts"
import type { StepReport } from "../StepReport.ts"

/** A tracker could not be reached; the run continues. `transient`: a retry may succeed. @category errors */
export class TrackerError extends Schema.TaggedError<TrackerError>()("TrackerError", {
  tracker: Schema.String,
  reason: Schema.String,
  transient: Schema.Boolean,
}) {
  override get message(): string {
    return `tracker ${this.tracker}: ${this.reason}`
  }
}

/** Values of one step, by name: `train/reward`, `eval/pass_at_1`. @category models */
export interface Point {
  readonly step: number
  /** Milliseconds since 1970. */
  readonly time: number
  readonly values: Readonly<Record<string, number>>
}

/** The part of a run that a tracker sees. @category models */
export interface Opening {
  /** Its name, from its folder. */
  readonly name: string
  /** Its folder. */
  readonly folder: string
  readonly config: Config
  /** Steps taken when the run was opened; later steps were dropped, and are taken again. */
  readonly step: number
  /** The tracker's `state` when it was last opened; null the first time. */
  readonly state: unknown
}

/** An open tracker. @category models */
export interface Opened {
  /** Plain JSON that it needs when the run is resumed, such as the run's id on its server. */
  readonly state: unknown
  /** The last step for which it has a value of this name; -1 for none. */
  readonly last: (name: string) => number
  readonly send: (points: ReadonlyArray<Point>) => Effect.Effect<void, TrackerError>
  /** Called when the run ends or is stopped. */
  readonly close: (finished: boolean) => Effect.Effect<void, TrackerError>
}

/** @category models */
export interface Tracker {
  readonly name: string
  readonly open: (run: Opening) => Effect.Effect<Opened, TrackerError, Scope.Scope>
}

/**
 * The numbers of a report by name: null is omitted, a list becomes its length, a scheduled option becomes `scheduled/<option>`.
 * @category combinators
 */
export const valuesOf = (report: object): Readonly<Record<string, number>> => {
  const out: Record<string, number> = {}
  const walk = (value: unknown, path: string): void => {
    if (typeof value === "number" && Number.isFinite(value)) out[path] = value
    else if (typeof value === "boolean") out[path] = value ? 1 : 0
    else if (Array.isArray(value)) out[path] = value.length
    else if (typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}/${key}`)
  }
  for (const [key, value] of Object.entries(report)) if (key !== "step") walk(value, `train/${key}`)
  return out
}

/** The delivery of points. @category models */
export interface Delivery {
  /** Attempts at a delivery before the tracker is left alone for `pause`. Default 4. */
  readonly attempts?: number
  /** Wait before the second attempt; it doubles with each further one. Default 1 second. */
  readonly delay?: Duration.Input
  /** Pause after a tracker failed. Default 1 minute. */
  readonly pause?: Duration.Input
  /** How long the end of a run waits for a tracker. Default 15 seconds. */
  readonly patience?: Duration.Input
  /** Largest number of waiting points; the oldest make room. Default 100,000. */
  readonly most?: number
}

/** The outcome of a tracker. @category models */
export interface Standing {
  readonly tracker: string
  /** Points delivered, and points that are waiting or were dropped. */
  readonly delivered: number
  readonly missing: number
  /** Deliveries that failed after all attempts. */
  readonly failures: number
  /** Reason of the last failure. */
  readonly reason: string | null
}

/** The trackers of a run. @category models */
export interface Trackers {
  /** Never fails and never waits. */
  readonly add: (point: Point) => Effect.Effect<void>
  /** Sends a step's report, with the current time. */
  readonly report: (report: StepReport) => Effect.Effect<void>
  /** Waits for deliveries in progress, at most `patience`. */
  readonly settle: (finished: boolean) => Effect.Effect<ReadonlyArray<Standing>>
}

const file = "trackers.json"
const States = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))

/** Estimated times of undelivered reports: counted back from now by the duration of each step. */
const dated = (events: ReadonlyArray<StepReport>, now: number): ReadonlyArray<Point> => {
  let time = now
  return events
    .toReversed()
    .map((report): Point => {
      const point = { step: report.step, time, values: valuesOf(report) }
      time -= 1000 * (report.secondsLearning + report.secondsLearnerIdle)
      return point
    })
    .reverse()
}

/** The points that a tracker has not seen: on a resume, steps are taken again. */
const unseen = (points: ReadonlyArray<Point>, last: Opened["last"]): ReadonlyArray<Point> =>
  points.flatMap((point) => {
    const values = Object.entries(point.values).filter(([name]) => last(name) < point.step)
    return values.length === 0 ? [] : [{ ...point, values: Object.fromEntries(values) }]
  })

/**
 * Opens trackers on a run, until the scope closes. `onTrouble` is called once per tracker that cannot be reached; the
 * run continues.
 *
 * @category constructors
 */
export const open = Effect.fn("Tracker.open")(function* (options: {
  readonly run: Run
  readonly name: string
  readonly config: Config
  readonly trackers: ReadonlyArray<Tracker>
  readonly onTrouble: (error: TrackerError) => Effect.Effect<void>
  readonly delivery?: Delivery
}) {
  const { config, name, onTrouble, run, trackers } = options
  const {
    attempts = 4,
    delay = "1 second",
    most = 100_000,
    patience = "15 seconds",
    pause = "1 minute",
  } = options.delivery ?? {}
  const step = run.resumeFrom?.step ?? 0
  const text = trackers.length === 0 ? null : yield* run.read(file)
  // A record that does not decode belongs to no tracker: each then starts over.
  const states: Record<string, unknown> =
    text === null ? {} : { ...Result.getOrElse(Schema.decodeUnknownResult(States)(text), () => ({})) }
  const retrying = Schedule.exponential(delay).pipe(
    Schedule.upTo({ times: attempts - 1 }),
    Schedule.setInputType<TrackerError>(),
    Schedule.while(({ input }) => input.transient),
  )

  const scope = yield* Scope.Scope
  const rest = Duration.toMillis(Duration.fromInputUnsafe(pause))

  const follow = Effect.fn("Tracker.follow")(function* (tracker: Tracker) {
    const signal = yield* Queue.sliding<boolean>(1)
    const turn = yield* Semaphore.make(1)
    const fail = (reason: string) => new TrackerError({ tracker: tracker.name, reason, transient: true })
    let opened: Opened | null = null
    let waiting: ReadonlyArray<Point> = []
    let [delivered, gone, failures] = [0, 0, 0]
    let reason: string | null = null
    let since = 0
    const opening = Effect.gen(function* () {
      const state = states[tracker.name] ?? null
      const made = yield* tracker.open({ name, folder: run.folder, config, step, state })
      const rows = yield* run.events
      const now = yield* Clock.currentTimeMillis
      // What it missed in earlier processes; in this one, everything is in the queue.
      const missed = dated(
        rows.filter((row) => row.step <= step),
        now,
      )
      waiting = unseen([...missed, ...waiting], made.last)
      if (JSON.stringify(state) !== JSON.stringify(made.state)) {
        states[tracker.name] = made.state
        yield* run.write(file, `${JSON.stringify(states, null, 2)}\n`)
      }
      opened = made
      return made
    }).pipe(
      Effect.provideService(Scope.Scope, scope),
      Effect.mapError((error) => (error._tag === "TrackerError" ? error : fail(error.message))),
    )
    const deliver = Effect.gen(function* () {
      const to: Opened = opened ?? (yield* opening)
      while (waiting.length > 0) {
        const batch = waiting.slice(0, 100)
        const fresh = unseen(batch, to.last)
        if (fresh.length > 0) yield* to.send(fresh)
        delivered += batch.length
        const sent = new Set(batch)
        waiting = waiting.filter((point) => !sent.has(point))
      }
    }).pipe(
      Effect.catchDefect((defect) => Effect.fail(fail(defect instanceof Error ? defect.message : String(defect)))),
      turn.withPermits(1),
    )
    const failed = (error: TrackerError) =>
      Effect.gen(function* () {
        failures++
        reason = error.reason
        since = yield* Clock.currentTimeMillis
        if (failures === 1) yield* onTrouble(error)
      })
    const worker = yield* Queue.take(signal).pipe(
      Effect.andThen(Clock.currentTimeMillis),
      Effect.flatMap((now) =>
        failures > 0 && now - since < rest ? Effect.void : deliver.pipe(Effect.retry(retrying), Effect.catch(failed)),
      ),
      Effect.forever,
      Effect.forkIn(scope),
    )
    const settle = (finished: boolean): Effect.Effect<Standing> =>
      deliver.pipe(
        Effect.andThen(Effect.suspend(() => opened?.close(finished) ?? Effect.void)),
        Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.fail(fail("no answer in time")) }),
        Effect.catch(failed),
        Effect.andThen(Fiber.interrupt(worker)),
        Effect.andThen(
          Effect.sync(() => ({
            tracker: tracker.name,
            delivered,
            missing: waiting.length + gone,
            failures,
            reason,
          })),
        ),
      )
    const add = (point: Point) =>
      Effect.suspend(() => {
        const all = [...waiting, point]
        gone += Math.max(0, all.length - most)
        waiting = all.slice(-most)
        return Effect.asVoid(Queue.offer(signal, true))
      })
    return { add, settle }
  })

  const followed = yield* Effect.forEach(trackers, follow)
  const add: Trackers["add"] = (point) => Effect.forEach(followed, (tracker) => tracker.add(point), { discard: true })
  const opened: Trackers = {
    add,
    report: (report) =>
      Effect.flatMap(Clock.currentTimeMillis, (time) => add({ step: report.step, time, values: valuesOf(report) })),
    settle: (finished) => Effect.forEach(followed, (tracker) => tracker.settle(finished), { concurrency: "unbounded" }),
  }
  return opened
})
