/** Everything that can go wrong between a dataset and a sampled group. */
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

/** A dataset could not be read, or a row of it does not decode. @category errors */
export class DatasetError extends Schema.TaggedError<DatasetError>()("DatasetError", {
  source: Schema.String,
  row: Schema.NullOr(Schema.Int),
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.source}${this.row === null ? "" : `, row ${this.row}`}: ${this.reason}`
  }
}
