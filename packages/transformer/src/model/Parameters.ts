/**
 * A model's parameters as one flat float32 vector with a named view per tensor, in the names and layouts of a Hugging Face
 * checkpoint (linear weights are [out, in]). One vector makes the optimiser, gradients and checkpoints simple.
 *
 * @module
 */
import * as Seed from "@lpo/rollout/Seed"
import type { ModelConfig } from "./ModelConfig.ts"
import * as Tensors from "./Tensors.ts"

/** Where a named tensor lies in the flat vector. @category models */
export interface Slot extends Pick<Tensors.Tensor, "name" | "shape"> {
  readonly offset: number
  readonly size: number
}

/** Tensors laid out one after the other. @category constructors */
export const place = (tensors: ReadonlyArray<Pick<Slot, "name" | "shape">>): ReadonlyArray<Slot> => {
  let offset = 0
  return tensors.map(({ name, shape }) => {
    const size = shape.reduce<number>((a, b) => a * b, 1)
    const slot = { name, shape, offset, size }
    offset += size
    return slot
  })
}

/** Every tensor of the model, in checkpoint order; `lm_head.weight` last, where the head is not the embedding. @category constructors */
export const layout = (config: ModelConfig): ReadonlyArray<Slot> => place(Tensors.all(config))

/** Number of parameters. @category combinators */
export const count = (slots: ReadonlyArray<Slot>): number => slots.reduce((sum, slot) => sum + slot.size, 0)

/**
 * Fresh parameters from streams `<seed>/init/<tensor>`: norms at 1, biases at 0, embeddings and the head with std 0.02, linear
 * maps with std 0.6 / sqrt(in), those that write to the residual stream smaller by sqrt(2 layers).
 *
 * @category constructors
 */
export const initialise = (config: ModelConfig, seed: string): Float32Array => {
  const tensors = Tensors.all(config)
  const slots = place(tensors)
  const out = new Float32Array(count(slots))
  for (const [i, { name, offset, size }] of slots.entries()) {
    const { mean, std } = tensors[i].start
    const view = out.subarray(offset, offset + size).fill(mean)
    if (std === 0) continue
    const random = Seed.stream(`${seed}/init/${name}`)
    for (let j = 0; j < size; j++) view[j] = mean + std * random.normal()
  }
  return out
}
