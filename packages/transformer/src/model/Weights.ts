/** The parameters as tensors on the backend, made anew whenever the flat vector changed. */
import * as tf from "@tensorflow/tfjs-core"
import type { Tensor1D } from "@tensorflow/tfjs-core"
import * as Lora from "./Lora.ts"
import { gainOffset, type ModelConfig } from "./ModelConfig.ts"
import type { Head } from "../ops/LogProb.ts"
import type { LinearWeight } from "../ops/Ops.ts"
import * as Tensors from "./Tensors.ts"

/** A and B of an adapter, and with `dora` one over the lengths that learn and what the rows of the sum were multiplied with, [out] each. @category models */
export interface Adapter {
  readonly a: LinearWeight
  readonly b: LinearWeight
  readonly scale: number
  readonly rows: { readonly inverse: Tensor1D; readonly factors: Tensor1D } | null
}

/** A linear map. With an adapter, its weight has that in it already, and only what the adapter is made of learns. @category models */
export interface Projection extends LinearWeight {
  readonly adapter: Adapter | null
}

/** The tensors of a layer, by their keys in {@link Tensors.ofLayer}; null where the model lacks one. @category models */
export type LayerWeights = { readonly [K in Tensors.LinearKey]: Projection } & {
  readonly [K in Tensors.NormKey]: K extends Tensors.OptionalKey ? Tensor1D | null : Tensor1D
}

/** @category models */
export interface Weights {
  /** What the last hidden states are multiplied with: the embedding itself where the two are tied. */
  readonly head: Head & Projection
  /** That of the embedding, whose rows are read elsewhere. */
  readonly embedding: Adapter | null
  readonly layers: ReadonlyArray<LayerWeights>
  readonly norm: Tensor1D
  readonly dispose: () => void
}

/** Uploads `values` (the flat vector of `Parameters.layout`), with an adapter added to them. @category constructors */
export const upload = (config: ModelConfig, values: Float32Array, adapter: Lora.Adapter | null = null): Weights => {
  const owned: Array<tf.Tensor> = []
  const read = Lora.reader(config, values, adapter)
  const vector = (data: Float32Array): Tensor1D => {
    const tensor = tf.tensor1d(data)
    owned.push(tensor)
    return tensor
  }
  const offset = gainOffset(config)
  /** The gain of a norm. */
  const gain = (name: string): Tensor1D => {
    const { data } = read(name)
    return vector(offset === 0 ? data : data.map((weight) => offset + weight))
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
  const adapterOf = (pair: Lora.Pair | null): Adapter | null => {
    if (adapter === null || pair === null) return null
    const { a, b, rows } = pair
    const { rank } = adapter.config
    return {
      a: matrix(a.slice(), [rank, a.length / rank], null, null),
      b: matrix(b.slice(), [b.length / rank, rank], null, null),
      scale: Lora.scale(adapter.config),
      rows: rows && { inverse: vector(rows.lengths.map((length) => 1 / length)), factors: vector(rows.factors) },
    }
  }
  const linear = (name: string, [out, input]: readonly [number, number], bias: string | null = null): Projection => {
    const { data, pair } = read(name)
    return matrix(data, [out, input], bias === null ? null : vector(read(bias).data), adapterOf(pair))
  }
  const layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => {
    const norms = Tensors.normKeys.map((key) => {
      const name = `${Tensors.nameOf(config, layer, key)}.weight`
      return [key, Tensors.has(config, key) ? gain(name) : null]
    })
    const maps = Tensors.linearKeys.map((key) => {
      const name = Tensors.nameOf(config, layer, key)
      const bias = Tensors.biased(config, key) ? `${name}.bias` : null
      return [key, linear(`${name}.weight`, Tensors.shapeOf(config, key), bias)]
    })
    return Object.fromEntries([...norms, ...maps]) as LayerWeights
  })
  const head = linear(`${Tensors.head(config)}.weight`, [config.vocab_size, config.hidden_size])
  return {
    head: Object.assign(head, { cap: config.final_logit_softcapping ?? null }),
    embedding: config.tie_word_embeddings ? null : adapterOf(read(`${Tensors.embedding}.weight`).pair),
    layers,
    norm: gain(`${Tensors.lastNorm}.weight`),
    dispose: () => {
      for (const tensor of owned) tensor.dispose()
    },
  }
}
