/**
 * The best policy of a run, by one number: from the evaluations in the loop, `eval/pass_at_1`, or from the steps' reports,
 * `train/reward`. Its checkpoint is kept whatever comes later, and a run may end when nothing has beaten it for a while.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { Effect, Schema } from "effect"

/** @category models */
export const Options = Schema.Struct({
  /** Its name, as in trackers. A step's report counts only when a checkpoint is due, because every step has one. */
  metric: Schema.String,
  better: Schema.Literals(["higher", "lower"]),
  /** Comparisons in a row without a better policy before the run ends; null: it continues to its last step. */
  patience: Schema.NullOr(Schema.Int),
})
/** @category models */
export interface Options extends Schema.Schema.Type<typeof Options> {}

/** @category models */
export const State = Schema.Struct({
  /** Steps that the policy had taken. */
  step: Schema.Int,
  value: Schema.Finite,
  /** Comparisons since then, none of them better. */
  stood: Schema.Int,
})
/** @category models */
export interface State extends Schema.Schema.Type<typeof State> {}

/** The result of a comparison with the policy of a step; a tie is not an improvement. @category combinators */
export const compare = (state: State | null, { better }: Options, step: number, value: number): State =>
  state === null || (better === "higher" ? value > state.value : value < state.value)
    ? { step, value, stood: 0 }
    : { ...state, stood: state.stood + 1 }

/** Whether the run should end. @category predicates */
export const isOver = (state: State | null, options: Options | null): boolean =>
  state !== null && options !== null && options.patience !== null && state.stood >= options.patience

/** The file in a run's folder that says which policy is the best. @category io */
export const file = "best.json"

/** Its content. @category models */
export const Note = Schema.Struct({ ...Options.fields, step: Schema.Int, value: Schema.Finite })
/** @category models */
export interface Note extends Schema.Schema.Type<typeof Note> {}

const text = Schema.fromJsonString(Note)
const decode = Schema.decodeUnknownEffect(text)

/** Its text. @category io */
export const write = (options: Options, { step, value }: State): string =>
  `${JSON.stringify({ ...options, step, value }, null, 2)}\n`

/** Reads its text; fails with what is wrong with it, and what to do. @category io */
export const read = (json: string): Effect.Effect<Note, string> =>
  decode(json).pipe(
    Effect.mapError(
      ({ message }) =>
        `${file} is damaged (${message.replaceAll(/\s+/g, " ")}); remove it, and resuming writes it again`,
    ),
  )
