/** results.json: the findings of a study, and how it was made. */
import { Schema } from "effect"
import { Scale } from "./Arm.ts"
import { Judged, Row } from "./Judge.ts"

const Numbers = Schema.Array(Schema.Finite)

/** @category models */
export const Results = Schema.Struct({
  study: Schema.Struct({
    name: Schema.String,
    scale: Scale,
    seeds: Numbers,
    tuningPreset: Schema.String,
    tuningSeeds: Numbers,
    rates: Numbers,
  }),
  made: Schema.Struct({
    command: Schema.String,
    commit: Schema.String,
    /** The class of the machine, not its name. */
    machine: Schema.String,
    date: Schema.String,
    /** Processor time of all runs. */
    seconds: Schema.Finite,
  }),
  runs: Schema.Struct({
    reported: Schema.Int,
    tuning: Schema.Int,
    /** Axes that were not run. */
    missing: Schema.Array(Schema.String),
  }),
  /** Standard deviation of one seed, by metric, pooled over arms. */
  spread: Schema.Record(Schema.String, Schema.Finite),
  /** Learning rate of each method. */
  rates: Schema.Record(Schema.String, Schema.Finite),
  axes: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      asks: Schema.String,
      claims: Schema.Array(Judged),
      rows: Schema.Array(Row),
    }),
  ),
})
/** @category models */
export interface Results extends Schema.Schema.Type<typeof Results> {}
