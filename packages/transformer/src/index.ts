/**
 * Small language models in TensorFlow.js: a Llama-style decoder with explicit gradients, KV-cached sampling, AdamW, and the
 * layers that make it a `Sampler` and a `Learner`.
 *
 * @packageDocumentation
 */
// A policy, and what works on one.
export * as Policy from "./Policy.ts"
export * as TransformerSampler from "./TransformerSampler.ts"
export * as TransformerLearner from "./TransformerLearner.ts"
export * as Frozen from "./Frozen.ts"
export * as AdapterPublisher from "./AdapterPublisher.ts"
export * as Supervised from "./Supervised.ts"
export * as ModelFiles from "./ModelFiles.ts"
export * as TransformerError from "./TransformerError.ts"
// model/: what is computed.
export * as ModelConfig from "./model/ModelConfig.ts"
export * as Parameters from "./model/Parameters.ts"
export * as Lora from "./model/Lora.ts"
// tokenizer/ and files/: checkpoints of others, and back.
export * as Tokenizer from "./tokenizer/Tokenizer.ts"
export * as Variables from "./tokenizer/Variables.ts"
export * as HfTokenizer from "./tokenizer/HfTokenizer.ts"
export * as Checkpoint from "./files/Checkpoint.ts"
export * as Hub from "./files/Hub.ts"
export * as LoraFiles from "./files/LoraFiles.ts"
export * as Safetensors from "./files/Safetensors.ts"
// decode/ and train/: how tokens are drawn, how parameters move.
export * as StopStrings from "./decode/StopStrings.ts"
export * as AdamW from "./train/AdamW.ts"
// device/ and workers/: where it runs.
export * as Backend from "./device/Backend.ts"
export * as Browser from "./Browser.ts"
export * as Engine from "./device/Engine.ts"
export * as WebGpu from "./device/WebGpu.ts"
export * as Cores from "./device/Cores.ts"
export * as Memory from "./device/Memory.ts"
export * as Replica from "./workers/Replica.ts"
