/**
 * Small language models in TensorFlow.js: a Llama-style decoder with explicit gradients, KV-cached sampling, AdamW, and the
 * layers that make it a `Sampler` and a `Learner`.
 *
 * @packageDocumentation
 */
export * as AdamW from "./AdamW.ts"
export * as Backend from "./Backend.ts"
export * as ChatTemplate from "./ChatTemplate.ts"
export * as Checkpoint from "./Checkpoint.ts"
export * as Generate from "./Generate.ts"
export { composed } from "./ops/Composed.ts"
export { make as fused } from "./ops/Fused.ts"
export * as HfTokenizer from "./HfTokenizer.ts"
export * as Hub from "./Hub.ts"
export * as Lora from "./Lora.ts"
export * as LoraFiles from "./LoraFiles.ts"
export * as Memory from "./Memory.ts"
export * as ModelConfig from "./ModelConfig.ts"
export * as ModelFiles from "./ModelFiles.ts"
export * as Parameters from "./Parameters.ts"
export * as Policy from "./Policy.ts"
export * as Replica from "./Replica.ts"
export * as RotaryTables from "./RotaryTables.ts"
export * as Safetensors from "./Safetensors.ts"
export * as Shards from "./Shards.ts"
export * as Supervised from "./Supervised.ts"
export * as Tokenizer from "./Tokenizer.ts"
export * as TransformerError from "./TransformerError.ts"
export * as TransformerLearner from "./TransformerLearner.ts"
export * as TransformerSampler from "./TransformerSampler.ts"
