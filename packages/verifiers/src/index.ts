/**
 * Verifiable rewards: the `Verifier` service, its combinators, and a task for each domain.
 *
 * @packageDocumentation
 */
// Judging. The service stands with the domain, so that the loop needs none of the graders below.
export * as Verifier from "@lpo/rollout/Verifier"
export * as VerifierError from "@lpo/rollout/VerifierError"
export * as Compose from "./Compose.ts"
// Tasks.
export * as Task from "./Task.ts"
export * as Tasks from "./Tasks.ts"
export * as Thinking from "./Thinking.ts"
export * as Countdown from "./tasks/Countdown.ts"
export * as MathGrade from "./math/Grade.ts"
export * as Mathematics from "./tasks/Mathematics.ts"
export * as Code from "./tasks/Code.ts"
export * as Geometry3k from "./tasks/Geometry3k.ts"
// Where programs run.
export * as Sandbox from "./sandbox/Sandbox.ts"
export * as AutoSandbox from "./sandbox/AutoSandbox.ts"
export * as EmbeddedSandbox from "./sandbox/EmbeddedSandbox.ts"
export * as NativeSandbox from "./sandbox/NativeSandbox.ts"
export * as SandboxFusion from "./sandbox/SandboxFusion.ts"
// Verdicts over HTTP.
export * as RewardServer from "./server/RewardServer.ts"
export * as Row from "./server/Row.ts"
