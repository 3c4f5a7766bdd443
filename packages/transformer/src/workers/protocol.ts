/** What the main thread and its workers say to each other. */
import type { Sequence } from "@lpo/rollout"
import type { Options, Request, Sampled } from "../decode/Generate.ts"
import type { Seat } from "../decode/Team.ts"
import type { LoraConfig } from "../model/Lora.ts"
import type { ModelConfig } from "../model/ModelConfig.ts"
import type { Compiled } from "../ops/Kernels.ts"
import type * as AdamW from "../train/AdamW.ts"

/** Given to a worker at its start. */
export interface Start {
  readonly config: ModelConfig
  /** The parameters, shared by all threads. */
  readonly values: SharedArrayBuffer
  /** An adapter on top of them. */
  readonly adapter: { readonly config: LoraConfig; readonly values: SharedArrayBuffer } | null
  readonly checkpointActivations: boolean
  /** The kernels, compiled once for all threads. */
  readonly kernels: Compiled
}

/** A job; `version` counts the changes of the parameters. */
export type Job = { readonly version: number } &
  /** With a seat, the other members of the team get the same job. */
  (
    | {
        readonly kind: "generate"
        readonly requests: ReadonlyArray<Request>
        readonly options: Options
        readonly seat?: Seat
      }
    | { readonly kind: "logprobs"; readonly pairs: ReadonlyArray<Sequence.Sequence> }
    /** `fresh` starts a new sum of gradients. */
    | { readonly kind: "forward"; readonly pairs: ReadonlyArray<Sequence.Sequence>; readonly fresh: boolean }
    /** Ends the forward job before it by adding to the sum of gradients; null drops its activations. */
    | { readonly kind: "backward"; readonly weights: ReadonlyArray<Float32Array> | null }
    /** Writes the sum of gradients to memory that the asker sees too, or adds it to what is there. */
    | { readonly kind: "gradient"; readonly into: ArrayBufferLike; readonly add: boolean }
    /** Parts of a step of AdamW: sums of squares of a gradient, then the step, which clears the gradient. */
    | { readonly kind: "squares"; readonly gradient: Float32Array; readonly parts: readonly [number, number] }
    | {
        readonly kind: "move"
        readonly vectors: AdamW.Vectors
        readonly parts: readonly [number, number]
        readonly pace: AdamW.Pace
      }
  )

export type Result = ReadonlyArray<ReadonlyArray<Sampled>> | ReadonlyArray<Float32Array> | Float64Array | null

export type Answer =
  | { readonly ready: true }
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly reason: string }
