/**
 * The domain of LPO: problems, completions, verdicts, groups, and the service that samples them.
 *
 * @packageDocumentation
 */
export * as Completion from "./Completion.ts"
export * as Dataset from "./Dataset.ts"
export * as Environment from "./Environment.ts"
export * as Episodes from "./Episodes.ts"
export * as Group from "./Group.ts"
export * as Guarded from "./Guarded.ts"
export * as GuardedProcess from "./GuardedProcess.ts"
export * as LoggedGroup from "./LoggedGroup.ts"
export * as OpenAiSampler from "./openai/OpenAiSampler.ts"
export * as Problem from "./Problem.ts"
export * as Received from "./Received.ts"
export * as RegularFile from "./RegularFile.ts"
export * as RolloutError from "./RolloutError.ts"
export * as Sampler from "./Sampler.ts"
export * as SamplingParams from "./SamplingParams.ts"
export * as Seed from "./Seed.ts"
export * as Sequence from "./Sequence.ts"
export * as Terminal from "./Terminal.ts"
export * as Tool from "./Tool.ts"
export * as Trajectory from "./Trajectory.ts"
export * as Verdict from "./Verdict.ts"
