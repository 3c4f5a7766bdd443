/** Whether the tensors of a file are those that a model wants. */
import type { Slot } from "../model/Parameters.ts"

/** Tensors that some checkpoints carry although they follow from the configuration: transformers skips them too. */
const skipped = /\.rotary_emb\.inv_freq$/

/** Why these tensors, by name, do not fill the slots; null when they do. Those named in `more` may be there too. */
export const refusal = (
  slots: ReadonlyArray<Slot>,
  shapes: ReadonlyMap<string, ReadonlyArray<number>>,
  more: Readonly<Record<string, string>> = {},
): string | null => {
  for (const { name, shape } of slots) {
    const found = shapes.get(name)
    if (found === undefined) return `has no tensor ${name}, which the model wants as [${shape.join(", ")}]`
    if (found.join() !== shape.join())
      return `tensor ${name} is [${found.join(", ")}], the model wants [${shape.join(", ")}]`
  }
  const wanted = new Set(slots.map(({ name }) => name))
  for (const [name, shape] of shapes)
    if (!wanted.has(name) && !Object.hasOwn(more, name) && !skipped.test(name))
      return `has a tensor the model does not know, ${name} of shape [${shape.join(", ")}]`
  return null
}
