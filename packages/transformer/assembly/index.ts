// The companion kernels: one module on the TensorFlow.js WASM backend's own memory.
export { gemm, gemmTransposed } from "./gemm"
export { attention, attentionBackward } from "./attention"
export { rmsNorm, rmsNormBackward, rope, swiGlu, swiGluBackward } from "./elementwise"
