/**
 * Verifiable rewards: the `Verifier` service, its combinators, and verifiers for the tasks of the field.
 *
 * @packageDocumentation
 */
export * as Compose from "./Compose.ts"
export * as Countdown from "./Countdown.ts"
export * as Expression from "./countdown/Expression.ts"
export * as Expressions from "./countdown/Expressions.ts"
export * as Reference from "./countdown/Reference.ts"
export * as Tasks from "./Tasks.ts"
export * as Verifier from "./Verifier.ts"
export * as VerifierError from "./VerifierError.ts"
