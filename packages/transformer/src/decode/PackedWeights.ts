/**
 * The parameters as the decoding kernels read them: every linear map in panels of 16 outputs, [out / 16][in][16], the maps that
 * share an input side by side (q, k and v; gate and up), heads padded to a multiple of four features, all padding zero. One area
 * of the heap, filled anew when the flat vector changed.
 */
import { gainOffset, headSize, type ModelConfig } from "../model/ModelConfig.ts"
import * as Parameters from "../model/Parameters.ts"
import * as Tensors from "../model/Tensors.ts"
import * as Heap from "../ops/Heap.ts"

/** Columns of a panel, as in `assembly/panels.ts`. */
export const panel = 16

/** The next multiple. */
export const roundUp = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple

/** The most columns that a product of the model has. */
export const widest = (config: ModelConfig): number => {
  const heads = config.num_attention_heads + 2 * config.num_key_value_heads
  return Math.max(
    roundUp(config.vocab_size, panel),
    roundUp(config.hidden_size, panel),
    roundUp(heads * roundUp(headSize(config), 4), panel),
    2 * roundUp(config.intermediate_size, panel),
  )
}

/** A packed map: addresses of weight and bias (0 for none), inputs, and outputs (padded to whole panels). @category models */
export interface Product {
  readonly weight: number
  readonly bias: number
  readonly inputs: number
  readonly outputs: number
}

/** Maps that share an input, side by side, and what their product is called. */
const together = { qkv: ["q", "k", "v"], o: ["o"], gateUp: ["gate", "up"], down: ["down"] } as const satisfies Readonly<
  Record<string, ReadonlyArray<Tensors.LinearKey>>
>
type ProductKey = keyof typeof together

/**
 * The products of a layer, and the addresses of its norms' gains, 0 where the model lacks one. `gateUp` has gates in the first half
 * of its outputs, ups in the second.
 */
type Layer = { readonly [K in ProductKey]: Product } & { readonly [K in Tensors.NormKey]: number }

/** @category models */
export interface Packed {
  /** The table that tokens are looked up in, as panels. */
  readonly embedding: number
  readonly layers: ReadonlyArray<Layer>
  readonly norm: number
  readonly head: Product
  /** Packs `values`, the flat vector of `Parameters.layout`. */
  readonly fill: (values: Float32Array) => void
  readonly free: () => void
}

/** Where each output (or input) comes from in the parameter: an index, or -1 for padding. */
type Indices = Int32Array

const identity = (size: number, padded: number): Indices =>
  Int32Array.from({ length: padded }, (_, i) => (i < size ? i : -1))

/** Heads of `size` features, padded each. */
const headIndices = (heads: number, size: number): Indices => {
  const padded = roundUp(size, 4)
  return Int32Array.from({ length: heads * padded }, (_, i) => {
    const feature = i % padded
    return feature < size ? Math.floor(i / padded) * size + feature : -1
  })
}

interface Part {
  /** The parameter's name without `.weight` or `.bias`. */
  readonly name: string
  readonly outputs: Indices
}

/** A product before the area's address is known: distances from its start. */
interface Placed extends Omit<Product, "bias"> {
  readonly bias: number | null
}

/** Copies something of the parameters to its place in the heap. */
type Fill = (parameter: (name: string) => Float32Array, floats: Float32Array, base: number) => void

/** Room for the packed parameters, to be filled before use. @category constructors */
export const make = (heap: Heap.Heap, config: ModelConfig): Packed => {
  const slots = new Map(Parameters.layout(config).map((slot) => [slot.name, slot]))
  const slotOf = (name: string): Parameters.Slot => {
    const slot = slots.get(name)
    if (slot === undefined) throw new RangeError(`no parameter is called ${name}`)
    return slot
  }
  const size = headSize(config)
  const { hidden_size: d, intermediate_size: f, num_attention_heads: queryHeads, num_key_value_heads: kvHeads } = config
  const room = Heap.plan()
  const fills: Array<Fill> = []

  /** The gain of a norm. */
  const vector = (name: string): number => {
    const at = room.add(roundUp(slotOf(name).size, 4))
    const offset = gainOffset(config)
    fills.push((parameter, floats, base) => {
      const gain = parameter(name)
      floats.set(offset === 0 ? gain : gain.map((weight) => offset + weight), (base + at) / 4)
    })
    return at
  }
  const product = (parts: ReadonlyArray<Part>, from: Indices): Placed => {
    const inputs = from.length
    const outputs = roundUp(
      parts.reduce((sum, part) => sum + part.outputs.length, 0),
      panel,
    )
    const weight = room.add(outputs * inputs)
    const biased = parts.some(({ name }) => slots.has(`${name}.bias`))
    const bias = biased ? room.add(outputs) : null
    fills.push((parameter, floats, base) => {
      let column = 0
      for (const { name, outputs: rows } of parts) {
        const w = parameter(`${name}.weight`)
        const b = slots.has(`${name}.bias`) ? parameter(`${name}.bias`) : null
        const stride = slotOf(`${name}.weight`).shape[1] ?? inputs
        for (const row of rows) {
          if (row >= 0) {
            let to = (base + weight) / 4 + Math.floor(column / panel) * inputs * panel + (column % panel)
            for (let i = 0; i < inputs; i++, to += panel) if (from[i] >= 0) floats[to] = w[row * stride + from[i]]
            if (b !== null && bias !== null) floats[(base + bias) / 4 + column] = b[row]
          }
          column++
        }
      }
    })
    return { weight, bias, inputs, outputs }
  }

  /** Inputs of a product, where they are not the hidden state; outputs of a map, where they are not packed as they are. */
  const plain = identity(d, d)
  const heads = { q: headIndices(queryHeads, size), kv: headIndices(kvHeads, size) }
  const wide = identity(f, roundUp(f, panel))
  const inputs: Readonly<Record<ProductKey, Indices>> = { qkv: plain, o: heads.q, gateUp: plain, down: identity(f, f) }
  const outputs: Readonly<Record<Tensors.LinearKey, Indices>> = {
    q: heads.q,
    k: heads.kv,
    v: heads.kv,
    o: plain,
    gate: wide,
    up: wide,
    down: plain,
  }
  const productKeys = Object.keys(together) as ReadonlyArray<ProductKey>
  const layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => ({
    norms: Tensors.normKeys
      .filter((key) => Tensors.has(config, key))
      .map((key) => [key, vector(`${Tensors.nameOf(config, layer, key)}.weight`)] as const),
    products: productKeys.map((key) => {
      const parts = together[key].map((map) => ({ name: Tensors.nameOf(config, layer, map), outputs: outputs[map] }))
      return [key, product(parts, inputs[key])] as const
    }),
  }))
  const norm = vector(`${Tensors.lastNorm}.weight`)
  const rows = identity(config.vocab_size, config.vocab_size)
  const table = product([{ name: Tensors.embedding, outputs: rows }], plain)
  const head = config.tie_word_embeddings ? table : product([{ name: Tensors.head(config), outputs: rows }], plain)

  const area = heap.allocate(room.bytes(), "packed weights")
  heap.floats().fill(0, area.address / 4, (area.address + room.bytes()) / 4)
  // From here on addresses are those of the heap.
  const at = (offset: number): number => area.address + offset
  const addressed = (p: Placed): Product => ({ ...p, weight: at(p.weight), bias: p.bias === null ? 0 : at(p.bias) })
  return {
    embedding: at(table.weight),
    layers: layers.map(({ norms, products }) => {
      const none = Tensors.normKeys.map((key) => [key, 0])
      const own = norms.map(([key, offset]) => [key, at(offset)])
      return Object.fromEntries([...none, ...own, ...products.map(([key, p]) => [key, addressed(p)])]) as Layer
    }),
    norm: at(norm),
    head: addressed(head),
    fill: (values) => {
      const parameter = (name: string): Float32Array => {
        const { offset, size: length } = slotOf(name)
        return values.subarray(offset, offset + length)
      }
      const floats = heap.floats()
      for (const fill of fills) fill(parameter, floats, area.address)
    },
    free: area.free,
  }
}
