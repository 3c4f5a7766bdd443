/** The parameters as tensors on the backend, made anew whenever the flat vector changed. */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor1D } from "@tensorflow/tfjs-core"
import type { ModelConfig } from "./ModelConfig.ts"
import type { LinearWeight } from "./ops/Ops.ts"
import * as Parameters from "./Parameters.ts"

/** @category models */
export interface LayerWeights {
  readonly inputNorm: Tensor1D
  readonly q: LinearWeight
  readonly k: LinearWeight
  readonly v: LinearWeight
  readonly o: LinearWeight
  readonly postNorm: Tensor1D
  readonly gate: LinearWeight
  readonly up: LinearWeight
  readonly down: LinearWeight
}

/** @category models */
export interface Weights {
  readonly embedding: LinearWeight
  readonly layers: ReadonlyArray<LayerWeights>
  readonly norm: Tensor1D
  readonly dispose: () => void
}

/** Uploads `values` (the flat vector of `Parameters.layout`). @category constructors */
export const upload = (config: ModelConfig, values: Float32Array): Weights => {
  const slots = new Map(Parameters.layout(config).map((slot) => [slot.name, slot]))
  const owned: Array<tf.Tensor> = []
  const read = (name: string) => {
    const slot = slots.get(name)
    if (slot === undefined) throw new RangeError(`no parameter is called ${name}`)
    return { data: values.slice(slot.offset, slot.offset + slot.size), shape: slot.shape }
  }
  const vector = (name: string): Tensor1D => {
    const tensor = tf.tensor1d(read(name).data)
    owned.push(tensor)
    return tensor
  }
  const linear = (name: string): LinearWeight => {
    const { data, shape } = read(name)
    const w = tf.tensor2d(data, shape as [number, number])
    const wT = tf.transpose(w)
    owned.push(w, wT)
    return { w, wT }
  }
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i): LayerWeights => {
    const p = `model.layers.${i}`
    return {
      inputNorm: vector(`${p}.input_layernorm.weight`),
      q: linear(`${p}.self_attn.q_proj.weight`),
      k: linear(`${p}.self_attn.k_proj.weight`),
      v: linear(`${p}.self_attn.v_proj.weight`),
      o: linear(`${p}.self_attn.o_proj.weight`),
      postNorm: vector(`${p}.post_attention_layernorm.weight`),
      gate: linear(`${p}.mlp.gate_proj.weight`),
      up: linear(`${p}.mlp.up_proj.weight`),
      down: linear(`${p}.mlp.down_proj.weight`),
    }
  })
  return {
    embedding: linear("model.embed_tokens.weight"),
    layers,
    norm: vector("model.norm.weight"),
    dispose: () => {
      for (const tensor of owned) tensor.dispose()
    },
  }
}
