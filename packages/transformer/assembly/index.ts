// The companion kernels: one module on the TensorFlow.js WASM backend's own memory.
export { gemm, gemmTransposed } from "./gemm"
export { attention, attentionBackward } from "./attention"
export { rmsNorm, rmsNormBackward, rope, swiGlu, swiGluBackward } from "./elementwise"
export { panelProduct, panelProductAdd } from "./panels"
export { decodeAttend, decodeEmbed, decodeGate, decodeHeadNorm, decodeNorm, decodeRotate, decodeStore } from "./decode"
export { drawMasses, drawTokens } from "./draw"
