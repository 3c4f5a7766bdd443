/**
 * Prompts and responses as one micro-batch of rows without padding. Neighbours with the same prompt share its rows: the K
 * responses of a group cost one prompt, not K.
 */
import type { Sequence } from "@lpo/rollout"
import type { Packed } from "../model/Transformer.ts"

const same = (a: Int32Array, b: Int32Array): boolean =>
  a === b || (a.length === b.length && a.every((token, i) => token === b[i]))

/** Long sequences are too much for the arguments of a call. */
const joined = (a: Int32Array, b: Int32Array): Int32Array => {
  const both = new Int32Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

/** Consecutive pairs with the same prompt. */
const byPrompt = (pairs: ReadonlyArray<Sequence.Sequence>): ReadonlyArray<ReadonlyArray<Sequence.Sequence>> => {
  const groups: Array<Array<Sequence.Sequence>> = []
  for (const pair of pairs) {
    const last = groups.at(-1)
    if (last !== undefined && same(last[0].prompt, pair.prompt)) last.push(pair)
    else groups.push([pair])
  }
  return groups
}

/** Rows that some pairs take: a response's last token predicts nothing, so it is never an input. @category combinators */
export const rowsOf = (pairs: ReadonlyArray<Sequence.Sequence>): number =>
  byPrompt(pairs).reduce(
    (sum, group) => sum + group[0].prompt.length + group.reduce((own, p) => own + p.completion.length - 1, 0),
    0,
  )

/** Why sequences cannot be packed, or null: the places of an image hold no tokens. @category combinators */
export const refusal = (pairs: ReadonlyArray<Sequence.Sequence>): string | null => {
  const at = pairs.findIndex(({ chunks = [] }) => chunks.some(({ type }) => type === "image"))
  return at < 0
    ? null
    : `the prompt of sequence ${at} has an image, and the models of this engine read text; leave the image out, or take an engine that reads images`
}

/** Asks for the log-prob of every completion token, in order. @category constructors */
export const pack = (pairs: ReadonlyArray<Sequence.Sequence>): Packed => {
  const ids = new Int32Array(rowsOf(pairs))
  const segments: Array<number> = []
  const rows: Array<number> = []
  const targets: Array<number> = []
  const slopes: Array<number> = []
  let end = 0
  const put = (tokens: Int32Array, from: number, prefix: number): number => {
    const start = end
    ids.set(tokens, start)
    end += tokens.length
    if (tokens.length > 0) segments.push(start, tokens.length, from, prefix)
    return start
  }
  for (const group of byPrompt(pairs)) {
    const { prompt } = group[0]
    const shared = group.length > 1
    const first = shared ? put(prompt, 0, 0) : end
    for (const { completion, temperature = 1 } of group) {
      const inputs = completion.subarray(0, completion.length - 1)
      if (!shared) put(joined(prompt, inputs), 0, 0)
      const start = shared ? put(inputs, first, prompt.length) : first + prompt.length
      for (const [t, token] of completion.entries()) {
        rows.push(t === 0 ? first + prompt.length - 1 : start + t - 1)
        targets.push(token)
        slopes.push(1 / temperature)
      }
    }
  }
  return {
    ids,
    segments: Int32Array.from(segments),
    rows: Int32Array.from(rows),
    targets: Int32Array.from(targets),
    slopes: slopes.every((slope) => slope === 1) ? null : Float32Array.from(slopes),
  }
}
