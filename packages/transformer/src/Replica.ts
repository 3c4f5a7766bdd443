/**
 * One copy of a model on one backend, in one thread: sampling, log-probs and gradients, all synchronous. The parameters are a
 * flat vector that may be shared with other threads; `changed` says that somebody wrote to it.
 */
import * as tf from "@tensorflow/tfjs-core"
import * as Generate from "./Generate.ts"
import * as Lora from "./Lora.ts"
import type { ModelConfig } from "./ModelConfig.ts"
import { choose } from "./ops/Choose.ts"
import type { Ops } from "./ops/Ops.ts"
import * as Parameters from "./Parameters.ts"
import * as Transformer from "./Transformer.ts"
import * as Weights from "./Weights.ts"

/** A prompt and a response, as tokens. @category models */
export interface Pair {
  readonly prompt: Int32Array
  readonly completion: Int32Array
}

/** @category models */
export interface Replica {
  readonly changed: () => void
  readonly generate: (
    requests: ReadonlyArray<Generate.Request>,
    options: Generate.Options,
  ) => ReadonlyArray<ReadonlyArray<Generate.Sampled>>
  /** The logits of the next token after every token of each sequence, [length, vocabulary]. */
  readonly logits: (sequences: ReadonlyArray<Int32Array>) => Array<Float32Array>
  /** Token log-probs of each completion, nats; one forward pass for all. */
  readonly logprobs: (pairs: ReadonlyArray<Pair>) => Array<Float32Array>
  /** The same, with a way back: the gradient of `sum weight * logprob`, a flat vector. Call `backward` or `drop` once. */
  readonly forward: (pairs: ReadonlyArray<Pair>) => {
    readonly logprobs: Array<Float32Array>
    readonly backward: (weights: ReadonlyArray<Float32Array>) => Float32Array<ArrayBuffer>
    readonly drop: () => void
  }
  readonly dispose: () => void
}

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

const flatten = (rows: ReadonlyArray<Float32Array>): Float32Array => {
  const flat = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0))
  let at = 0
  for (const row of rows) {
    flat.set(row, at)
    at += row.length
  }
  return flat
}

/** @category models */
export interface Options {
  /** Default: the fastest operations of the active backend. */
  readonly ops?: Ops
  /** Keep only the inputs of the layers for the backward pass, and compute the rest again: less memory, a third more time. */
  readonly checkpointActivations?: boolean
  /** An adapter (not copied) on top of `values`: it alone gets gradients. */
  readonly adapter?: Lora.Adapter | null
}

/** A replica of `values` (not copied) on the active backend. @category constructors */
export const make = (config: ModelConfig, values: Float32Array, options: Options = {}): Replica => {
  const { adapter = null, checkpointActivations = false, ops = choose() } = options
  const problem = adapter && Lora.problem(config, adapter)
  if (problem !== null) throw new RangeError(problem)
  const keep = checkpointActivations ? "inputs" : "activations"
  const slots = Parameters.layout(config)
  const size = Parameters.count(slots)
  if (values.length !== size) throw new RangeError(`${values.length} parameters for a model of ${size}`)
  const embedding = values.subarray(slots[0].offset, slots[0].offset + slots[0].size)
  const packed = (pairs: ReadonlyArray<Pair>): Transformer.Packed => {
    const batch = pack(pairs)
    if (config.rope_scaling?.rope_type === "dynamic" && batch.time > config.max_position_embeddings) {
      throw new RangeError(
        `a sequence of ${batch.time} tokens is above max_position_embeddings ${config.max_position_embeddings}: dynamic rope scaling ` +
          "turns all its positions anew with every token from there on, so that what was sampled and what is learned would differ",
      )
    }
    return batch
  }
  let uploaded: Weights.Weights | null = null
  const weights = (): Weights.Weights => (uploaded ??= Weights.upload(config, values, adapter))
  const changed = (): void => {
    uploaded?.dispose()
    uploaded = null
  }
  return {
    changed,
    dispose: changed,
    generate: (requests, options) =>
      Generate.generate({ config, ops, weights: weights(), embedding }, requests, options),
    logits: (sequences) =>
      sequences.map((ids) => {
        const rows = Int32Array.from(ids.keys())
        const packed = { ids, sequences: 1, time: ids.length, rows, targets: new Int32Array(ids.length) }
        const { hidden } = Transformer.forward(config, ops, weights(), embedding, packed)
        let logits = new Float32Array(0)
        tf.tidy(() => {
          const x = tf.tensor2d(hidden, [ids.length, config.hidden_size])
          logits = ops.linear(x, weights().head).dataSync<"float32">().slice()
        })
        return logits
      }),
    logprobs: (pairs) => unpack(Transformer.forward(config, ops, weights(), embedding, packed(pairs)).logprobs, pairs),
    forward: (pairs) => {
      const { logprobs, saved } = Transformer.forward(config, ops, weights(), embedding, packed(pairs), { keep })
      if (saved === null) throw new TypeError("the forward pass kept nothing")
      return {
        logprobs: unpack(logprobs, pairs),
        backward: (perToken) => {
          const gradient = new Float32Array(adapter?.values.length ?? size)
          try {
            Transformer.backward(config, ops, weights(), saved, flatten(perToken), gradient, adapter?.config ?? null)
          } finally {
            saved.dispose()
          }
          return gradient
        },
        drop: saved.dispose,
      }
    },
  }
}
