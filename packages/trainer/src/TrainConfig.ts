/**
 * The configuration of a training run, every value spelled out; the defaults are the paper's where it gives them.
 *
 * @module
 */
import type { Options as BestOptions } from "./Best.ts"
import type { Options as FilterOptions } from "./Filter.ts"
import * as Health from "./Health.ts"
import type { StepOptions } from "./Learner.ts"
import type { Options as NoiseOptions } from "./Noise.ts"
import type { Objective } from "./Objective.ts"
import type { Options as ReplayOptions } from "./Replay.ts"

/** @category models */
export interface TrainConfig {
  /** Seed of every random stream of the run. */
  readonly seed: string
  /** Training steps, one batch of prompts each. */
  readonly steps: number
  /** B, prompts per step. */
  readonly promptsPerStep: number
  /** K, responses per prompt, >= 2. */
  readonly groupSize: number
  /** Longest response, in tokens. */
  readonly maxTokens: number
  /**
   * What the logits are divided by in sampling, > 0; the learner's log-probs and gradients are of that distribution too.
   * Default 1, the policy itself.
   */
  readonly temperature?: number
  /** Texts that end a response. Default none. */
  readonly stopStrings?: ReadonlyArray<string>
  /** E, passes over the batch (Algorithm 1). */
  readonly epochs: number
  /** Mini-batches per pass, each one optimiser step. */
  readonly miniBatches: number
  readonly objective: Objective
  /** AdamW; `learningRate` is the peak. */
  readonly optimizer: StepOptions & {
    /** Training steps over which the learning rate rises linearly from 0. */
    readonly warmupSteps: number
    /**
     * The learning rate after that, until the last step: constant, or falling to 0 linearly or as half a cosine. Default
     * `constant`.
     */
    readonly decay?: "constant" | "linear" | "cosine"
  }
  /**
   * What to do with groups that teach nothing. `drop`: the rest is trained on, and they count as the zero gradient
   * they are. `resample`: other prompts are sampled instead, at most `resampleRounds` times. `replay`: earlier
   * groups replace them. Default `drop`.
   */
  readonly silentGroups?: "drop" | "resample" | "replay"
  /** Default 3. */
  readonly resampleRounds?: number
  /**
   * Groups from which the policy has moved too far since they were sampled are not trained on, and are counted by the limit that
   * they break: needed with `maxLag`, or a sampler whose arithmetic differs. Default null: all are trained on.
   */
  readonly filter?: FilterOptions | null
  /** Noise on the verdicts of training, for studies. Default null: none. */
  readonly noise?: NoiseOptions | null
  /** For `silentGroups: "replay"`. */
  readonly replay?: ReplayOptions
  /**
   * `sampled`: the recorded log-probs are the anchor's (the sampler uses the weights that are trained).
   * `recompute`: the learner computes the anchor's, for samplers whose arithmetic differs.
   */
  readonly anchor: "sampled" | "recompute"
  /**
   * Steps that the sampling policy may lag behind the trained one. 0 is strictly on policy; with 1 the rollouts
   * of the next step are sampled and verified while this one is learned from. Above 0 the sampler must pin its policy,
   * and `anchor` be `recompute`.
   */
  readonly maxLag: number
  /** Steps between checkpoints. */
  readonly checkpointEvery: number
  /** Checkpoints kept, the newest. */
  readonly checkpointsKept: number
  /** Verifications at the same time. */
  readonly verifyConcurrency: number
  /** Time limit of one verdict, seconds; after it the verdict is a `timeout`, and the completion is masked. */
  readonly verifySeconds: number
  /** Groups written to completions.jsonl per step. */
  readonly groupsLogged: number
  /** How to choose the best policy, whose checkpoint is kept, and when to end early. Default null: neither. */
  readonly best?: BestOptions | null
  /** When to raise alarms, and when to stop a run. Default `Health.defaults`. */
  readonly health?: Health.Options
}

/** Defaults for everything but the task's own size. @category constructors */
export const defaults = {
  promptsPerStep: 64,
  groupSize: 8,
  epochs: 1,
  miniBatches: 2,
  optimizer: {
    learningRate: 4e-4,
    warmupSteps: 0,
    maxGradNorm: 1,
    beta1: 0.9,
    beta2: 0.95,
    epsilon: 1e-8,
    weightDecay: 0,
  },
  anchor: "sampled",
  maxLag: 0,
  checkpointEvery: 10,
  checkpointsKept: 2,
  verifyConcurrency: 16,
  verifySeconds: 30,
  groupsLogged: 4,
  best: null,
  health: Health.defaults,
} as const satisfies Partial<TrainConfig>
