/** The parameters as tensors on the backend, made anew whenever the flat vector changed. */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor1D } from "@tensorflow/tfjs-core"
import * as Lora from "./Lora.ts"
import { gainOffset, type ModelConfig } from "./ModelConfig.ts"
import type { Head } from "../ops/LogProb.ts"
import type { LinearWeight } from "../ops/Ops.ts"
import * as Parameters from "./Parameters.ts"
import * as Tensors from "./Tensors.ts"

/** A linear map of a layer. With an adapter, its weight is the sum with B A already, and only A and B learn. @category models */
export interface Projection extends LinearWeight {
  readonly adapter: { readonly a: LinearWeight; readonly b: LinearWeight; readonly scale: number } | null
}

/** The tensors of a layer, by their keys in {@link Tensors.ofLayer}; null where the model lacks one. @category models */
export type LayerWeights = { readonly [K in Tensors.LinearKey]: Projection } & {
  readonly [K in Tensors.NormKey]: K extends Tensors.OptionalKey ? Tensor1D | null : Tensor1D
}

/** @category models */
export interface Weights {
  /** What the last hidden states are multiplied with: the embedding itself where the two are tied. */
  readonly head: Head
  readonly layers: ReadonlyArray<LayerWeights>
  readonly norm: Tensor1D
  readonly dispose: () => void
}

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
  const offset = gainOffset(config)
  /** The gain of a norm. */
  const gain = (name: string): Tensor1D => {
    const { data } = read(name)
    const tensor = tf.tensor1d(offset === 0 ? data : data.map((weight) => offset + weight))
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
  const layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => {
    const norms = Tensors.normKeys.map((key) => {
      const name = `${Tensors.nameOf(config, layer, key)}.weight`
      return [key, Tensors.has(config, key) ? gain(name) : null]
    })
    const maps = Tensors.linearKeys.map((key) => {
      const name = Tensors.nameOf(config, layer, key)
      return [key, linear(`${name}.weight`, Tensors.biased(config, key) ? `${name}.bias` : null)]
    })
    return Object.fromEntries([...norms, ...maps]) as LayerWeights
  })
  return {
    head: Object.assign(linear(`${Tensors.head(config)}.weight`), { cap: config.final_logit_softcapping ?? null }),
    layers,
    norm: gain(`${Tensors.lastNorm}.weight`),
    dispose: () => {
      for (const tensor of owned) tensor.dispose()
    },
  }
}
