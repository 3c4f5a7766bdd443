/**
 * An objective in a configuration: its options as Schemas with their defaults, and the function that makes it.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import type { Schema } from "effect"
import type { Objective } from "../Objective.ts"

/** Options by name, each a Schema of plain JSON. @category models */
export type Fields = Readonly<Record<string, Schema.Codec<unknown, unknown>>>

/** @category models */
export interface Definition<Name extends string, F extends Fields> {
  readonly name: Name
  /** A one-line description. */
  readonly summary: string
  /** The ascent weight of token i of response k, as text. */
  readonly weight: string
  /** Plain JSON; each with a default, so a resolved configuration spells it out. */
  readonly options: F
  /** Throws `SimplexError` for a value out of range. */
  readonly make: (options: Schema.Struct.Type<F>) => Objective
}

/** @category constructors */
export const define = <const Name extends string, const F extends Fields>(
  definition: Definition<Name, F>,
): Definition<Name, F> => definition
