/**
 * Server dialects as data: what differs between the servers that speak the protocol. The client and the layers read these
 * fields and have no other knowledge of a server.
 *
 * Every field may be overridden: `{ ...ServerProfile.skyrlJax, encoding: "json" }`. What was not verified against a running
 * server is said at the field of the profile.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import type { Form } from "./Datum.ts"

/** @category models */
export interface ServerProfile {
  readonly name: string
  /** How LPO's gradient is expressed; proved at start. */
  readonly form: Form
  /** Form B': whether `weights` are sent as a mask. */
  readonly mask: boolean
  /** Bodies of forward and forward_backward, and answers where the server has both. */
  readonly encoding: "json" | "protobuf"
  /** Bodies of at least 64 KiB are compressed with zstd, where this Node has it. */
  readonly zstd: boolean
  readonly auth: "x-api-key" | "bearer"
  /** Every request carries `x-request-id` and, the same, `serve_multiplexed_model_id`. */
  readonly requestIds: boolean
  /** A training request sent twice with one sequence number is carried out once. Without it nothing uncertain is sent again. */
  readonly deduplicates: boolean
  /** A bare 400 on a poll: how often to poll again before it counts as failed. */
  readonly retriesOf400: number
  /** optim_step's metric with the gradient's global norm; null where there is none. */
  readonly gradNormMetric: string | null
  /** AdamW settings that the server takes from its own start instead of from a request; null: it honours the request's. */
  readonly fixedAdam: {
    readonly beta1: number
    readonly beta2: number
    readonly epsilon: number
    readonly weightDecay: number
  } | null
  /** Clipping of the gradient's global norm: by request, never, or always at this norm. */
  readonly clipping: "request" | "never" | number
  /** Sampler checkpoints of a model in training follow its weights, so sampling must end before a step begins. */
  readonly liveSamplers: boolean
  /** Whether image chunks reach the model. */
  readonly images: boolean
  /** Whether temperature 0 is greedy. */
  readonly greedy: boolean
  /** Where a saved training checkpoint is found, for saves whose answer was lost. */
  readonly checkpointPath: (modelId: string, name: string) => string
}

const tinkerPath = (modelId: string, name: string): string => `tinker://${modelId}/weights/${name}`

/**
 * Hosted Tinker. Not verified against the service: JSON bodies of forward_backward (set `encoding: "json"` to try), log-probs
 * at temperatures other than 1.
 *
 * @category profiles
 */
export const hosted: ServerProfile = {
  name: "hosted",
  form: "A",
  mask: false,
  encoding: "protobuf",
  zstd: true,
  auth: "x-api-key",
  requestIds: false,
  deduplicates: true,
  retriesOf400: 3,
  gradNormMetric: null,
  fixedAdam: null,
  clipping: "request",
  liveSamplers: false,
  images: true,
  greedy: true,
  checkpointPath: tinkerPath,
}

/**
 * SkyRL 0.4 with `--backend jax`, on CPU, GPU or TPU: verified against a running server. Servers older than August 2026 need
 * `encoding: "json"`; those before 2026-08-13 also `deduplicates: false`.
 *
 * @category profiles
 */
export const skyrlJax: ServerProfile = {
  ...hosted,
  name: "skyrl-jax",
  form: "B'",
  mask: true,
  retriesOf400: 0,
  gradNormMetric: "skyrl.ai/grad_norm",
  clipping: "never",
  liveSamplers: true,
  images: false,
}

/**
 * SkyRL with `--backend fsdp` or `megatron` (NVIDIA GPUs, vLLM): read in its code, not verified against a running server. The
 * optimiser's settings are those that the server was started with: give them in `fixedAdam` and `clipping`.
 *
 * @category profiles
 */
export const skyrlFsdp: ServerProfile = {
  ...skyrlJax,
  name: "skyrl-fsdp",
  form: "A",
  mask: false,
  fixedAdam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
  clipping: 1,
  images: true,
}

/**
 * Twinkle: read in its code, not verified against a running server. It averages over tokens and sequences in a way that no
 * form is known to undo for unequal batches, so the probe at start may refuse it.
 *
 * @category profiles
 */
export const twinkle: ServerProfile = {
  ...hosted,
  name: "twinkle",
  form: "B'",
  encoding: "json",
  zstd: false,
  auth: "bearer",
  requestIds: true,
  deduplicates: false,
  liveSamplers: true,
  images: false,
  greedy: false,
  checkpointPath: (modelId, name) => `twinkle://${modelId}/weights/${name}`,
}
