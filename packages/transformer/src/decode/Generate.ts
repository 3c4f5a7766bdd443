/**
 * Autoregressive sampling. Every sequence draws from a random stream of its own, so that its tokens depend on the weights, its
 * prompt and its stream, and not on its neighbours.
 *
 * Samples of one prompt that have drawn the same tokens so far are one row of the batch: equal histories have equal logits, so
 * they are computed once. A row whose samples draw different tokens splits, by `fork`; a sequence that ends leaves the batch and
 * the rows close up.
 */
import type { SamplingParams } from "@lpo/rollout"
import * as Seed from "@lpo/rollout/Seed"
import type { Decoder, Draws } from "./Decoder.ts"
import type { SamplingLaw } from "./Sampling.ts"
import * as StopStrings from "./StopStrings.ts"
import type { Team } from "./Team.ts"

/** What is asked of the generator. @category models */
export interface Request {
  /** One token or more. */
  readonly prompt: Int32Array
  /** One random stream name per sample. */
  readonly streams: ReadonlyArray<string>
}

/** @category models */
export interface Options extends SamplingLaw, Pick<SamplingParams.SamplingParams, "maxTokens"> {
  /** Tokens that end a sequence. */
  readonly stops: ReadonlyArray<number>
  /** Texts that end a sequence, at the token that completes one. */
  readonly stopStrings?: StopStrings.StopStrings
}

/** One sampled sequence. @category models */
export interface Sampled {
  readonly tokens: Int32Array
  readonly logprobs: Float32Array
  readonly finish: "stop" | "length"
}

/** The rows of a step and the samples of each: those from `starts[r]` to `starts[r + 1]` of `samples` are row r's. */
interface Batch {
  rows: number
  readonly slots: Int32Array
  /** What each row appends. */
  readonly tokens: Int32Array
  readonly starts: Int32Array
  readonly samples: Int32Array
}

const makeBatch = (total: number): Batch => ({
  rows: 0,
  slots: new Int32Array(total),
  tokens: new Int32Array(total),
  starts: new Int32Array(total + 1),
  samples: new Int32Array(total),
})

/**
 * Samples every request's streams; results in the order of requests and streams. With a team every member is asked the same. Rejects with a `RangeError` when the model's logits
 * are not finite.
 *
 * @category sampling
 */
export const generate = async (
  decoder: Decoder,
  requests: ReadonlyArray<Request>,
  options: Options,
  team?: Team,
): Promise<ReadonlyArray<ReadonlyArray<Sampled>>> => {
  const { maxTokens } = options
  const stops = new Set(options.stops)
  const asked = requests.filter(({ streams }) => streams.length > 0)
  const randoms = asked.flatMap(({ streams }) => streams.map(Seed.stream))
  const total = randoms.length
  const tokens = new Int32Array(total * maxTokens)
  const logprobs = new Float32Array(total * maxTokens)
  const lengths = new Int32Array(total)
  const stopped = new Uint8Array(total)
  const completes = options.stopStrings && StopStrings.matcher(options.stopStrings, total)
  const draws: Draws = {
    rows: new Int32Array(total),
    uniforms: new Float64Array(total),
    tokens: new Int32Array(total),
    logprobs: new Float32Array(total),
  }
  const prompts = asked.map(({ prompt }) => prompt)
  if (total > 0 && maxTokens > 0) {
    const session = decoder.open({ prompts, samples: asked.map(({ streams }) => streams.length), maxTokens }, team)
    try {
      let batch = makeBatch(total)
      let next = makeBatch(total)
      batch.slots.set(session.prefill())
      batch.rows = asked.length
      for (const [i, { streams }] of asked.entries()) batch.starts[i + 1] = batch.starts[i] + streams.length
      for (let i = 0; i < total; i++) batch.samples[i] = i

      for (let step = 0; batch.rows > 0; step++) {
        if (step > 0) session.advance(batch.rows, batch.slots, batch.tokens)
        const n = batch.starts[batch.rows]
        for (let r = 0; r < batch.rows; r++) draws.rows.fill(r, batch.starts[r], batch.starts[r + 1])
        if (options.temperature > 0) for (let d = 0; d < n; d++) draws.uniforms[d] = randoms[batch.samples[d]].uniform()
        const drawn = session.draw(options, batch.rows, n, draws)
        if (drawn !== undefined) await drawn
        for (let d = 0; d < n; d++) {
          const sample = batch.samples[d]
          const at = sample * maxTokens + lengths[sample]++
          tokens[at] = draws.tokens[d]
          logprobs[at] = draws.logprobs[d]
          if (stops.has(draws.tokens[d]) || completes?.(sample, draws.tokens[d])) stopped[sample] = 1
        }
        split(session, batch, next, draws.tokens, step + 1 < maxTokens ? stopped : null)
        ;[batch, next] = [next, batch]
      }
    } finally {
      session.dispose()
    }
  }
  let sample = 0
  return requests.map(({ streams }) =>
    streams.map((): Sampled => {
      const from = sample * maxTokens
      const to = from + lengths[sample]
      return {
        tokens: tokens.slice(from, to),
        logprobs: logprobs.slice(from, to),
        finish: stopped[sample++] === 1 ? "stop" : "length",
      }
    }),
  )
}

/**
 * The rows of the next step: each row's samples by the token they drew, without those that stopped; with null none goes on.
 * The first token of a row keeps its slot.
 */
const split = (
  session: ReturnType<Decoder["open"]>,
  batch: Batch,
  next: Batch,
  drawn: Int32Array,
  stopped: Uint8Array | null,
): void => {
  next.rows = 0
  let kept = 0
  for (let r = 0; r < batch.rows; r++) {
    const slot = batch.slots[r]
    const end = batch.starts[r + 1]
    let free = true
    for (let d = batch.starts[r]; d < end; d++) {
      const token = drawn[d]
      // -1 marks a draw that is placed already.
      if (token < 0 || stopped === null || stopped[batch.samples[d]] === 1) continue
      next.slots[next.rows] = free ? slot : session.fork(slot)
      free = false
      next.tokens[next.rows] = token
      for (let e = d; e < end; e++) {
        if (drawn[e] !== token) continue
        next.samples[kept++] = batch.samples[e]
        drawn[e] = -1
      }
      next.starts[++next.rows] = kept
    }
    if (free) session.release(slot)
  }
}
