/**
 * How much memory a model takes, before it takes it. A WASM heap ends at 4 GiB, and each worker thread has one of its own; what
 * cannot fit is refused with what would.
 *
 * Bytes per parameter in the heap of a worker: to sample, 4 (the weights as the decoding kernels read them); to learn, 4 more (the
 * weights as rows) and 4 per trained parameter (the gradient); besides, for the head's product, its weight in panels and a chunk of
 * logits. The parameters themselves, the gradient and AdamW's two moments lie outside the heap: 4 bytes per parameter, and 12 per
 * trained one.
 *
 * @module
 */
import type { LoraConfig } from "../model/Lora.ts"
import * as Lora from "../model/Lora.ts"
import { featuresOf, headSize, type ModelConfig } from "../model/ModelConfig.ts"
import { maxLogits } from "../ops/LogProb.ts"
import * as Parameters from "../model/Parameters.ts"

/** @category models */
export type Purpose = "sample" | "train"

/** @category models */
export interface Estimate {
  readonly parameters: number
  /** Those that learn. */
  readonly trained: number
  /** Bytes in the heap of every worker. */
  readonly heap: number
  /** Bytes outside the heaps, once for all workers. */
  readonly shared: number
}

/** @category models */
export interface Options {
  readonly purpose: Purpose
  /** Default: all parameters learn. */
  readonly lora?: LoraConfig | null
  /** Tokens whose activations exist together. Default 1024. */
  readonly tokens?: number
  /** Sequences decoded at once, and their length. Default 32 of 512. */
  readonly sequences?: number
  readonly positions?: number
  readonly checkpointActivations?: boolean
}

/** The end of a WASM heap, in bytes. */
const wasmHeap = 2 ** 32

/** What the backend, the kernels and pieces between tensors take of a heap. */
const overhead = 2 ** 26

/**
 * Floats that a layer keeps of a token: its input, two normed ones and the middle, and where what is added is normed too the two
 * before and the two after; queries, what they attended to and a sum per
 * head; keys and values; gate, up and their product.
 */
const activationFloats = (config: ModelConfig): number =>
  (featuresOf(config).sandwich ? 8 : 4) * config.hidden_size +
  (2 * headSize(config) + 1) * config.num_attention_heads +
  2 * headSize(config) * config.num_key_value_heads +
  3 * config.intermediate_size

/** Bytes of activations per token of a micro-batch: those kept, and what the backward pass makes of one layer. @category combinators */
export const bytesPerToken = (config: ModelConfig, checkpointActivations: boolean): number => {
  const layers = config.num_hidden_layers
  const floats = activationFloats(config)
  return 4 * (checkpointActivations ? layers * config.hidden_size + 2 * floats : (layers + 1) * floats)
}

/** Bytes of the widest product of learning: the head as panels, and the logits that exist together. */
const headBytes = (
  { final_logit_softcapping: cap, hidden_size: d, vocab_size: v }: ModelConfig,
  tokens: number,
): number => 4 * (d * v + (cap == null ? 1 : 3) * Math.min(maxLogits, tokens * v))

/** @category combinators */
export const estimate = (config: ModelConfig, options: Options): Estimate => {
  const { lora = null, positions = 512, purpose, sequences = 32, tokens = 1024 } = options
  const parameters = Parameters.count(Parameters.layout(config))
  const trained = lora === null ? parameters : Parameters.count(Lora.layout(config, lora))
  const { num_hidden_layers: layers, num_key_value_heads: kvHeads } = config
  const cache = 8 * layers * kvHeads * headSize(config) * sequences * positions
  const sampling = overhead + 4 * parameters + cache
  if (purpose === "sample") return { parameters, trained, heap: sampling, shared: 4 * parameters }
  const activations = tokens * bytesPerToken(config, options.checkpointActivations ?? false)
  return {
    parameters,
    trained,
    // The cache is given back before learning begins, and the other way round.
    heap: overhead + 8 * parameters + 4 * trained + headBytes(config, tokens) + Math.max(cache, activations),
    shared: 4 * parameters + 12 * trained,
  }
}

/** The most parameters that a heap takes for a purpose, without activations and cache. @category combinators */
export const largest = (purpose: Purpose, lora: boolean, heap: number = wasmHeap): number =>
  Math.floor((heap - overhead) / (purpose === "sample" ? 4 : lora ? 8 : 12))

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`

/** Why a model does not fit into a WASM heap, with what would; null where it fits. @category combinators */
export const refusal = (config: ModelConfig, options: Options): string | null => {
  const { heap, parameters } = estimate(config, options)
  if (heap <= wasmHeap) return null
  const { lora = null, purpose } = options
  const what = purpose === "sample" ? "to sample" : lora === null ? "to train in full" : "to train an adapter"
  const millions = (n: number): string => `${Math.floor(n / 1e6)} M`
  const ways = [
    ...(purpose === "train" && lora === null && estimate(config, { ...options, lora: oneTarget }).heap <= wasmHeap
      ? ["train an adapter (the option lora)"]
      : []),
    ...(purpose === "train" && !options.checkpointActivations ? ["checkpointActivations"] : []),
    ...(purpose === "train" ? ["fewer tokens per micro-batch"] : ["fewer sequences at once"]),
    `a model of at most about ${millions(largest(purpose, lora !== null))} parameters`,
    "a backend without this limit",
  ]
  return `${parameters.toLocaleString("en")} parameters need ${gib(heap)} ${what}, and a WASM heap ends at 4 GiB; ways out: ${ways.join(", ")}`
}

/** The smallest adapter there is, to ask whether any would fit. */
const oneTarget: LoraConfig = { rank: 1, alpha: 1, targets: ["q_proj"] }
