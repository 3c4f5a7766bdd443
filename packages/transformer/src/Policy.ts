/**
 * The policy: parameters, optimiser state and gradient of one model, shared by the sampler and the learner. Its methods are
 * synchronous; the layers built on it yield between micro-batches.
 */
import { Context } from "effect"
import * as AdamW from "./AdamW.ts"
import * as Generate from "./Generate.ts"
import type { ModelConfig } from "./ModelConfig.ts"
import { composed } from "./ops/Composed.ts"
import * as Parameters from "./Parameters.ts"
import type { TokenizerService } from "./Tokenizer.ts"
import * as Transformer from "./Transformer.ts"
import * as Weights from "./Weights.ts"

/** A prompt and a response, as tokens. @category models */
export interface Pair {
  readonly prompt: Int32Array
  readonly completion: Int32Array
}

/** @category services */
export interface PolicyService {
  readonly config: ModelConfig
  readonly tokenizer: TokenizerService
  /** The flat parameter vector; call `changed` after writing to it. */
  readonly values: Float32Array
  readonly gradient: Float32Array
  readonly optimizer: AdamW.State
  version: number
  readonly changed: () => void
  readonly generate: (
    requests: ReadonlyArray<Generate.Request>,
    options: Omit<Generate.Options, "stop">,
  ) => ReadonlyArray<ReadonlyArray<Generate.Sampled>>
  /** Token log-probs of each completion, nats; one forward pass for all. */
  readonly logprobs: (pairs: ReadonlyArray<Pair>) => Array<Float32Array>
  /**
   * Adds the gradient of `sum weight * logprob` to `gradient`; `weigh` sees the log-probs of the same forward pass and gives
   * one weight per token.
   */
  readonly accumulate: (
    pairs: ReadonlyArray<Pair>,
    weigh: (logprobs: ReadonlyArray<Float32Array>) => ReadonlyArray<Float32Array>,
  ) => void
  readonly dispose: () => void
}

/** @category services */
export class Policy extends Context.Service<Policy, PolicyService>()("@lpo/transformer/Policy") {}

/** Right-pads sequences into one micro-batch that asks for the log-prob of every completion token. @category combinators */
export const pack = (pairs: ReadonlyArray<Pair>): Transformer.Packed => {
  // The last token predicts nothing, so it is never an input.
  const time = Math.max(...pairs.map((p) => p.prompt.length + p.completion.length - 1))
  const ids = new Int32Array(pairs.length * time)
  const rows: Array<number> = []
  const targets: Array<number> = []
  for (const [i, { completion, prompt }] of pairs.entries()) {
    ids.set(prompt, i * time)
    ids.set(completion.subarray(0, completion.length - 1), i * time + prompt.length)
    for (const [t, token] of completion.entries()) {
      rows.push(i * time + prompt.length - 1 + t)
      targets.push(token)
    }
  }
  return { ids, sequences: pairs.length, time, rows: Int32Array.from(rows), targets: Int32Array.from(targets) }
}

const unpack = (flat: Float32Array, pairs: ReadonlyArray<Pair>): Array<Float32Array> => {
  let at = 0
  return pairs.map(({ completion }) => flat.slice(at, (at += completion.length)))
}

/** A policy over these parameters (a copy is not made). The backend must have been started. @category constructors */
export const make = (config: ModelConfig, tokenizer: TokenizerService, values: Float32Array): PolicyService => {
  const slots = Parameters.layout(config)
  const size = Parameters.count(slots)
  if (values.length !== size) throw new RangeError(`${values.length} parameters for a model of ${size}`)
  const embedding = values.subarray(slots[0].offset, slots[0].offset + slots[0].size)
  let uploaded: Weights.Weights | null = null
  const weights = (): Weights.Weights => (uploaded ??= Weights.upload(config, values))
  const gradient = new Float32Array(size)
  const changed = (): void => {
    uploaded?.dispose()
    uploaded = null
  }
  return {
    config,
    tokenizer,
    values,
    gradient,
    optimizer: AdamW.init(size),
    version: 0,
    changed,
    dispose: changed,
    generate: (requests, options) =>
      Generate.generate({ config, ops: composed, weights: weights(), embedding }, requests, {
        ...options,
        stop: tokenizer.stop,
      }),
    logprobs: (pairs) =>
      unpack(Transformer.forward(config, composed, weights(), embedding, pack(pairs)).logprobs, pairs),
    accumulate: (pairs, weigh) => {
      const { logprobs, saved } = Transformer.forward(config, composed, weights(), embedding, pack(pairs), {
        keep: true,
      })
      if (saved === null) return
      try {
        const perToken = weigh(unpack(logprobs, pairs))
        const flat = new Float32Array(logprobs.length)
        let at = 0
        for (const w of perToken) {
          flat.set(w, at)
          at += w.length
        }
        Transformer.backward(config, composed, weights(), saved, flat, gradient)
      } finally {
        saved.dispose()
      }
    },
  }
}
