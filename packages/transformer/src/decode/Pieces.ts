/** Cutting what is to be sampled into pieces for several workers, and into batches that suit the caches. No sample depends on it. */
import type { Request, Sampled } from "./Generate.ts"
import { headSize, type ModelConfig } from "../model/ModelConfig.ts"
import * as Parameters from "../model/Parameters.ts"

const cache = 2 ** 22
const memory = 2 ** 30

/**
 * How many sequences of `positions` tokens a worker decodes at once. A step reads all weights, and the keys and values of every
 * sequence. Weights that stay in the processor's last cache cost little, so keys and values should stay there too (4 MiB of it);
 * larger weights should be read for as many sequences as makes keys and values most of what is read. Never more than 1 GiB of them.
 *
 * @category combinators
 */
export const sequencesAtOnce = (config: ModelConfig, positions: number): number => {
  const perPosition = 2 * 4 * config.num_hidden_layers * config.num_key_value_heads * headSize(config)
  const each = perPosition * positions
  const weights = 4 * Parameters.count(Parameters.layout(config))
  const wanted = weights <= cache ? cache : 8 * weights
  return Math.max(1, Math.floor(Math.min(Math.max(wanted / each, 8), memory / each, 256)))
}

/**
 * How many sequences of `positions` tokens a device of many cores decodes at once, where a step costs little more for a thousand than
 * for one: never more than 1 GiB of keys and values.
 *
 * @category combinators
 */
export const sequencesOnDevice = (config: ModelConfig, positions: number): number => {
  const each = 2 * 4 * config.num_hidden_layers * config.num_key_value_heads * headSize(config) * positions
  return Math.max(1, Math.floor(Math.min(memory / each, 1024)))
}

/**
 * At most `parts` pieces of about equal size, in order. Groups stay whole, for what their samples share, where that leaves the pieces
 * within an eighth of each other; otherwise a group may be cut.
 *
 * @category combinators
 */
export const cut = (requests: ReadonlyArray<Request>, parts: number): ReadonlyArray<ReadonlyArray<Request>> => {
  const starts = [0]
  for (const { streams } of requests) starts.push(starts[starts.length - 1] + streams.length)
  const total = starts[requests.length]
  const largest = Math.max(0, ...requests.map(({ streams }) => streams.length))
  const whole = largest * parts * 4 <= total
  const bounds = Array.from({ length: parts + 1 }, (_, p) => {
    const at = Math.round((p * total) / parts)
    return whole ? starts.reduce((best, s) => (Math.abs(s - at) < Math.abs(best - at) ? s : best), 0) : at
  })
  const pieces: Array<Array<Request>> = []
  for (let p = 0; p < parts; p++) {
    const piece: Array<Request> = []
    for (const [i, { prompt, streams }] of requests.entries()) {
      const from = Math.max(bounds[p] - starts[i], 0)
      const to = Math.min(bounds[p + 1] - starts[i], streams.length)
      if (from < to) piece.push({ prompt, streams: streams.slice(from, to) })
    }
    if (piece.length > 0) pieces.push(piece)
  }
  return pieces
}

/** The samples of all pieces, by request again. @category combinators */
export const join = (
  requests: ReadonlyArray<Request>,
  pieces: ReadonlyArray<ReadonlyArray<ReadonlyArray<Sampled>>>,
): ReadonlyArray<ReadonlyArray<Sampled>> => {
  const all = pieces.flat(2)
  let at = 0
  return requests.map(({ streams }) => all.slice(at, (at += streams.length)))
}
