// The companion kernels: one module on the TensorFlow.js WASM backend's own memory.
export { gemm } from "./few"
export { linear, linearInput, linearWeight } from "./gemm"
export { attention, attentionBackward } from "./attention"
export {
  add, addRows, addToRows, gatherRows, rmsNorm, rmsNormBackward, rope, scatterRows, swiGlu, swiGluBackward,
} from "./elementwise"
export { headBackward, headForward } from "./head"
export { addBias, panelProduct } from "./panels"
export { decodeAttend, decodeEmbed, decodeGate, decodeHeadNorm, decodeNorm, decodeRotate, decodeStore } from "./decode"
export { drawMasses, drawTokens } from "./draw"
