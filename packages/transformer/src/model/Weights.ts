/** The parameters as tensors on the backend, made anew whenever the flat vector changed. */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor1D } from "@tensorflow/tfjs-core"
import * as Lora from "./Lora.ts"
import { featuresOf, type ModelConfig } from "./ModelConfig.ts"
import type { LinearWeight } from "../ops/Ops.ts"
import * as Parameters from "./Parameters.ts"

/** A linear map of a layer. With an adapter, its weight is the sum with B A already, and only A and B learn. @category models */
export interface Projection extends LinearWeight {
  readonly adapter: { readonly a: LinearWeight; readonly b: LinearWeight; readonly scale: number } | null
}

/** @category models */
export interface LayerWeights {
  readonly inputNorm: Tensor1D
  readonly q: Projection
  readonly k: Projection
  readonly v: Projection
  readonly o: Projection
  /** Norms of the heads of queries and keys, [headSize], where the family has them. */
  readonly qNorm: Tensor1D | null
  readonly kNorm: Tensor1D | null
  readonly postNorm: Tensor1D
  readonly gate: Projection
  readonly up: Projection
  readonly down: Projection
}

/** @category models */
export interface Weights {
  /** What the last hidden states are multiplied with: the embedding itself where the two are tied. */
  readonly head: LinearWeight
  readonly layers: ReadonlyArray<LayerWeights>
  readonly norm: Tensor1D
  readonly dispose: () => void
}

/** The name of the head's tensor. @category combinators */
export const headName = (config: ModelConfig): string =>
  config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight"

/** Uploads `values` (the flat vector of `Parameters.layout`), with an adapter added to them. @category constructors */
export const upload = (config: ModelConfig, values: Float32Array, adapter: Lora.Adapter | null = null): Weights => {
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
  const matrix = <A>(data: Float32Array, shape: [number, number], bias: Tensor1D | null, adapter: A) => {
    const w = tf.tensor2d(data, shape)
    owned.push(w)
    let transposed: tf.Tensor2D | null = null
    return {
      w,
      bias,
      adapter,
      // Made on first use: training never asks for it.
      get wT(): tf.Tensor2D {
        if (transposed === null) {
          transposed = tf.keep(tf.transpose(w))
          owned.push(transposed)
        }
        return transposed
      },
    }
  }
  const adapterSlots = new Map(
    (adapter === null ? [] : Lora.layout(config, adapter.config)).map((slot) => [slot.name, slot]),
  )
  const linear = (name: string, bias: string | null = null): Projection => {
    const { data, shape } = read(name)
    const [out, input] = shape as [number, number]
    const own = bias === null ? null : vector(bias)
    const pair = adapter && Lora.pairOf(adapter, adapterSlots, name)
    if (adapter === null || pair === null) return matrix(data, [out, input], own, null)
    const { rank } = adapter.config
    const scale = Lora.scale(adapter.config)
    Lora.addProduct(data, pair.b, pair.a, rank, scale)
    const a = matrix(pair.a.slice(), [rank, input], null, null)
    const b = matrix(pair.b.slice(), [out, rank], null, null)
    return matrix(data, [out, input], own, { a, b, scale })
  }
  const { headNorm } = featuresOf(config)
  const biased = new Set(Parameters.linears(config).flatMap(({ bias, name }) => (bias ? [name] : [])))
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i): LayerWeights => {
    const p = `model.layers.${i}`
    const map = (name: Parameters.LinearName) =>
      linear(`${p}.${name}.weight`, biased.has(name) ? `${p}.${name}.bias` : null)
    return {
      inputNorm: vector(`${p}.input_layernorm.weight`),
      q: map("self_attn.q_proj"),
      k: map("self_attn.k_proj"),
      v: map("self_attn.v_proj"),
      o: map("self_attn.o_proj"),
      qNorm: headNorm ? vector(`${p}.self_attn.q_norm.weight`) : null,
      kNorm: headNorm ? vector(`${p}.self_attn.k_norm.weight`) : null,
      postNorm: vector(`${p}.post_attention_layernorm.weight`),
      gate: map("mlp.gate_proj"),
      up: map("mlp.up_proj"),
      down: map("mlp.down_proj"),
    }
  })
  return {
    head: linear(headName(config)),
    layers,
    norm: vector("model.norm.weight"),
    dispose: () => {
      for (const tensor of owned) tensor.dispose()
    },
  }
}
