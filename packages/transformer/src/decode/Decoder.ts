/**
 * What a sampler needs of a model: next-token logits of many sequences that grow token by token, and draws from them.
 *
 * Sequences live in slots. A slot holds the cache of one history; `fork` makes a second slot with the same history, so that
 * samples share all they have in common, the prompt and every token until they differ. Two implementations: one on the companion
 * kernels ({@link FusedDecoder}), and one on stock operations for any other backend ({@link CachedDecoder}).
 */
import type { ModelConfig } from "../model/ModelConfig.ts"
import type { SamplingLaw } from "./Sampling.ts"
import type { Team } from "./Team.ts"
import type { Weights } from "../model/Weights.ts"

/** The model that is decoded. It may change between sessions, followed by a call of `changed`. @category models */
export interface Model {
  readonly config: ModelConfig
  /** The flat vector of `Parameters.layout`, an adapter added to it. */
  readonly parameters: () => Float32Array
  /** [vocabulary, hidden] */
  readonly embedding: Float32Array
  /** The parameters as tensors, uploaded on first use. */
  readonly weights: () => Weights
}

/** How much a session must hold. @category models */
export interface Plan {
  readonly prompts: ReadonlyArray<Int32Array>
  /** How many samples each prompt gets, one or more. */
  readonly samples: ReadonlyArray<number>
  /** Longest continuation, tokens. */
  readonly maxTokens: number
}

/** Draws of a step: draw `d` is from row `rows[d]` of the logits. All [at least n]. @category models */
export interface Draws {
  readonly rows: Int32Array
  /** In [0, 1). */
  readonly uniforms: Float64Array
  /** Written: the tokens, and their log-probs in nats, as the law wants them. */
  readonly tokens: Int32Array
  readonly logprobs: Float32Array
}

/** @category models */
export interface Session {
  /** One slot per prompt of the plan; row i of the logits follows prompt i. Call it once, first. */
  readonly prefill: () => Int32Array
  /** Appends `tokens[r]` to slot `slots[r]` for r < n: all slots in use, each once. Row r of the logits follows it. */
  readonly advance: (n: number, slots: Int32Array, tokens: Int32Array) => void
  /** Makes n draws from the first `rows` rows of logits, once per `prefill` or `advance`; a promise where a device is waited for. */
  readonly draw: (law: SamplingLaw, rows: number, n: number, draws: Draws) => Promise<void> | void
  /** A slot with the history of `slot`. */
  readonly fork: (slot: number) => number
  readonly release: (slot: number) => void
  readonly dispose: () => void
}

/** @category models */
export interface Decoder {
  /** With a team, all of its members open the same plan and go through the same calls. */
  readonly open: (plan: Plan, team?: Team) => Session
  /** The parameters changed: forget what was made of them. */
  readonly changed: () => void
}
