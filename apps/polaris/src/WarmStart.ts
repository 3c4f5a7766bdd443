/** The warm start: supervised training on imperfect demonstrations, the same bits from the same seed. */
import { fileURLToPath } from "node:url"
import { RegularFile } from "@lpo/rollout"
import { Checkpoint, ModelConfig, ModelFiles, Parameters, Policy, Supervised, TransformerError } from "@lpo/transformer"
import { Effect } from "effect"
import type * as Model from "./Model.ts"
import type { Tiny } from "./tasks/index.ts"

/** The path of a preset's shipped warm start. */
export const shipped = (preset: string): string =>
  fileURLToPath(new URL(`../assets/${preset}.safetensors`, import.meta.url))

/** The model's configuration, with the vocabulary of the task. */
export const modelConfig = ({ shape }: Model.WarmStart, { tokenizer }: Tiny) =>
  ModelConfig.decode({ ...shape, vocab_size: tokenizer.vocabSize })

/** Trains the warm start from scratch; the policy closes with the scope. */
export const make = Effect.fn("WarmStart.make")(function* (
  model: Model.WarmStart,
  tiny: Tiny,
  onStep: (report: {
    readonly stage: number
    readonly step: number
    readonly steps: number
    readonly loss: number
  }) => Effect.Effect<void>,
) {
  const { maxGradNorm, seed, stages } = model.demonstrations
  const config = yield* modelConfig(model, tiny)
  const policy = yield* Policy.make(config, tiny.tokenizer, Parameters.initialise(config, seed))
  const demonstrations = tiny.demonstrations()
  for (const [stage, { batchSize, correctShare, ...schedule }] of stages.entries()) {
    yield* Supervised.train(policy, {
      ...schedule,
      maxGradNorm,
      batch: (step) => demonstrations(batchSize, correctShare, `${seed}/demonstrations/${stage}/${step}`),
      onStep: ({ loss, step }) => onStep({ stage, step, steps: schedule.steps, loss }),
    })
  }
  return policy
})

/** Writes a small model as a checkpoint that `--model`, transformers and servers open. */
export const saveCheckpoint = (
  { config, tokenizer, values }: Pick<Policy.PolicyService, "config" | "tokenizer" | "values">,
  folder: string,
) => {
  const generation = { eos_token_id: tokenizer.stops[0] }
  return Checkpoint.save(
    { config, tokenizer, values, raw: { config: null, generation: `${JSON.stringify(generation, null, 2)}\n` } },
    folder,
  )
}

/** Writes a warm start to a file. */
export const write = (policy: Policy.PolicyService, path: string) =>
  Effect.tryPromise({
    try: () => RegularFile.write(path, ModelFiles.encodeModel(policy)),
    catch: (cause) =>
      new TransformerError.ModelError({ reason: `${path}: cannot be written (${(cause as Error).message})` }),
  })

/** The bytes of a file; null if there is none. */
export const read = (path: string) =>
  Effect.tryPromise({
    try: () =>
      RegularFile.bytes(path).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return null
        throw cause
      }),
    catch: (cause) =>
      new TransformerError.ModelError({ reason: `${path}: cannot be read (${(cause as Error).message})` }),
  })
