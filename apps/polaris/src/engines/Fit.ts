/** Whether a checkpoint can be trained in this process, computed from its shape only. */
import { type Lora, Memory, type ModelConfig } from "@lpo/transformer"

/** Memory for the activations of a micro-batch, unless a group needs more. */
export const activationsMiB = 1024
/** A rough upper bound for a question's tokens. */
export const promptTokens = 256

export interface Asked {
  readonly groupSize: number
  readonly maxTokens: number
  /** Most samples of one problem in an evaluation. */
  readonly evaluationSamples: number
}

export interface Fit {
  readonly estimate: Memory.Estimate
  readonly checkpointActivations: boolean
  /** For the activations of a micro-batch. */
  readonly learnMiB: number
  /** Why it does not fit, and what does; null if it fits. */
  readonly refusal: string | null
}

export const of = (
  config: ModelConfig.ModelConfig,
  lora: Lora.LoraConfig | null,
  { evaluationSamples, groupSize, maxTokens }: Asked,
): Fit => {
  // A group is learned from as a whole: its prompt once, and its responses.
  const tokens = promptTokens + groupSize * maxTokens
  const options = (checkpointActivations: boolean): Memory.Options => ({
    purpose: "train",
    lora,
    checkpointActivations,
    tokens,
    sequences: Math.max(groupSize, evaluationSamples),
    positions: promptTokens + maxTokens,
  })
  const mib = (checkpointActivations: boolean): number =>
    (tokens * Memory.bytesPerToken(config, checkpointActivations)) / 2 ** 20
  const checkpointActivations = Memory.refusal(config, options(false)) !== null || mib(false) > activationsMiB
  return {
    estimate: Memory.estimate(config, options(checkpointActivations)),
    checkpointActivations,
    learnMiB: Math.max(activationsMiB, Math.ceil(mib(checkpointActivations))),
    refusal: checkpointActivations ? Memory.refusal(config, options(true)) : null,
  }
}
