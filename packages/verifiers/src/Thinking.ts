/**
 * What a response thinks, and what it says: no task takes an answer out of the thinking.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"

/**
 * What a response says: all that follows the last `</think>`, the whole text without one, or null when a `<think>` is never closed.
 *
 * @category reading
 */
export const after = (response: string): string | null => {
  const end = response.lastIndexOf("</think>")
  if (end >= 0) return response.slice(end + "</think>".length)
  return response.includes("<think>") ? null : response
}

/** Why there is no answer where `after` finds nothing. @category reading */
export const refusal = "the thinking never ends, so there is no answer after it"
