/**
 * Low-rank adaptation (Hu et al. 2021): a frozen linear map W [out, in] is used as W + (alpha / rank) B A, and only A [rank, in] and
 * B [out, rank] learn. Dropout is 0. The embedding is such a map too, from one-hot rows: W [vocabulary, hidden] + (alpha / rank) B A.
 *
 * Modules in `saved` learn whole, beside the adapter. With `dora` (Liu et al. 2024) the length of every row of a sum learns by itself:
 * m V / |V| with V = W + (alpha / rank) B A, where |V|, row by row, counts as a constant for the gradient.
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

/** Those outside of the layers. @category models */
export const ends = ["embed_tokens", "lm_head"] as const

/** @category models */
export const LoraConfig = Schema.Struct({
  rank: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_536 })),
  /** B A is multiplied by `alpha / rank`. */
  alpha: Schema.Finite.check(Schema.isGreaterThan(0)),
  /** Which maps have an adapter: of every layer, and {@link ends}. */
  targets: Schema.Array(Schema.Literals([...modules, ...ends])).check(Schema.isMinLength(1)),
  /** Modules that learn whole, by their names in the model or ends of these, such as `lm_head`: PEFT's `modules_to_save`. */
  saved: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** Whether the length of every row learns by itself. Default false. */
  dora: Schema.optionalKey(Schema.Boolean),
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

/** The linear maps with an adapter, by their names in the model. */
const adapted = (config: ModelConfig, { targets }: LoraConfig) => {
  const keys = Tensors.linearKeys.filter((key) => targets.includes(moduleOf(key)))
  const ofLayers = Array.from({ length: config.num_hidden_layers }, (_, layer) =>
    keys.map((key) => ({ name: Tensors.nameOf(config, layer, key), shape: Tensors.shapeOf(config, key) })),
  ).flat()
  const shape = [config.vocab_size, config.hidden_size] as const
  const names = [Tensors.embedding, "lm_head"].filter((_, i) => targets.includes(ends[i]))
  return [...ofLayers, ...names.map((name) => ({ name, shape }))]
}

/** Whether a tensor belongs to a module that `key` names: as in PEFT, the name of the module, or of one around it, ends in it. */
const belongsTo = (tensor: string, key: string): boolean => {
  const parts = tensor.split(".").slice(0, -1)
  return parts.some((_, i) =>
    parts
      .slice(0, i + 1)
      .join(".")
      .endsWith(key),
  )
}

const savedTensors = (config: ModelConfig, { saved = [] }: LoraConfig) =>
  Tensors.all(config).filter(({ name }) => saved.some((key) => belongsTo(name, key)))

/**
 * `<map>.lora_A.weight` and `<map>.lora_B.weight` of every target, with `dora` `<map>.lora_magnitude_vector` too, and what learns whole
 * under its name in the model, as one flat vector.
 *
 * @category constructors
 */
export const layout = (config: ModelConfig, lora: LoraConfig): ReadonlyArray<Parameters.Slot> =>
  Parameters.place([
    ...adapted(config, lora).flatMap(({ name, shape: [out, input] }) => {
      const pair: Array<Pick<Parameters.Slot, "name" | "shape">> = [
        { name: `${name}.lora_A.weight`, shape: [lora.rank, input] },
        { name: `${name}.lora_B.weight`, shape: [out, lora.rank] },
      ]
      if (lora.dora === true) pair.push({ name: `${name}.lora_magnitude_vector`, shape: [out] })
      return pair
    }),
    ...savedTensors(config, lora),
  ])

/** The length of every row of w [rows, width]. */
const lengths = (w: Float32Array, rows: number): Float64Array => {
  const width = w.length / rows
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0
    for (let i = row * width; i < (row + 1) * width; i++) sum += w[i] * w[i]
    return Math.sqrt(sum)
  })
}

/**
 * A fresh adapter, which changes nothing yet: A uniform in +-1 / sqrt(in) from streams `<seed>/lora/<tensor>`, that of the embedding
 * normal, B at 0, as in PEFT. What learns whole, and the lengths of rows, begin as in `base`, the parameters; throws a `RangeError` where
 * these are needed and not given.
 *
 * @category constructors
 */
export const initialise = (
  config: ModelConfig,
  lora: LoraConfig,
  seed: string,
  base: Float32Array | null = null,
): Adapter => {
  const slots = layout(config, lora)
  const values = new Float32Array(Parameters.count(slots))
  const original = (name: string): Float32Array => {
    const slot = Parameters.layout(config).find((known) => known.name === name)
    if (base === null || slot === undefined)
      throw new RangeError(`${name} learns from where the model has it; give the model's parameters as base`)
    return base.subarray(slot.offset, slot.offset + slot.size)
  }
  for (const { name, offset, shape, size } of slots) {
    const [, stem, side] = /^(.*)\.lora_(A\.weight|B\.weight|magnitude_vector)$/.exec(name) ?? []
    if (stem === undefined) values.set(original(name), offset)
    if (side === "magnitude_vector") values.set(lengths(original(`${stem}.weight`), size), offset)
    if (side !== "A.weight") continue
    const random = Seed.stream(`${seed}/lora/${name}`)
    const bound = 1 / Math.sqrt(shape[1] ?? 1)
    const draw = stem === Tensors.embedding ? random.normal : () => bound * (2 * random.uniform() - 1)
    for (let i = 0; i < size; i++) values[offset + i] = draw()
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

/** A tensor of a model with an adapter: what is multiplied with, and what its gradient is made of. @category models */
export interface Adapted {
  readonly data: Float32Array
  /** Null where the tensor has no adapter. */
  readonly pair: Pair | null
}
/** @category models */
export interface Pair {
  readonly a: Float32Array
  readonly b: Float32Array
  /** With `dora`: the lengths that learn, and what every row of the sum was multiplied with to have them. */
  readonly rows: { readonly lengths: Float32Array; readonly factors: Float32Array } | null
}

/** What gives a model's tensors with an adapter, by their names, in memory of their own or in `to`. @category combinators */
export const reader = (config: ModelConfig, base: Float32Array, adapter: Adapter | null) => {
  const own = new Map(Parameters.layout(config).map((slot) => [slot.name, slot]))
  const more = new Map((adapter === null ? [] : layout(config, adapter.config)).map((slot) => [slot.name, slot]))
  const view = (of: Float32Array, { offset, size }: Parameters.Slot): Float32Array => of.subarray(offset, offset + size)
  const { config: lora, values } = adapter ?? { config: null, values: base }
  return (name: string, to: Float32Array | null = null): Adapted => {
    const slot = own.get(name)
    if (slot === undefined) throw new RangeError(`no parameter is called ${name}`)
    const whole = more.get(name)
    const data = to ?? new Float32Array(slot.size)
    data.set(whole === undefined ? view(base, slot) : view(values, whole))
    const stem = name.replace(/\.weight$/, "")
    const [a, b] = [more.get(`${stem}.lora_A.weight`), more.get(`${stem}.lora_B.weight`)]
    if (a === undefined || b === undefined || lora === null) return { data, pair: null }
    const pair = { a: view(values, a), b: view(values, b) }
    addProduct(data, pair.b, pair.a, lora.rank, scale(lora))
    const magnitudes = more.get(`${stem}.lora_magnitude_vector`)
    if (magnitudes === undefined) return { data, pair: { ...pair, rows: null } }
    const wanted = view(values, magnitudes)
    const found = lengths(data, wanted.length)
    const factors = wanted.map((length, row) => length / found[row])
    const width = data.length / factors.length
    for (let i = 0; i < data.length; i++) data[i] *= factors[Math.floor(i / width)]
    return { data, pair: { ...pair, rows: { lengths: wanted, factors } } }
  }
}

/** The model with the adapter in its weights: plain parameters again. @category operations */
export const merge = (config: ModelConfig, base: Float32Array, adapter: Adapter): Float32Array => {
  const merged = new Float32Array(base.length)
  const read = reader(config, base, adapter)
  for (const { name, offset, size } of Parameters.layout(config)) read(name, merged.subarray(offset, offset + size))
  return merged
}

/** Whether an adapter changes the embedding. @category predicates */
export const changesEmbedding = (config: ModelConfig, lora: LoraConfig): boolean =>
  layout(config, lora).some(({ name }) => name.startsWith(`${Tensors.embedding}.`))

/** Why a model cannot have such an adapter, or null. @category predicates */
export const configRefusal = (config: ModelConfig, lora: LoraConfig): string | null => {
  const { dora, saved = [], targets } = lora
  const tied = "the model ties its head to its embedding"
  const end = ends.find((name) => targets.includes(name))
  if (config.tie_word_embeddings && end !== undefined)
    return `an adapter on ${end} would change only one of two tied tensors, since ${tied}; train embed_tokens whole, in \`saved\``
  if (dora === true && targets.includes("embed_tokens")) return "dora is not implemented for embed_tokens"
  const all = Tensors.all(config)
  for (const key of saved) {
    const found = all.filter(({ name }) => belongsTo(name, key))
    if (found.length > 0) continue
    const why = config.tie_word_embeddings && "lm_head".endsWith(key) ? `${tied}, and trains both as embed_tokens` : ""
    return `saved names ${key}, which is not a module of the model${why === "" ? "" : `: ${why}`}`
  }
  const both = adapted(config, lora).find(({ name }) => saved.some((key) => belongsTo(`${name}.weight`, key)))
  return both === undefined ? null : `${both.name} is listed both for an adapter and for full training; remove one`
}

/** Why an adapter does not fit a model, or null. @category predicates */
export const refusal = (config: ModelConfig, { config: lora, values }: Adapter): string | null => {
  const wanted = Parameters.count(layout(config, lora))
  return (
    configRefusal(config, lora) ??
    (values.length === wanted
      ? null
      : `an adapter of rank ${lora.rank} on ${lora.targets.join(", ")} has ${wanted} parameters, got ${values.length}`)
  )
}
