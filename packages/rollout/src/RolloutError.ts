/**
 * Everything that can go wrong between a dataset and a sampled group.
 *
 * @module
 */
import "./SupportedNode.ts"
import { Schema } from "effect"

/**
 * A sampler could not produce a group. `problem` is the id of the problem it was sampling, `reason` names the value,
 * the rule and the fix; `retryable` says whether asking again may help.
 *
 * @category errors
 */
export class SamplerError extends Schema.TaggedError<SamplerError>()("SamplerError", {
  problem: Schema.NullOr(Schema.String),
  reason: Schema.String,
  retryable: Schema.Boolean,
}) {
  override get message(): string {
    return this.problem === null ? this.reason : `problem ${this.problem}: ${this.reason}`
  }
}

/**
 * A dataset could not be read, or a row of it does not decode. `row` counts from 1, blank lines included in a file of JSON lines;
 * `line` and `column` (from 1) say where in a text file the fault is. All three are null where they are not known.
 *
 * @category errors
 */
export class DatasetError extends Schema.TaggedError<DatasetError>()("DatasetError", {
  source: Schema.String,
  row: Schema.NullOr(Schema.Int),
  line: Schema.NullOr(Schema.Int),
  column: Schema.NullOr(Schema.Int),
  reason: Schema.String,
}) {
  override get message(): string {
    const { column, line, reason, row, source } = this
    const place = [
      row === null ? "" : `, row ${row}`,
      line === null || line === row ? "" : `, line ${line}`,
      column === null ? "" : `, column ${column}`,
    ].join("")
    return `${source}${place}: ${reason}`
  }
}
