/**
 * Verifiable rewards: the `Verifier` service and Countdown.
 *
 * @packageDocumentation
 */
export * as Countdown from "./Countdown.ts"
export * as Expression from "./countdown/Expression.ts"
export * as Expressions from "./countdown/Expressions.ts"
export * as Verifier from "./Verifier.ts"
