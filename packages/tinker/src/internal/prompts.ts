/**
 * Prompts with images, by the token array that stands for them in a group: a group carries tokens only, and the learner needs
 * the chunks again. An array that is not known is text.
 */
import * as Datum from "../Datum.ts"

const known = new WeakMap<Int32Array, Datum.ModelInput>()

/** The tokens that stand for a prompt; an image's places are 0. */
export const remember = (prompt: Datum.ModelInput): Int32Array => {
  const tokens = new Int32Array(Datum.positions(prompt))
  let at = 0
  for (const chunk of prompt) {
    if (chunk.type === "encoded_text") tokens.set(chunk.tokens, at)
    at += Datum.positions([chunk])
  }
  if (prompt.some((chunk) => chunk.type !== "encoded_text")) known.set(tokens, prompt)
  return tokens
}

export const recall = (tokens: Int32Array): Datum.ModelInput => known.get(tokens) ?? Datum.text(tokens)
