/**
 * A model's parameters as one flat float32 vector with a named view per tensor, in the names and layouts of a Hugging Face
 * Llama checkpoint (linear weights are [out, in]). One vector makes the optimiser, gradients and checkpoints simple.
 */
import { Seed } from "@lpo/rollout"
import { headSize, type ModelConfig } from "./ModelConfig.ts"

/** Where a named tensor lies in the flat vector. @category models */
export interface Slot {
  readonly name: string
  readonly shape: readonly [number] | readonly [number, number]
  readonly offset: number
  readonly size: number
}

/** Every tensor of the model, in checkpoint order. @category constructors */
export const layout = (config: ModelConfig): ReadonlyArray<Slot> => {
  const d = config.hidden_size
  const kv = config.num_key_value_heads * headSize(config)
  const f = config.intermediate_size
  const shapes: Array<readonly [string, Slot["shape"]]> = [["model.embed_tokens.weight", [config.vocab_size, d]]]
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const p = `model.layers.${i}`
    shapes.push(
      [`${p}.input_layernorm.weight`, [d]],
      [`${p}.self_attn.q_proj.weight`, [d, d]],
      [`${p}.self_attn.k_proj.weight`, [kv, d]],
      [`${p}.self_attn.v_proj.weight`, [kv, d]],
      [`${p}.self_attn.o_proj.weight`, [d, d]],
      [`${p}.post_attention_layernorm.weight`, [d]],
      [`${p}.mlp.gate_proj.weight`, [f, d]],
      [`${p}.mlp.up_proj.weight`, [f, d]],
      [`${p}.mlp.down_proj.weight`, [d, f]],
    )
  }
  shapes.push(["model.norm.weight", [d]])
  let offset = 0
  return shapes.map(([name, shape]) => {
    const size = shape.reduce<number>((a, b) => a * b, 1)
    const slot = { name, shape, offset, size }
    offset += size
    return slot
  })
}

/** Number of parameters. @category combinators */
export const count = (slots: ReadonlyArray<Slot>): number => slots.reduce((sum, slot) => sum + slot.size, 0)

/**
 * Fresh parameters from streams `<seed>/init/<tensor>`: norms at 1, embeddings with std 0.02, linear maps with std
 * 0.6 / sqrt(in), those that write to the residual stream smaller by sqrt(2 layers).
 *
 * @category constructors
 */
export const initialise = (config: ModelConfig, seed: string): Float32Array => {
  const slots = layout(config)
  const out = new Float32Array(count(slots))
  for (const { name, offset, shape, size } of slots) {
    const view = out.subarray(offset, offset + size)
    if (shape.length === 1) {
      view.fill(1)
      continue
    }
    const residual = name.endsWith("o_proj.weight") || name.endsWith("down_proj.weight")
    const std = name.includes("embed_tokens")
      ? 0.02
      : 0.6 / Math.sqrt(shape[1]) / (residual ? Math.sqrt(2 * config.num_hidden_layers) : 1)
    const random = Seed.stream(`${seed}/init/${name}`)
    for (let i = 0; i < size; i++) view[i] = std * random.normal()
  }
  return out
}
