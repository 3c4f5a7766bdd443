/**
 * Options that follow a schedule, in plain JSON. Instead of an option's value, give one of
 *
 *     { "schedule": "linear", "from": 1, "to": 0.2, "over": 100 }            or "cosine"; numbers
 *     { "schedule": "blend", "first": "forward-kl", "second": "reverse-kl" }  divergences; "from", "to": the weight of the second
 *     { "schedule": "pieces", "pieces": [{ "from": 0, "value": "forward-kl" }, { "from": 0.5, "value": "reverse-kl" }] }
 *     { "schedule": "switch", "metric": "entropy", "fallAt": 0.3, "riseAt": 0.6, "low": 1, "high": 0.5, "start": "high" }
 *
 * Progress goes from 0 at the first step to 1 at step `over`, by default the last step of the run.
 *
 * @module
 */
import { Schedule } from "@lpo/simplex"
import { Schema } from "effect"
import * as Objective from "../Objective.ts"
import * as Options from "./Options.ts"

const Share = Schema.Finite.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 1 })))
const Over = Options.optional(Schema.NullOr(Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(2)))), null)

/** A number that moves from one value to another. */
const Ramp = Schema.Struct({
  schedule: Schema.Literals(["linear", "cosine"]),
  from: Options.Positive,
  to: Options.Positive,
  /** Its number of steps; null for the whole run. */
  over: Over,
})

/** From one divergence to another: the weight of the second goes from `from` to `to`. */
const Blend = Schema.Struct({
  schedule: Schema.Literal("blend"),
  first: Options.DivergenceName,
  second: Options.DivergenceName,
  shape: Options.optional(Schema.Literals(["linear", "cosine"]), "linear"),
  from: Options.optional(Share, 0),
  to: Options.optional(Share, 1),
  over: Over,
})

const pieces = <A>(value: Schema.Codec<A>) =>
  Schema.Struct({
    schedule: Schema.Literal("pieces"),
    /** Each applies from its own progress on; the first from 0. */
    pieces: Schema.Array(Schema.Struct({ from: Share, value })).pipe(
      Schema.check(
        Schema.makeFilter((list) =>
          list.length > 0 && list.every(({ from }, i) => (i === 0 ? from === 0 : from > list[i - 1].from && from < 1))
            ? undefined
            : "pieces must start at 0 and rise, all below 1",
        ),
      ),
    ),
    over: Over,
  })

const switched = <A>(value: Schema.Codec<A>) =>
  Schema.Struct({
    schedule: Schema.Literal("switch"),
    /** A number of the step's report, such as `entropy` or `passRate`. */
    metric: Schema.String,
    fallAt: Schema.Finite,
    riseAt: Schema.Finite,
    low: value,
    high: value,
    start: Options.optional(Schema.Literals(["low", "high"]), "low"),
  }).pipe(
    Schema.check(
      Schema.makeFilter(({ fallAt, riseAt }) =>
        fallAt <= riseAt ? undefined : `fallAt is ${fallAt}; it must not be above riseAt, which is ${riseAt}`,
      ),
    ),
  )

/** A temperature, or the schedule of one. @category schemas */
export const Tau = Schema.Union([Options.Tau, Ramp, pieces(Options.Tau), switched(Options.Tau)])

/** A positive number, or the schedule of one. @category schemas */
export const Positive = Schema.Union([Options.Positive, Ramp, pieces(Options.Positive), switched(Options.Positive)])

/** A divergence by its name, or the schedule of one. @category schemas */
export const Divergence = Schema.Union([
  Options.DivergenceName,
  Blend,
  pieces(Options.DivergenceName),
  switched(Options.DivergenceName),
])

type Scheduled = Exclude<typeof Tau.Type | typeof Positive.Type | typeof Divergence.Type, string | number>

const isScheduled = (option: unknown): option is Scheduled =>
  typeof option === "object" && option !== null && "schedule" in option

const progress = ({ step, steps }: Objective.Moment, over: number | null): number => {
  const last = (over ?? steps) - 1
  return last > 0 ? step / last : 0
}

const shapes = { linear: Schedule.linear, cosine: Schedule.cosine }
const hysteresis = (option: Extract<Scheduled, { schedule: "switch" }>) => Schedule.hysteresis<string | number>(option)

/** The value of an option at this point of training: a plain setting of the same option. */
const valueOf = (key: string, option: Scheduled, moment: Objective.Moment): string | number => {
  switch (option.schedule) {
    case "linear":
    case "cosine":
      return shapes[option.schedule](option.from, option.to)(progress(moment, option.over))
    case "blend":
      return Schedule.blend(
        Options.readDivergence(option.first),
        Options.readDivergence(option.second),
        shapes[option.shape](option.from, option.to),
      )(progress(moment, option.over)).name
    case "pieces":
      return Schedule.piecewise(option.pieces.map(({ from, value }) => [from, Schedule.constant(value)] as const))(
        progress(moment, option.over),
      )
    case "switch":
      return hysteresis(option).value(moment.state[key] ?? option.start)
  }
}

/** Options without schedules. @category models */
export type Settled<O> = { readonly [K in keyof O]: Exclude<O[K], Scheduled> }

/**
 * An objective whose options may follow schedules, from the function that makes it from plain ones. Without a schedule it is that
 * function's objective; with one, it is its `curriculum`, and `evaluate` refuses.
 *
 * @category constructors
 */
export const make = <O extends object>(
  options: O,
  makeSettled: (options: Settled<O>) => Objective.Objective,
): Objective.Objective => {
  const scheduled = Object.entries(options).filter((entry): entry is [string, Scheduled] => isScheduled(entry[1]))
  const switches = scheduled.flatMap(([key, option]) => (option.schedule === "switch" ? [[key, option] as const] : []))
  if (scheduled.length === 0) return makeSettled(options as Settled<O>)
  const at = (moment: Objective.Moment): Objective.InForce => {
    const values = Object.fromEntries(scheduled.map(([key, option]) => [key, valueOf(key, option, moment)]))
    return { objective: makeSettled({ ...options, ...values } as Settled<O>), values }
  }
  const start = Object.fromEntries(switches.map(([key, option]) => [key, option.start]))
  const first = at({ step: 0, steps: 1, state: start }).objective
  return {
    ...first,
    curriculum: {
      start,
      at,
      next: (state, metrics) =>
        Object.fromEntries(
          switches.map(([key, option]) => {
            const measured = metrics[option.metric]
            const side = state[key] ?? option.start
            return [key, typeof measured === "number" ? hysteresis(option).next(side, measured) : side]
          }),
        ),
    },
    evaluate: () =>
      Objective.need<Objective.ObjectiveResult>(
        first.name,
        "the moment of its schedule",
        undefined,
        "evaluate Objective.at(objective, { step, steps, state }).objective",
      ),
  }
}
