/** What the main thread and its workers say to each other. */
import type { Options, Request, Sampled } from "../Generate.ts"
import type { LoraConfig } from "../Lora.ts"
import type { ModelConfig } from "../ModelConfig.ts"
import type { Pair } from "../Replica.ts"

/** Given to a worker at its start. */
export interface Start {
  readonly config: ModelConfig
  /** The parameters, shared by all threads. */
  readonly values: SharedArrayBuffer
  /** An adapter on top of them. */
  readonly adapter: { readonly config: LoraConfig; readonly values: SharedArrayBuffer } | null
  readonly checkpointActivations: boolean
}

/** A job; `version` counts the changes of the parameters. */
export type Job = { readonly version: number } & (
  | { readonly kind: "generate"; readonly requests: ReadonlyArray<Request>; readonly options: Options }
  | { readonly kind: "logprobs"; readonly pairs: ReadonlyArray<Pair> }
  | { readonly kind: "forward"; readonly pairs: ReadonlyArray<Pair> }
  /** Ends the forward job before it; null drops its activations. */
  | { readonly kind: "backward"; readonly weights: ReadonlyArray<Float32Array> | null }
)

export type Result =
  | ReadonlyArray<ReadonlyArray<Sampled>>
  | ReadonlyArray<Float32Array>
  | Float32Array<ArrayBuffer>
  | null

export type Answer =
  | { readonly ready: true }
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly reason: string }
