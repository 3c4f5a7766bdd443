/**
 * The parameters as the decoding kernels read them: every linear map in panels of 16 outputs, [out / 16][in][16], the maps that
 * share an input side by side (q, k and v; gate and up), heads padded to a multiple of four features, all padding zero. One area
 * of the heap, filled anew when the flat vector changed.
 */
import { featuresOf, headSize, type ModelConfig } from "../model/ModelConfig.ts"
import * as Parameters from "../model/Parameters.ts"
import { headName } from "../model/Weights.ts"
import * as Heap from "./Heap.ts"

/** Columns of a panel, as in `assembly/panels.ts`. */
export const panel = 16

/** The next multiple. */
export const roundUp = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple

/** A packed map: addresses of weight and bias (0 for none), inputs, and outputs (padded to whole panels). @category models */
export interface Product {
  readonly weight: number
  readonly bias: number
  readonly inputs: number
  readonly outputs: number
}

/** @category models */
export interface Layer {
  readonly inputNorm: number
  readonly qkv: Product
  /** Gains of the norms of heads, or 0. */
  readonly qNorm: number
  readonly kNorm: number
  readonly o: Product
  readonly postNorm: number
  /** Gates in the first half of the outputs, ups in the second. */
  readonly gateUp: Product
  readonly down: Product
}

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
  const { hidden_size: d, intermediate_size: f, num_attention_heads: heads, num_key_value_heads: kvHeads } = config
  const room = Heap.plan()
  const fills: Array<Fill> = []

  const vector = (name: string): number => {
    const at = room.add(roundUp(slotOf(name).size, 4))
    fills.push((parameter, floats, base) => floats.set(parameter(name), (base + at) / 4))
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

  const plain = identity(d, d)
  const padded = roundUp(f, panel)
  const { headNorm } = featuresOf(config)
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => {
    const p = `model.layers.${i}`
    const attention = `${p}.self_attn`
    return {
      inputNorm: vector(`${p}.input_layernorm.weight`),
      qkv: product(
        [
          { name: `${attention}.q_proj`, outputs: headIndices(heads, size) },
          { name: `${attention}.k_proj`, outputs: headIndices(kvHeads, size) },
          { name: `${attention}.v_proj`, outputs: headIndices(kvHeads, size) },
        ],
        plain,
      ),
      qNorm: headNorm ? vector(`${attention}.q_norm.weight`) : 0,
      kNorm: headNorm ? vector(`${attention}.k_norm.weight`) : 0,
      o: product([{ name: `${attention}.o_proj`, outputs: identity(d, d) }], headIndices(heads, size)),
      postNorm: vector(`${p}.post_attention_layernorm.weight`),
      gateUp: product(
        [
          { name: `${p}.mlp.gate_proj`, outputs: identity(f, padded) },
          { name: `${p}.mlp.up_proj`, outputs: identity(f, padded) },
        ],
        plain,
      ),
      down: product([{ name: `${p}.mlp.down_proj`, outputs: identity(d, d) }], identity(f, f)),
    }
  })
  const norm = vector("model.norm.weight")
  const rows = identity(config.vocab_size, config.vocab_size)
  const table = product([{ name: "model.embed_tokens", outputs: rows }], plain)
  const name = headName(config).replace(/\.weight$/, "")
  const head = config.tie_word_embeddings ? table : product([{ name, outputs: rows }], plain)

  const area = heap.allocate(room.bytes(), "packed weights")
  heap.floats().fill(0, area.address / 4, (area.address + room.bytes()) / 4)
  // From here on addresses are those of the heap.
  const at = (offset: number): number => area.address + offset
  const addressed = (p: Placed): Product => ({ ...p, weight: at(p.weight), bias: p.bias === null ? 0 : at(p.bias) })
  return {
    embedding: at(table.weight),
    layers: layers.map((layer) => ({
      inputNorm: at(layer.inputNorm),
      qkv: addressed(layer.qkv),
      qNorm: headNorm ? at(layer.qNorm) : 0,
      kNorm: headNorm ? at(layer.kNorm) : 0,
      o: addressed(layer.o),
      postNorm: at(layer.postNorm),
      gateUp: addressed(layer.gateUp),
      down: addressed(layer.down),
    })),
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
