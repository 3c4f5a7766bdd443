// A Hugging Face checkpoint: opened, asked, trained with an adapter, saved for other engines. `source` is a folder, or a name on
// the hub such as "Qwen/Qwen3-0.6B".
import { join } from "node:path"
import type { Problem, Sequence } from "@lpo/rollout"

// #region open
import { Checkpoint, Policy } from "@lpo/transformer"
import { Effect } from "effect"

export const ask = Effect.fn(function* (source: string, messages: ReadonlyArray<Problem.Message>) {
  const { config, tokenizer, values } = yield* Checkpoint.open(source)
  if (tokenizer === null) return yield* Effect.die("the checkpoint has no tokenizer")
  const policy = yield* Policy.make(config, tokenizer, values, { workers: 1 })
  const prompt = yield* tokenizer.encodeChat(messages)
  const [[answer]] = yield* policy.generate([{ prompt, streams: ["answer"] }], { maxTokens: 32, temperature: 0.7 })
  return tokenizer.decode(answer.tokens)
}, Effect.scoped)
// #endregion open

// #region lora
import { Lora, LoraFiles, Supervised } from "@lpo/transformer"

export const adapt = Effect.fn(function* (source: string, folder: string, pairs: ReadonlyArray<Sequence.Sequence>) {
  const checkpoint = yield* Checkpoint.open(source)
  const { config, tokenizer, values } = checkpoint
  if (tokenizer === null) return yield* Effect.die("the checkpoint has no tokenizer")
  const lora = Lora.initialise(config, { rank: 8, alpha: 16, targets: ["q_proj", "v_proj"] }, "my-adapter")
  const policy = yield* Policy.make(config, tokenizer, values, { workers: 1, lora, checkpointActivations: true })
  // Any training that takes a policy: the trainer's loop, or here supervised steps.
  yield* Supervised.train(policy, {
    steps: 20,
    learningRate: 1e-2,
    warmupSteps: 2,
    decayShare: 0.5,
    maxGradNorm: 1,
    batch: () => pairs,
  })
  const adapter = { config: lora.config, values: policy.values.slice() }
  yield* LoraFiles.write(config, adapter, join(folder, "adapter"), { baseModel: source })
  yield* Checkpoint.save(Checkpoint.merged(checkpoint, adapter), join(folder, "merged"), { dtype: "BF16" })
  return policy.values.length
}, Effect.scoped)
// #endregion lora

// #region memory
import { Memory, type ModelConfig } from "@lpo/transformer"

export const fits = (config: ModelConfig.ModelConfig): string =>
  Memory.refusal(config, { purpose: "train", sequences: 8, positions: 512 }) ?? "it trains in a WASM heap"
// #endregion memory
