/**
 * A model's parameters as one flat float32 vector with a named view per tensor, in the names and layouts of a Hugging Face
 * checkpoint (linear weights are [out, in]). One vector makes the optimiser, gradients and checkpoints simple.
 */
import { Seed } from "@lpo/rollout"
import { featuresOf, headSize, type ModelConfig } from "./ModelConfig.ts"

/** Where a named tensor lies in the flat vector. @category models */
export interface Slot {
  readonly name: string
  readonly shape: readonly [number] | readonly [number, number]
  readonly offset: number
  readonly size: number
}

/** Names and shapes laid out one after the other. @category constructors */
export const place = (shapes: ReadonlyArray<readonly [string, Slot["shape"]]>): ReadonlyArray<Slot> => {
  let offset = 0
  return shapes.map(([name, shape]) => {
    const size = shape.reduce<number>((a, b) => a * b, 1)
    const slot = { name, shape, offset, size }
    offset += size
    return slot
  })
}

/** Every linear map of a layer, by its name within the layer. @category combinators */
export const linears = (config: ModelConfig) => {
  const d = config.hidden_size
  const q = config.num_attention_heads * headSize(config)
  const kv = config.num_key_value_heads * headSize(config)
  const f = config.intermediate_size
  const { mlpBias, outputBias, projectionBias } = featuresOf(config)
  return [
    { name: "self_attn.q_proj", shape: [q, d], bias: projectionBias },
    { name: "self_attn.k_proj", shape: [kv, d], bias: projectionBias },
    { name: "self_attn.v_proj", shape: [kv, d], bias: projectionBias },
    { name: "self_attn.o_proj", shape: [d, q], bias: outputBias },
    { name: "mlp.gate_proj", shape: [f, d], bias: mlpBias },
    { name: "mlp.up_proj", shape: [f, d], bias: mlpBias },
    { name: "mlp.down_proj", shape: [d, f], bias: mlpBias },
  ] as const
}

/** @category models */
export type LinearName = ReturnType<typeof linears>[number]["name"]

/** Every tensor of the model, in checkpoint order; `lm_head.weight` last, where the head is not the embedding. @category constructors */
export const layout = (config: ModelConfig): ReadonlyArray<Slot> => {
  const d = config.hidden_size
  const size = headSize(config)
  const shapes: Array<readonly [string, Slot["shape"]]> = [["model.embed_tokens.weight", [config.vocab_size, d]]]
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const p = `model.layers.${i}`
    shapes.push([`${p}.input_layernorm.weight`, [d]])
    for (const { bias, name, shape } of linears(config)) {
      if (name === "mlp.gate_proj") shapes.push([`${p}.post_attention_layernorm.weight`, [d]])
      shapes.push([`${p}.${name}.weight`, shape])
      if (bias) shapes.push([`${p}.${name}.bias`, [shape[0]]])
    }
    if (featuresOf(config).headNorm)
      shapes.push([`${p}.self_attn.q_norm.weight`, [size]], [`${p}.self_attn.k_norm.weight`, [size]])
  }
  shapes.push(["model.norm.weight", [d]])
  if (!config.tie_word_embeddings) shapes.push(["lm_head.weight", [config.vocab_size, d]])
  return place(shapes)
}

/** Number of parameters. @category combinators */
export const count = (slots: ReadonlyArray<Slot>): number => slots.reduce((sum, slot) => sum + slot.size, 0)

/**
 * Fresh parameters from streams `<seed>/init/<tensor>`: norms at 1, biases at 0, embeddings and the head with std 0.02, linear
 * maps with std 0.6 / sqrt(in), those that write to the residual stream smaller by sqrt(2 layers).
 *
 * @category constructors
 */
export const initialise = (config: ModelConfig, seed: string): Float32Array => {
  const slots = layout(config)
  const out = new Float32Array(count(slots))
  for (const { name, offset, shape, size } of slots) {
    const view = out.subarray(offset, offset + size)
    if (shape.length === 1) {
      view.fill(name.endsWith(".bias") ? 0 : 1)
      continue
    }
    const residual = name.endsWith("o_proj.weight") || name.endsWith("down_proj.weight")
    const std =
      name.includes("embed_tokens") || name.startsWith("lm_head")
        ? 0.02
        : 0.6 / Math.sqrt(shape[1]) / (residual ? Math.sqrt(2 * config.num_hidden_layers) : 1)
    const random = Seed.stream(`${seed}/init/${name}`)
    for (let i = 0; i < size; i++) view[i] = std * random.normal()
  }
  return out
}
