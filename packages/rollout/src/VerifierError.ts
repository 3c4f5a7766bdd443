/**
 * Everything that can keep a verifier from reaching a verdict.
 *
 * @module
 */
import "./SupportedNode.ts"
import { Schema } from "effect"

/**
 * A grader could not judge: `verifier` is its name, `reason` names the value, the rule and the fix. A verifier turns it
 * into a verdict of status `error`, or `timeout` when `timeout` is true; nobody else ever sees it.
 *
 * @category errors
 */
export class VerifierError extends Schema.TaggedError<VerifierError>()("VerifierError", {
  verifier: Schema.String,
  reason: Schema.String,
  timeout: Schema.optionalKey(Schema.Boolean),
}) {
  override get message(): string {
    return `${this.verifier}: ${this.reason}`
  }
}
