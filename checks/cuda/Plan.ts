/** What is run, by size: on a GPU, or on a processor to try it. */

export interface Plan {
  /** Countdown: the numbers of a problem go up to this. */
  readonly max: number
  readonly teach: {
    readonly seconds: number
    readonly rows: number
    readonly learningRate: number
    readonly model: Readonly<Record<string, number>>
  }
  readonly server: Readonly<Record<string, number | boolean>>
  readonly train: {
    readonly prompts: number
    readonly learningRate: number
    readonly rank: number
    readonly problems: number
    readonly samples: number
    /** Where the time would allow more. */
    readonly mostSteps: number
  }
  /** Seconds that each stage may take. */
  readonly limits: {
    readonly machine: number
    readonly model: number
    readonly server: number
    readonly run: number
    readonly webgpu: number
  }
}

/** All limits together are below ten minutes. */
export const gpu: Plan = {
  max: 12,
  teach: {
    seconds: 105,
    rows: 1024,
    learningRate: 6e-4,
    model: {
      hidden_size: 768,
      intermediate_size: 2048,
      num_hidden_layers: 12,
      num_attention_heads: 12,
      num_key_value_heads: 4,
      head_dim: 64,
    },
  },
  server: {
    max_lora_adapters: 16,
    max_lora_rank: 32,
    train_micro_batch_size: 128,
    sample_max_num_sequences: 512,
    gradient_checkpointing: false,
  },
  train: { prompts: 64, learningRate: 1e-3, rank: 32, problems: 256, samples: 8, mostSteps: 150 },
  limits: { machine: 30, model: 145, server: 110, run: 90, webgpu: 95 },
}

/** A model of a million parameters; what it learns in so short a time is little. */
export const processor: Plan = {
  max: 6,
  teach: {
    seconds: 120,
    rows: 32,
    learningRate: 4e-3,
    model: {
      hidden_size: 128,
      intermediate_size: 384,
      num_hidden_layers: 5,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 32,
    },
  },
  server: {
    max_lora_adapters: 16,
    max_lora_rank: 8,
    train_micro_batch_size: 64,
    sample_max_num_sequences: 64,
    gradient_checkpointing: false,
  },
  train: { prompts: 8, learningRate: 3e-3, rank: 8, problems: 32, samples: 4, mostSteps: 10 },
  limits: { machine: 120, model: 300, server: 400, run: 240, webgpu: 300 },
}

/** Every limit times `patience`, for a machine with other things to do. */
export const patient = (plan: Plan, patience: number): Plan => ({
  ...plan,
  limits: {
    machine: plan.limits.machine * patience,
    model: plan.limits.model * patience,
    server: plan.limits.server * patience,
    run: plan.limits.run * patience,
    webgpu: plan.limits.webgpu * patience,
  },
})
