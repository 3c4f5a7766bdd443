/** The warm start: supervised training on imperfect demonstrations, the same bits from the same seed. */
import { readFile, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { ModelConfig, ModelFiles, Parameters, Policy, Supervised, TransformerError } from "@lpo/transformer"
import { Effect } from "effect"
import { makeDemonstrations, makeTokenizer } from "./CountdownTask.ts"
import type { Preset } from "./Preset.ts"

/** Where the warm start of a preset is shipped. */
export const shipped = (preset: Preset): string =>
  fileURLToPath(new URL(`../assets/${preset.name}.safetensors`, import.meta.url))

export const modelConfig = (preset: Preset) =>
  ModelConfig.decode({ ...preset.model, vocab_size: makeTokenizer(preset).vocabSize })

/** Trains the warm start from nothing; the policy lives as long as the scope. */
export const make = Effect.fn("Warmstart.make")(function* (
  preset: Preset,
  onStep: (report: {
    readonly stage: number
    readonly step: number
    readonly steps: number
    readonly loss: number
  }) => Effect.Effect<void>,
) {
  const { maxGradNorm, seed, stages } = preset.warmStart
  const config = yield* modelConfig(preset)
  const policy = yield* Policy.make(config, makeTokenizer(preset), Parameters.initialise(config, seed))
  const demonstrations = makeDemonstrations(preset)
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

/** Writes a warm start to a file. */
export const write = (policy: Policy.PolicyService, path: string) =>
  Effect.tryPromise({
    try: () => writeFile(path, ModelFiles.encodeModel(policy)),
    catch: (cause) =>
      new TransformerError.ModelError({ reason: `${path}: ${(cause as Error).message}; choose another --out` }),
  })

/** The bytes of a file, or null when it does not exist. */
export const read = (path: string): Effect.Effect<Uint8Array | null> =>
  Effect.promise(() => readFile(path).catch(() => null))
