/**
 * A sequence: what an engine knows of a completion. A prompt, as tokens and, where it has images, as the chunks they came
 * from; and the tokens that follow it.
 *
 * @module
 */
import { Schema } from "effect"
import { Bytes, Int32 } from "./internal/TypedArray.ts"

/**
 * A piece of a prompt: tokens, or an image that takes `positions` places in the model's input. `data` are the image file's
 * bytes; `location` names an image that the server holds already.
 *
 * @category models
 */
export const Chunk = Schema.Union([
  Schema.Struct({ type: Schema.Literal("text"), tokens: Int32 }),
  Schema.Struct({
    type: Schema.Literal("image"),
    format: Schema.Literals(["png", "jpeg"]),
    source: Schema.Union([Schema.Struct({ data: Bytes }), Schema.Struct({ location: Schema.String })]),
    positions: Schema.Int,
  }),
])
/** @category models */
export type Chunk = typeof Chunk.Type

/** A prompt and one response to it. @category models */
export interface Sequence {
  /** Token ids, [P], P >= 1; 0 at the places of an image. */
  readonly prompt: Int32Array
  /** The prompt in pieces, in order, where it has images; together they take P positions. Absent: `prompt` is all text. */
  readonly chunks?: ReadonlyArray<Chunk>
  /** Token ids, [T], T >= 1. */
  readonly completion: Int32Array
  /** What the logits are divided by in the law that it was sampled from, > 0: log-probs and gradients are of that law. Absent: 1. */
  readonly temperature?: number
}

/** Positions that chunks take in the model's input. @category getters */
export const positions = (chunks: ReadonlyArray<Chunk>): number =>
  chunks.reduce((sum, chunk) => sum + (chunk.type === "text" ? chunk.tokens.length : chunk.positions), 0)

/** The prompt's tokens, [P], with 0 at the places of an image. @category combinators */
export const flatten = (chunks: ReadonlyArray<Chunk>): Int32Array => {
  const tokens = new Int32Array(positions(chunks))
  let at = 0
  for (const chunk of chunks) {
    if (chunk.type === "text") tokens.set(chunk.tokens, at)
    at += positions([chunk])
  }
  return tokens
}
