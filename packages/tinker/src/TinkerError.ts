/**
 * What can go wrong between this client and a Tinker server, one class per boundary crossed. Messages never contain the key.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { Schema } from "effect"

/** The server could not be reached, or went silent, for as long as the client tries. @category errors */
export class ConnectionError extends Schema.TaggedError<ConnectionError>()("ConnectionError", {
  operation: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.operation}: ${this.reason}`
  }
}

/** The server refused a request with an HTTP status. @category errors */
export class RequestError extends Schema.TaggedError<RequestError>()("RequestError", {
  operation: Schema.String,
  status: Schema.Int,
  reason: Schema.String,
  /** Tries before this one; an earlier one may have been carried out. */
  attempt: Schema.Int,
}) {
  override get message(): string {
    return `${this.operation}: the server answered ${this.status}: ${this.reason}`
  }
}

/** The server took a request, and says that carrying it out failed; final. @category errors */
export class OperationError extends Schema.TaggedError<OperationError>()("OperationError", {
  operation: Schema.String,
  category: Schema.Literals(["unknown", "server", "user"]),
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.operation} failed on the server (${this.category}): ${this.reason}`
  }
}

/** An answer that does not fit the protocol; `path` is the offending place. @category errors */
export class ProtocolError extends Schema.TaggedError<ProtocolError>()("ProtocolError", {
  operation: Schema.String,
  path: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.operation}: the answer does not fit the protocol${this.path === "" ? "" : ` at ${this.path}`}: ${this.reason}`
  }
}

/**
 * Whether the server carried out a request is not known and it may not be sent twice, so the model's state is not known
 * either: restore a checkpoint.
 *
 * @category errors
 */
export class UncertainError extends Schema.TaggedError<UncertainError>()("UncertainError", {
  operation: Schema.String,
  reason: Schema.String,
}) {
  override get message(): string {
    return `${this.operation}: ${this.reason}; the model's state on the server is not known, so restore a checkpoint`
  }
}

/**
 * The server's gradient does not respond as LPO's must: `whole` (a response of four tokens), `split` (the same tokens over two
 * datums) and `doubled` (twice the weight) are the measured responses; equal, and double, is right.
 *
 * @category errors
 */
export class ConformanceError extends Schema.TaggedError<ConformanceError>()("ConformanceError", {
  profile: Schema.String,
  form: Schema.String,
  whole: Schema.Number,
  split: Schema.Number,
  doubled: Schema.Number,
  reason: Schema.String,
}) {
  override get message(): string {
    return `profile ${this.profile}, form ${this.form}: ${this.reason} (measured: whole ${this.whole}, split ${this.split}, doubled ${this.doubled}); choose the profile of the server that is really running`
  }
}

/** @category errors */
export type TinkerError =
  | ConnectionError
  | RequestError
  | OperationError
  | ProtocolError
  | UncertainError
  | ConformanceError
