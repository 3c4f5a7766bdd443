/**
 * One copy of a model on one backend, in one thread: sampling, log-probs and gradients. Results are promises, since a GPU can only
 * be read by waiting for it; one call ends before the next begins. The parameters are a flat vector that may be shared with other
 * threads; `changed` says that somebody wrote to it.
 *
 * @module
 */
import type { Sequence } from "@lpo/rollout"
import * as tf from "@tensorflow/tfjs-core"
import { backward } from "../model/Backward.ts"
import * as Generate from "../decode/Generate.ts"
import * as Team from "../decode/Team.ts"
import * as Lora from "../model/Lora.ts"
import type { ModelConfig } from "../model/ModelConfig.ts"
import * as Engine from "../device/Engine.ts"
import type { GradientSum } from "../ops/Ops.ts"
import * as Pack from "../train/Pack.ts"
import * as Parameters from "../model/Parameters.ts"
import * as Transformer from "../model/Transformer.ts"
import * as Weights from "../model/Weights.ts"

/** A forward pass that waits for its backward pass: call one of its functions, once. @category models */
export interface Forward {
  readonly logprobs: Array<Float32Array>
  /** The gradient, a flat vector. */
  readonly backward: (weights: ReadonlyArray<Float32Array>) => Promise<Float32Array>
  /** Adds the gradient to the replica's own sum; where that fails, the sum is of no use. */
  readonly addGradient: (weights: ReadonlyArray<Float32Array>) => void
  readonly drop: () => void
}

/** @category models */
export interface Replica {
  readonly changed: () => void
  /** With a seat, together with the replicas of other threads that are asked the same. */
  readonly generate: (
    requests: ReadonlyArray<Generate.Request>,
    options: Generate.Options,
    seat?: Team.Seat,
  ) => Promise<ReadonlyArray<ReadonlyArray<Generate.Sampled>>>
  /** The logits of the next token after every token of each sequence, [length, vocabulary]. */
  readonly logits: (sequences: ReadonlyArray<Int32Array>) => Promise<Array<Float32Array>>
  /** Token log-probs of each completion, nats; one forward pass for all. */
  readonly logprobs: (pairs: ReadonlyArray<Sequence.Sequence>) => Promise<Array<Float32Array>>
  /** The same, with a way back from `sum weight * logprob`. */
  readonly forward: (pairs: ReadonlyArray<Sequence.Sequence>) => Promise<Forward>
  /** Copies the sum of gradients to `into`, or with `add` adds it there, and starts a new one. */
  readonly takeGradient: (into: Float32Array, add?: boolean) => Promise<void>
  /** Starts a new sum. */
  readonly dropGradient: () => void
  readonly dispose: () => void
}

const unpack = (flat: Float32Array, pairs: ReadonlyArray<Sequence.Sequence>): Array<Float32Array> => {
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

/** A tensor's values, which are the caller's own; the tensor is disposed of. */
const read = async (tensor: tf.Tensor): Promise<Float32Array> => {
  try {
    return (await tensor.data<"float32">()).slice()
  } finally {
    tensor.dispose()
  }
}

/** @category models */
export interface Options {
  /** Default: the fastest on the active backend. */
  readonly engine?: Engine.Engine
  /** Keep only the inputs of the layers for the backward pass, and compute the rest again: less memory, a third more time. */
  readonly checkpointActivations?: boolean
  /**
   * Keep the weights in memory once, as sampling or as learning reads them, and make them anew when the other asks. Default: of a
   * model from 64 MiB on, which is read anew for every version anyway.
   */
  readonly lean?: boolean
  /** An adapter (not copied) on top of `values`: it alone gets gradients. */
  readonly adapter?: Lora.Adapter | null
}

/** Parameters from which on weights lie in memory once: 64 MiB. */
const largeModel = 2 ** 24

/** A replica of `values` (not copied) on the active backend. @category constructors */
export const make = (config: ModelConfig, values: Float32Array, options: Options = {}): Replica => {
  const { adapter = null, checkpointActivations = false, engine = Engine.choose() } = options
  const refusal = adapter && Lora.refusal(config, adapter)
  if (refusal !== null) throw new RangeError(refusal)
  const { ops } = engine
  const keep = checkpointActivations ? "inputs" : "activations"
  const slots = Parameters.layout(config)
  const size = Parameters.count(slots)
  if (values.length !== size) throw new RangeError(`${values.length} parameters for a model of ${size}`)
  const [{ name: table, offset, size: rows }] = slots
  const changing = adapter !== null && Lora.changesEmbedding(config, adapter.config)
  const embedding = changing ? new Float32Array(rows) : values.subarray(offset, offset + rows)
  const readEmbedding = (): void => {
    if (changing) Lora.reader(config, values, adapter)(table, embedding)
  }
  readEmbedding()
  const packed = (pairs: ReadonlyArray<Sequence.Sequence>): Transformer.Packed => {
    const refusal = Pack.refusal(pairs)
    if (refusal !== null) throw new RangeError(refusal)
    const batch = Pack.pack(pairs)
    const time = Transformer.longest(batch)
    if (config.rope_scaling?.rope_type === "dynamic" && time > config.max_position_embeddings) {
      throw new RangeError(
        `a sequence of ${time} tokens is above max_position_embeddings ${config.max_position_embeddings}: dynamic rope scaling ` +
          "turns all its positions anew with every token from there on, so that what was sampled and what is learned would differ",
      )
    }
    return batch
  }
  let uploaded: Weights.Weights | null = null
  const weights = (): Weights.Weights => (uploaded ??= Weights.upload(config, values, adapter))
  const decoder = engine.decoder({
    config,
    embedding,
    parameters: () => (adapter === null ? values : Lora.merge(config, values, adapter)),
    weights,
  })
  const changed = (): void => {
    uploaded?.dispose()
    uploaded = null
    readEmbedding()
    decoder.changed()
  }
  const trained = adapter?.values.length ?? size
  let summed: GradientSum | null = null
  const sum = (): GradientSum => (summed ??= ops.gradient(trained))
  const takeGradient = async (into: Float32Array, add = false): Promise<void> => {
    await (add ? sum().addTo(into) : sum().read(into))
    sum().zero()
  }
  const lean = options.lean ?? size >= largeModel
  /** What only learning reads is made anew for every version: of a large model it does not lie in memory while sampling. */
  const toSample = (): void => {
    if (!lean || !engine.packs) return
    uploaded?.dispose()
    uploaded = null
    summed?.dispose()
    summed = null
  }
  /** The same the other way round. */
  const toLearn = (): void => {
    if (lean) decoder.changed()
  }
  return {
    changed,
    takeGradient,
    dropGradient: () => summed?.zero(),
    dispose: () => {
      changed()
      summed?.dispose()
      summed = null
    },
    generate: (requests, options, seat) => {
      toSample()
      return Generate.generate(decoder, requests, options, seat === undefined ? Team.alone : Team.join(seat))
    },
    logits: async (sequences) => {
      toLearn()
      const all: Array<Float32Array> = []
      for (const ids of sequences) {
        const rows = Int32Array.from(ids.keys())
        const segments = Transformer.padded(1, ids.length)
        const whole = { ids, segments, rows, targets: new Int32Array(ids.length), slopes: null }
        all.push(await read(Transformer.logits(config, ops, weights(), embedding, whole)))
      }
      return all
    },
    logprobs: async (pairs) => {
      toLearn()
      const { logprobs } = Transformer.forward(config, ops, weights(), embedding, packed(pairs))
      return unpack(await read(logprobs), pairs)
    },
    forward: async (pairs) => {
      toLearn()
      const { logprobs, saved } = Transformer.forward(config, ops, weights(), embedding, packed(pairs), { keep })
      if (saved === null) throw new TypeError("the forward pass kept nothing")
      let values: Float32Array
      try {
        values = await read(logprobs)
      } catch (cause) {
        saved.dispose()
        throw cause
      }
      const addGradient = (perToken: ReadonlyArray<Float32Array>): void => {
        try {
          backward(config, ops, weights(), saved, flatten(perToken), sum(), adapter?.config ?? null)
        } finally {
          saved.dispose()
        }
      }
      return {
        logprobs: unpack(values, pairs),
        addGradient,
        backward: async (perToken) => {
          const gradient = new Float32Array(trained)
          sum().zero()
          addGradient(perToken)
          await takeGradient(gradient)
          return gradient
        },
        drop: saved.dispose,
      }
    },
  }
}
