/** What a policy is to the sampler and the learner. */
import type { Sampler, SamplingParams, Sequence } from "@lpo/rollout"
import { Context, type Effect } from "effect"
import type * as Generate from "../decode/Generate.ts"
import type { LoraConfig } from "../model/Lora.ts"
import type { ModelConfig } from "../model/ModelConfig.ts"
import type { TokenizerService } from "../tokenizer/Tokenizer.ts"
import type * as AdamW from "../train/AdamW.ts"
import type { EngineError } from "../TransformerError.ts"
import type * as Pool from "../workers/Pool.ts"

/** How to sample; what is left out is as `SamplingParams.make` has it. @category models */
export type GenerateOptions = SamplingParams.Options & {
  /** What log-probs are of: the policy, or the law that was sampled from. Default `raw`. */
  readonly logprobsOf?: Sampler.SampleOptions["logprobsOf"]
  /** Most sequences decoded at once by each worker. Default: as many as suit the backend. Samples do not depend on it. */
  readonly maxSequences?: number | undefined
}

/** @category services */
export interface PolicyService {
  readonly config: ModelConfig
  readonly tokenizer: TokenizerService
  /** The flat vector of what is trained: every parameter, or with LoRA the adapter. Call `changed` after writing to it. */
  readonly values: Float32Array
  /** With LoRA: the adapter's shape and the frozen parameters under it. */
  readonly lora: { readonly config: LoraConfig; readonly base: Float32Array } | null
  readonly gradient: Float32Array
  readonly optimizer: AdamW.State
  version: number
  /** How many jobs can run at once. */
  readonly parallelism: number
  /** Bytes of activations per token of a micro-batch. */
  readonly bytesPerToken: number
  /** How many sequences of `positions` tokens each worker decodes at once unless told otherwise. */
  readonly sequencesAtOnce: (positions: number) => number
  readonly changed: () => void
  /** Samples all requests, split over the workers; every sample is what it would be alone. */
  readonly generate: (
    requests: ReadonlyArray<Generate.Request>,
    options: GenerateOptions,
  ) => Effect.Effect<ReadonlyArray<ReadonlyArray<Generate.Sampled>>, EngineError>
  /** Token log-probs of each completion, nats; one forward pass on one replica. */
  readonly logprobs: (
    pairs: ReadonlyArray<Sequence.Sequence>,
  ) => Effect.Effect<ReadonlyArray<Float32Array>, EngineError>
  /**
   * Adds the gradient of `sum weight * logprob` over all micro-batches to `gradient`. `weigh` sees the log-probs of the pass that
   * is differentiated, one micro-batch at a time in any order, and gives one weight per token.
   */
  readonly accumulate: (
    microBatches: ReadonlyArray<ReadonlyArray<Sequence.Sequence>>,
    weigh: (index: number, logprobs: ReadonlyArray<Float32Array>) => ReadonlyArray<Float32Array>,
  ) => Effect.Effect<void, EngineError>
  /**
   * One ascent step along `gradient`, which is then cleared; gives its norm before clipping. Nothing changes when that is not
   * finite. `state` is the optimiser's, by default the policy's own.
   */
  readonly step: (options: AdamW.Options, state?: AdamW.State) => Effect.Effect<number, EngineError>
  /** The pool behind it. */
  readonly pool: Pool.Pool
}

/** @category services */
export class Policy extends Context.Service<Policy, PolicyService>()("@lpo/transformer/Policy") {}
