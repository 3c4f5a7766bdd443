/**
 * Small language models in TensorFlow.js: a Llama-style decoder with explicit gradients, KV-cached sampling, AdamW, and the
 * layers that make it a `Sampler` and a `Learner`.
 *
 * @packageDocumentation
 */
export * as AdamW from "./AdamW.ts"
export * as Backend from "./Backend.ts"
export * as Generate from "./Generate.ts"
export { composed } from "./ops/Composed.ts"
export { make as fused } from "./ops/Fused.ts"
export * as Kernels from "./ops/Kernels.ts"
export type { Ops } from "./ops/Ops.ts"
export * as Lora from "./Lora.ts"
export * as MicroBatch from "./MicroBatch.ts"
export * as ModelConfig from "./ModelConfig.ts"
export * as ModelFiles from "./ModelFiles.ts"
export * as Pack from "./Pack.ts"
export * as Parameters from "./Parameters.ts"
export * as Policy from "./Policy.ts"
export * as Replica from "./Replica.ts"
export * as RotaryTables from "./RotaryTables.ts"
export * as Safetensors from "./Safetensors.ts"
export * as Supervised from "./Supervised.ts"
export * as Tokenizer from "./Tokenizer.ts"
export * as TransformerError from "./TransformerError.ts"
export * as TransformerLearner from "./TransformerLearner.ts"
export * as TransformerSampler from "./TransformerSampler.ts"
