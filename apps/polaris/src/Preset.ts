/** Presets: everything about a run that is not an option of the command line. */
import type { TrainConfig } from "@lpo/trainer"
import type { ModelConfig } from "@lpo/transformer"
import type { Countdown } from "@lpo/verifiers"

/** One stage of the supervised warm start. */
export interface WarmStartStage {
  readonly steps: number
  readonly batchSize: number
  readonly learningRate: number
  readonly warmupSteps: number
  /** Share of the steps over which the learning rate falls to 0. */
  readonly decayShare: number
  /** Share of the demonstrations that are right; the others are random well-formed expressions. */
  readonly correctShare: number
}

export interface Preset {
  readonly name: string
  readonly about: string
  readonly task: {
    readonly size: number
    readonly max: number
    readonly minTarget: number
    readonly maxTarget: number
    readonly operators: ReadonlyArray<Countdown.Expressions.Operator>
    /** Share of the number multisets that is held out. */
    readonly heldOutShare: number
    readonly heldOutProblems: number
  }
  /** `vocab_size` comes from the task's tokenizer. */
  readonly model: Omit<ModelConfig.ModelConfig, "vocab_size">
  readonly warmStart: {
    readonly seed: string
    readonly stages: ReadonlyArray<WarmStartStage>
    readonly maxGradNorm: number
  }
  readonly train: Pick<
    TrainConfig.TrainConfig,
    "steps" | "promptsPerStep" | "groupSize" | "maxTokens" | "epochs" | "miniBatches" | "checkpointEvery"
  >
  readonly optimizer: Pick<TrainConfig.TrainConfig["optimizer"], "learningRate" | "maxGradNorm">
  readonly evaluation: { readonly samples: number }
}

/** A 343,008-parameter model learns three-number Countdown in under half a minute on two cores. */
export const countdownTiny: Preset = {
  name: "countdown-tiny",
  about: "three numbers from 1 to 12, + - *, targets from 1 to 100; a 343,008-parameter model",
  task: {
    size: 3,
    max: 12,
    minTarget: 1,
    maxTarget: 100,
    operators: ["+", "-", "*"],
    heldOutShare: 0.2,
    heldOutProblems: 500,
  },
  model: {
    model_type: "llama",
    hidden_size: 96,
    intermediate_size: 256,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    max_position_embeddings: 32,
    rope_theta: 10000,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
  },
  // First the arithmetic, then an honest imperfection: the second stage teaches the model to be right only now and then.
  warmStart: {
    seed: "countdown-tiny/warm-start",
    maxGradNorm: 1,
    stages: [
      { steps: 3000, batchSize: 128, learningRate: 2e-3, warmupSteps: 100, decayShare: 0.3, correctShare: 1 },
      { steps: 400, batchSize: 128, learningRate: 1e-3, warmupSteps: 100, decayShare: 0.3, correctShare: 0.4 },
    ],
  },
  train: {
    steps: 60,
    promptsPerStep: 64,
    groupSize: 8,
    maxTokens: 10,
    epochs: 1,
    miniBatches: 2,
    checkpointEvery: 10,
  },
  optimizer: { learningRate: 4e-4, maxGradNorm: 1 },
  evaluation: { samples: 16 },
}

export const presets: Readonly<Record<string, Preset>> = { [countdownTiny.name]: countdownTiny }
