/**
 * Verifiable rewards: the `Verifier` service, its combinators, and verifiers for the tasks of the field.
 *
 * @packageDocumentation
 */
export * as Compose from "./Compose.ts"
export * as Countdown from "./Countdown.ts"
export * as Expression from "./countdown/Expression.ts"
export * as Expressions from "./countdown/Expressions.ts"
export * as Geometry3k from "./Geometry3k.ts"
export * as Mathematics from "./Mathematics.ts"
export * as MathEquality from "./math/Equality.ts"
export * as MathExpression from "./math/Expression.ts"
export * as MathExtract from "./math/Extract.ts"
export * as MathReference from "./math/reference/index.ts"
export * as Reference from "./countdown/Reference.ts"
export * as RewardServer from "./server/RewardServer.ts"
export * as Row from "./server/Row.ts"
export * as StandardTasks from "./StandardTasks.ts"
export * as Tasks from "./Tasks.ts"
export * as Verifier from "./Verifier.ts"
export * as VerifierError from "./VerifierError.ts"
