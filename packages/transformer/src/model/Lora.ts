/**
 * Low-rank adaptation (Hu et al. 2021): a frozen linear map W [out, in] is used as W + (alpha / rank) B A, and only A [rank, in] and
 * B [out, rank] learn. Dropout is 0.
 *
 * The sum is formed whenever the adapter changed, so that sampling, log-probs and the backward pass by activations run on one
 * matrix, as for a model without adapter; the gradient G of the sum gives that of A as (alpha / rank) B^T G and that of B as
 * (alpha / rank) G A^T, both computed without forming G.
 *
 * @module
 */
import * as Seed from "@lpo/rollout/Seed"
import { Schema } from "effect"
import type { ModelConfig } from "./ModelConfig.ts"
import * as Parameters from "./Parameters.ts"
import * as Tensors from "./Tensors.ts"

type Leaf<Name extends string> = Name extends `${string}.${infer Last}` ? Leaf<Last> : Name
/** @category models */
export type Module = Leaf<(typeof Tensors.ofLayer)[Tensors.LinearKey]["name"]>

const moduleOf = (key: Tensors.LinearKey): Module => Tensors.ofLayer[key].name.split(".").at(-1) as Module

/** Linear maps that can have an adapter, by their names in PEFT. @category models */
export const modules: ReadonlyArray<Module> = Tensors.linearKeys.map(moduleOf)

/** @category models */
export const LoraConfig = Schema.Struct({
  rank: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_536 })),
  /** B A is multiplied by `alpha / rank`. */
  alpha: Schema.Finite.check(Schema.isGreaterThan(0)),
  /** Which maps of every layer have an adapter. */
  targets: Schema.Array(Schema.Literals(modules)).check(Schema.isMinLength(1)),
})
/** @category models */
export type LoraConfig = typeof LoraConfig.Type

/** An adapter: where its tensors lie is {@link layout}. @category models */
export interface Adapter {
  readonly config: LoraConfig
  /** The flat vector. */
  readonly values: Float32Array
}

/** What B A is multiplied by. @category combinators */
export const scale = ({ alpha, rank }: LoraConfig): number => alpha / rank

/** `model.layers.<i>.<map>.lora_A.weight` and `.lora_B.weight` of every target, as one flat vector. @category constructors */
export const layout = (config: ModelConfig, lora: LoraConfig): ReadonlyArray<Parameters.Slot> => {
  const { rank, targets } = lora
  const adapted = Tensors.linearKeys.filter((key) => targets.includes(moduleOf(key)))
  return Parameters.place(
    Array.from({ length: config.num_hidden_layers }, (_, layer) =>
      adapted.flatMap((key): ReadonlyArray<Pick<Parameters.Slot, "name" | "shape">> => {
        const [out, input] = Tensors.shapeOf(config, key)
        const name = Tensors.nameOf(config, layer, key)
        return [
          { name: `${name}.lora_A.weight`, shape: [rank, input] },
          { name: `${name}.lora_B.weight`, shape: [out, rank] },
        ]
      }),
    ).flat(),
  )
}

/**
 * A fresh adapter, which changes nothing yet: A uniform in +-1 / sqrt(in) from streams `<seed>/lora/<tensor>`, B at 0, as in PEFT.
 *
 * @category constructors
 */
export const initialise = (config: ModelConfig, lora: LoraConfig, seed: string): Adapter => {
  const slots = layout(config, lora)
  const values = new Float32Array(Parameters.count(slots))
  for (const { name, offset, shape, size } of slots) {
    if (name.endsWith("lora_B.weight")) continue
    const random = Seed.stream(`${seed}/lora/${name}`)
    const bound = 1 / Math.sqrt(shape[1] ?? 1)
    for (let i = 0; i < size; i++) values[offset + i] = bound * (2 * random.uniform() - 1)
  }
  return { config: lora, values }
}

/** Adds `factor * b a` to w [out, in], in place; b is [out, rank], a is [rank, in]. @category operations */
export const addProduct = (w: Float32Array, b: Float32Array, a: Float32Array, rank: number, factor: number): void => {
  const width = a.length / rank
  const row = new Float64Array(width)
  for (let o = 0; o < w.length / width; o++) {
    row.fill(0)
    for (let r = 0; r < rank; r++) {
      const x = factor * b[o * rank + r]
      if (x === 0) continue
      for (let i = 0; i < width; i++) row[i] += x * a[r * width + i]
    }
    for (let i = 0; i < width; i++) w[o * width + i] += row[i]
  }
}

/** The model with the adapter added to its weights: plain parameters again. @category operations */
export const merge = (config: ModelConfig, base: Float32Array, adapter: Adapter): Float32Array => {
  const merged = base.slice()
  const slots = new Map(layout(config, adapter.config).map((slot) => [slot.name, slot]))
  for (const { name, offset, size } of Parameters.layout(config)) {
    const pair = pairOf(adapter, slots, name)
    if (pair === null) continue
    addProduct(merged.subarray(offset, offset + size), pair.b, pair.a, adapter.config.rank, scale(adapter.config))
  }
  return merged
}

/** A and B of the linear map whose weight is called `name`, or null. @category combinators */
export const pairOf = (
  { values }: Adapter,
  slots: ReadonlyMap<string, Parameters.Slot>,
  name: string,
): { readonly a: Float32Array; readonly b: Float32Array } | null => {
  const stem = name.replace(/\.weight$/, "")
  const [a, b] = ["A", "B"].map((side) => slots.get(`${stem}.lora_${side}.weight`))
  if (a === undefined || b === undefined) return null
  return { a: values.subarray(a.offset, a.offset + a.size), b: values.subarray(b.offset, b.offset + b.size) }
}

/** Why an adapter does not fit a model, or null. @category combinators */
export const refusal = (config: ModelConfig, { config: lora, values }: Adapter): string | null => {
  const wanted = Parameters.count(layout(config, lora))
  return values.length === wanted
    ? null
    : `an adapter of rank ${lora.rank} on ${lora.targets.join(", ")} has ${wanted} parameters, got ${values.length}`
}
