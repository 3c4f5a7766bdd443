/**
 * Verifiable rewards: the `Verifier` service, its combinators, and verifiers for the tasks of the field.
 *
 * @packageDocumentation
 */
export * as Code from "./Code.ts"
export * as CodeJudge from "./code/Judge.ts"
export * as CodeValue from "./code/Value.ts"
export * as Compose from "./Compose.ts"
export * as Countdown from "./Countdown.ts"
export * as EmbeddedSandbox from "./sandbox/EmbeddedSandbox.ts"
export * as Expression from "./countdown/Expression.ts"
export * as Expressions from "./countdown/Expressions.ts"
export * as Geometry3k from "./Geometry3k.ts"
export * as GroundTruth from "./code/GroundTruth.ts"
export * as Mathruler from "./geometry3k/Mathruler.ts"
export * as Numeric from "./geometry3k/Numeric.ts"
export * as Output from "./code/Output.ts"
export * as PrimeCode from "./code/PrimeCode.ts"
export * as Program from "./code/Extract.ts"
export * as Reference from "./countdown/Reference.ts"
export * as RewardServer from "./server/RewardServer.ts"
export * as Row from "./server/Row.ts"
export * as Sandbox from "./sandbox/Sandbox.ts"
export * as StandardTasks from "./StandardTasks.ts"
export * as Tasks from "./Tasks.ts"
export * as Verifier from "./Verifier.ts"
export * as VerifierError from "./VerifierError.ts"
