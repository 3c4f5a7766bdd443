/**
 * A client of the Tinker training protocol (hosted Tinker, SkyRL, Twinkle), and the layers that make a server the `Sampler` and
 * the `Learner` of a training run.
 *
 * @packageDocumentation
 */
export * as Backoff from "./Backoff.ts"
export * as Conformance from "./Conformance.ts"
export * as Datum from "./Datum.ts"
export * as Encoding from "./Encoding.ts"
export * as Future from "./Future.ts"
export * as ImagePrompt from "./ImagePrompt.ts"
export * as Protobuf from "./Protobuf.ts"
export * as Protocol from "./Protocol.ts"
export * as SamplingSession from "./SamplingSession.ts"
export * as ServerProfile from "./ServerProfile.ts"
export * as TinkerClient from "./TinkerClient.ts"
export * as TinkerError from "./TinkerError.ts"
export * as TinkerLearner from "./TinkerLearner.ts"
export * as TinkerPolicy from "./TinkerPolicy.ts"
export * as TinkerSampler from "./TinkerSampler.ts"
export * as TrainingModel from "./TrainingModel.ts"
export * as Transport from "./Transport.ts"
