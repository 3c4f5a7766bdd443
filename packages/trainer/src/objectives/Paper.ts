/**
 * The settings of the paper (appendix D), as data: the objectives by the names of the registry, AdamW, and the shape of an
 * iteration. Its baselines average over the tokens of a response (eq. 2), as its LPO does, and clip symmetrically.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"

const listwise = { name: "lpo", reduction: "mean", clip: 0.2 } as const
const baseline = { clip: { low: 0.2, high: 0.2 }, aggregation: "sequence-mean" } as const

/** LPO uses the `tau` of the baseline it is compared with: `std` (GRPO), 1 (Dr.GRPO) or `mean` (MaxRL). @category settings */
export const objectives = {
  "lpo-fwd-paper": { ...listwise, divergence: "forward-kl" },
  "lpo-rev-paper": { ...listwise, divergence: "reverse-kl" },
  "grpo-paper": { name: "grpo", ...baseline },
  "dr-grpo-paper": { name: "dr-grpo", ...baseline },
  "maxrl-paper": { name: "maxrl", ...baseline },
} as const

/** For `TrainConfig`, except the number of prompts, which depends on the domain: {@link batches}. @category settings */
export const training = {
  groupSize: 8,
  epochs: 1,
  /** Two updates per iteration. */
  miniBatches: 2,
  optimizer: { learningRate: 1e-6, beta1: 0.9, beta2: 0.999, weightDecay: 0.1 },
} as const

/** Prompts per iteration and the longest response in tokens, by domain. @category settings */
export const batches = {
  countdown: { promptsPerStep: 128, maxTokens: 1024 },
  mathematics: { promptsPerStep: 256, maxTokens: 4096 },
  code: { promptsPerStep: 256, maxTokens: 4096 },
  geometry: { promptsPerStep: 128, maxTokens: 1024 },
} as const
