// The companion kernels: one module on the TensorFlow.js WASM backend's own memory.
export { gemm } from "./few"
export { linear, linearInput, linearWeight } from "./gemm"
export { attention, attentionBackward } from "./attention"
export {
  add, addRows, addToRows, gatherRows, glu, gluBackward, rmsNorm, rmsNormBackward, rope, scatterRows, softCap, softCapBackward,
} from "./elementwise"
export { headBackward, headForward } from "./head"
export { addBias, panelProduct } from "./panels"
export {
  decodeAttend, decodeCap, decodeEmbed, decodeGate, decodeHeadNorm, decodeNorm, decodeNormAdd, decodeRotate, decodeStore,
} from "./decode"
export { drawMasses, drawTokens } from "./draw"
