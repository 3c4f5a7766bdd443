/**
 * What PEFT calls an adapter's tensors. Those of an embedding are named otherwise and lie the other way round there: its A [rank,
 * vocabulary] is our B transposed, and its B [hidden, rank] our A.
 */
import type { Slot } from "../model/Parameters.ts"

/** What PEFT puts before the names of the base model. */
export const prefix = "base_model.model."

const base = ".base_layer.weight"

/** A tensor of a file by its name here; null for one that belongs to no adapter. */
export interface Named {
  readonly name: string
  readonly isTransposed: boolean
}

/** From PEFT's name. */
export const ours = (name: string): Named | null => {
  if (!name.startsWith(prefix)) return null
  const bare = name.slice(prefix.length)
  const [, stem, side] = /^(.*)\.lora_embedding_([AB])$/.exec(bare) ?? []
  if (stem === undefined) return { name: bare, isTransposed: false }
  return { name: `${stem}.lora_${side === "A" ? "B" : "A"}.weight`, isTransposed: true }
}

/** A tensor as it lies in a file. */
export interface FileSlot extends Slot {
  readonly isTransposed: boolean
}

export const inFile = (slot: Slot): FileSlot => {
  const [, stem, side] = /^(.*\.embed_tokens)\.lora_([AB])\.weight$/.exec(slot.name) ?? []
  if (stem === undefined || slot.shape.length !== 2) return { ...slot, name: prefix + slot.name, isTransposed: false }
  const [rows, columns] = slot.shape
  const name = `${prefix}${stem}.lora_embedding_${side === "A" ? "B" : "A"}`
  return { ...slot, name, shape: [columns, rows], isTransposed: true }
}

/** The base model's own tensor of which PEFT put a copy into the file, beside an adapter on head or embedding; null elsewhere. */
export const copyOf = (name: string): string | null =>
  name.startsWith(prefix) && name.endsWith(base) ? `${name.slice(prefix.length, -base.length)}.weight` : null

/** A matrix [rows, columns] as [columns, rows]. */
export const transposed = (data: Float32Array, rows: number, columns: number): Float32Array => {
  const out = new Float32Array(data.length)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = data[row * columns + column]
  return out
}
