/** Rotary positions as the versions of transformers write them into a `config.json`. */
import { isObject, same } from "./KnownOptions.ts"

/** `rope_theta` and the scaling, from `rope_scaling` (transformers 4) or `rope_parameters` (5). */
export const read = (input: Readonly<Record<string, unknown>>, usual: unknown = 10_000) => {
  const given = input["rope_parameters"] ?? input["rope_scaling"] ?? null
  if (given === null) return { theta: input["rope_theta"] ?? usual, scaling: null }
  if (!isObject(given)) return `rope_scaling is ${JSON.stringify(given)}; give an object with a rope_type`
  const { partial_rotary_factor, rope_theta, rope_type, type, ...rest } = given
  const named = rope_type ?? type ?? "default"
  const kind = typeof named === "string" ? named : JSON.stringify(named)
  const theta = rope_theta ?? input["rope_theta"] ?? usual
  if (!same(partial_rotary_factor ?? 1, 1))
    return `partial_rotary_factor is ${JSON.stringify(partial_rotary_factor)}; only 1 is implemented`
  if (kind === "default" && Object.keys(rest).length > 0)
    return `rope_scaling of type default has the option ${Object.keys(rest)[0]}, which is not implemented`
  if (kind === "default") return { theta, scaling: null }
  if (!["linear", "dynamic", "llama3", "yarn"].includes(kind))
    return `rope_scaling type ${JSON.stringify(kind)} is not implemented; the types are default, linear, dynamic, llama3, yarn`
  const original = ["llama3", "yarn"].includes(kind)
    ? { original_max_position_embeddings: input["max_position_embeddings"] }
    : {}
  // As in transformers, the one at the top counts before the one within.
  const top = ["llama3", "yarn"].includes(kind) ? input["original_max_position_embeddings"] : null
  const scaling: Record<string, unknown> = { ...original, ...rest, rope_type: kind }
  if (typeof top === "number") scaling["original_max_position_embeddings"] = top
  for (const [key, value] of Object.entries(scaling)) if (value === null) delete scaling[key]
  return { theta, scaling }
}

/** `rope_parameters` of two kinds of layers, as transformers 5 writes them: those of full layers, and the base of sliding ones. */
export const readLocal = (input: Readonly<Record<string, unknown>>) => {
  const given = input["rope_parameters"]
  if (!isObject(given) || !("full_attention" in given || "sliding_attention" in given)) return { input }
  const { full_attention, sliding_attention, ...rest } = given
  const [stray] = Object.keys(rest)
  if (stray !== undefined) return `rope_parameters has the kind of layer ${stray}, which is not implemented`
  const { rope_theta, ...local } = isObject(sliding_attention) ? sliding_attention : {}
  if (Object.entries(local).some(([key, value]) => !(key === "rope_type" && value === "default")))
    return `rope_parameters of sliding_attention are ${JSON.stringify(sliding_attention)}; only the type default is implemented`
  return {
    input: {
      ...input,
      rope_parameters: full_attention ?? null,
      ...(rope_theta == null ? {} : { rope_local_base_freq: rope_theta }),
    },
  }
}
